from urllib.parse import parse_qs, urlsplit

import pytest

from llm7router.config.load import load, packaged
from llm7router.config.models import ProviderConfig
from llm7router.onboarding.pkce import ConsentError, OtherStateError, Pkce, exchange
from tests.onboarding.vendor import CODE, KEY, OpenRouter
from tests.upstream import Upstream


def shipped() -> ProviderConfig:
    return next(spec.config for spec in load(packaged(), env={}).providers if spec.name == "openrouter")


def at(base_url: str) -> ProviderConfig:
    return shipped().model_copy(update={"base_url": base_url})


def test_the_challenge_is_that_of_the_standard() -> None:
    verifier, challenge = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    assert Pkce(verifier).challenge == challenge  # RFC 7636, appendix B


def test_the_address_asks_the_provider_to_send_the_browser_back_with_our_state() -> None:
    pkce = Pkce()
    address = urlsplit(pkce.address(shipped(), 4711))
    query = {name: values[0] for name, values in parse_qs(address.query).items()}
    assert (address.scheme, address.netloc, address.path) == ("https", "openrouter.ai", "/auth")
    assert (query["code_challenge"], query["code_challenge_method"]) == (pkce.challenge, "S256")
    assert query["callback_url"] == f"http://localhost:4711/cb?state={pkce.state}"
    assert pkce.verifier not in address.geturl()


def test_every_flow_has_secrets_of_its_own_that_are_not_printed() -> None:
    one, other = Pkce(), Pkce()
    assert len({one.state, one.verifier, other.state, other.verifier}) == 4
    assert len(one.verifier) >= 43
    assert one.state not in repr(one)
    assert one.verifier not in repr(one)


@pytest.mark.parametrize(
    "query",
    [
        "code=x",
        "code=x&state=",
        "code=x&state=other",
        "code=x&state={state}&state={state}",
        "code=x&state={state}é",
        "",
        "&".join(f"a{number}=b" for number in range(99)) + "&state={state}&code=x",
    ],
    ids=["none", "empty", "another", "two", "more than ASCII", "nothing at all", "a hundred others"],
)
def test_an_answer_without_our_state_is_somebody_elses(query: str) -> None:
    pkce = Pkce()
    with pytest.raises(OtherStateError):
        pkce.code_in(query.format(state=pkce.state))


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("error=access_denied", "it was declined in the browser"),
        ("", "the code is empty"),
        ("code=a&code=b", "the code is empty"),
        ("code=a%0Ab", "the code has more than one line"),
        ("code=" + "x" * 600, "the code is longer than any key (600 characters, at most 512)"),
    ],
)
def test_an_answer_with_our_state_but_no_code_says_why(query: str, why: str) -> None:
    pkce = Pkce()
    with pytest.raises(ConsentError) as caught:
        pkce.code_in(f"state={pkce.state}&{query}")
    assert str(caught.value) == why


@pytest.mark.parametrize(
    "pasted",
    [
        "abc-defg",
        " abc-defg \n",
        "http://localhost:1/cb?state={state}&code=abc-defg",
        "http://localhost:1/cb?st\nate={state}&code=abc-defg\n",
    ],
    ids=["a code", "with spaces", "an address", "an address over two lines"],
)
def test_a_code_may_be_pasted_alone_or_in_the_address_that_the_browser_shows(pasted: str) -> None:
    pkce = Pkce()
    assert pkce.code_of(pasted.format(state=pkce.state)) == "abc-defg"


@pytest.mark.parametrize(
    ("pasted", "why"),
    [
        ("sk-or-v1-0123456789canary", "it looks like a key; type `k` and Enter, then paste the key"),
        ("http://localhost:1/cb", "the address has no code"),
        ("yes", "it is too short for a code"),
    ],
)
def test_what_can_only_be_something_else_is_told_at_once_without_repeating_it(pasted: str, why: str) -> None:
    with pytest.raises(ConsentError) as caught:
        Pkce().code_of(pasted)
    assert str(caught.value) == why


@pytest.mark.parametrize("pasted", ["http://[x?code=canary", "http://canary\u2100b?state=x"])
def test_a_pasted_address_that_cannot_be_read_is_told_without_repeating_it(pasted: str) -> None:
    with pytest.raises(ConsentError, match=r"^it is an address that cannot be read$"):
        Pkce().code_of(pasted)


def test_a_pasted_address_of_another_flow_is_refused() -> None:
    with pytest.raises(OtherStateError):
        Pkce().code_of(f"http://localhost:1/cb?state={Pkce().state}&code=abc")


async def test_the_code_and_the_verifier_bring_the_key() -> None:
    with OpenRouter() as vendor:
        pkce = Pkce()
        vendor.asked.append({"code_challenge": pkce.challenge})
        assert await exchange(at(f"{vendor.url}/api/v1"), CODE, pkce.verifier) == KEY


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (("status", 400, "Invalid code"), "no key came for the code (400: Invalid code)"),
        (
            ("status", 400, "no code c0de or verifier ver1fier"),
            "no key came for the code (400: no code *** or verifier ***)",
        ),
        ("html", "no key came for the code (200)"),
        (("json_body", {"key": 7}), "no key came for the code (200)"),
        (("json_body", {"key": "a b"}), "what came for the code is no key: it has a space inside"),
        (("json_body", {"key": ""}), "what came for the code is no key: it is empty"),
        (("redirect", "http://127.0.0.1:1/"), "no key came for the code: it redirects (status 307)"),
        ("close", "no key came for the code: it cannot be reached (RemoteProtocolError)"),
    ],
)
async def test_no_key_for_a_code_is_one_clear_line(upstream: Upstream, answer: str, why: str) -> None:
    upstream.paths["/api/v1/auth/keys"] = answer
    with pytest.raises(ConsentError) as caught:
        await exchange(at(upstream.base_url), "c0de", "ver1fier")
    assert str(caught.value) == why
