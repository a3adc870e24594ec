"""Who may ask, from where, and what a request can never reach: other hosts, other keys, other people's answers."""

from __future__ import annotations

import hashlib
import hmac
import inspect
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from llm7router.calls.params import ALLOWED, FORBIDDEN
from llm7router.server import guard, keys
from tests.guard import CANARY
from tests.router import scene
from tests.server.gateway import KEY, Gateway, chat_body, error_of, head
from tests.upstream import Upstream, wait_until
from tests.upstream_behaviours import answer, status

PROMPT = "canary-prompt-51c0"
CHAT = "/v1/chat/completions"


def sha256(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


@pytest.mark.parametrize(
    "host", ["evil.com", "localhost.evil.com", "127.0.0.1.evil.com:80", "10.0.0.1", "", "[::1", "a:b"]
)
def test_a_host_that_is_not_ours_is_misdirected(serving: Gateway, host: str) -> None:
    response = serving.client.get("/healthz", headers={"host": host})
    assert (response.status_code, error_of(response)["code"]) == (421, "misdirected_request")
    assert "server.hosts in router.yaml" in error_of(response)["message"]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1:7707", "[::1]", "[::1]:7707"])
def test_hosts_of_this_machine_are_ours(serving: Gateway, host: str) -> None:
    assert serving.client.get("/healthz", headers={"host": host}).status_code == 200


def test_hosts_and_origins_are_configured(upstream: Upstream) -> None:
    server = {"hosts": ["gateway.lan"], "origins": ["https://app.lan"]}
    with Gateway({"alpha": upstream}, server=server) as gateway:
        for host, origin, code in [
            ("gateway.lan:80", "https://app.lan", 200),
            ("gateway.lan", "https://gateway.lan", 200),
            ("gateway.lan", "https://other.lan", 403),
            ("localhost", "https://app.lan", 421),
        ]:
            response = gateway.chat(headers={"host": host, "origin": origin})
            assert response.status_code == code, (host, origin)
            assert not cors(response), "no page may read more than its own answers"


@pytest.mark.parametrize(
    "origin", ["https://evil.com", "null", "http://localhost:3000", "http://127.0.0.1.evil.com", ""]
)
def test_a_page_from_elsewhere_may_not_ask(serving: Gateway, answering: Upstream, origin: str) -> None:
    calls = answering.count
    response = serving.chat(headers={"origin": origin})
    assert (response.status_code, error_of(response)["type"]) == (403, "permission_error")
    assert "server.origins in router.yaml" in error_of(response)["message"]
    assert answering.count == calls


def test_the_gateways_own_page_may_ask(serving: Gateway) -> None:
    assert serving.chat(headers={"origin": serving.url}).status_code == 200


@pytest.mark.parametrize("origin", [None, "https://evil.com"])
def test_a_preflight_gets_no_permission(serving: Gateway, origin: str | None) -> None:
    headers = {"access-control-request-method": "POST", "access-control-request-headers": "authorization"}
    headers |= {"origin": origin} if origin else {}
    response = serving.client.options(CHAT, headers=headers)
    assert response.status_code in (403, 405)
    assert not cors(response)


def cors(response: httpx.Response) -> list[str]:
    return [name for name in response.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "text/json"]
)
def test_a_body_that_a_form_could_send_is_refused(serving: Gateway, answering: Upstream, kind: str) -> None:
    calls = answering.count
    response = serving.client.post(CHAT, content=json.dumps(chat_body()), headers={"content-type": kind})
    assert (response.status_code, error_of(response)["code"]) == (415, "media_type")
    assert "application/json" in error_of(response)["message"]
    assert answering.count == calls


def test_json_may_say_its_charset(serving: Gateway) -> None:
    kind = {"content-type": "Application/JSON; charset=utf-8"}
    assert serving.post(CHAT, content=json.dumps(chat_body()).encode(), headers=kind).status_code == 200


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "gzip, gzip"])
def test_a_compressed_body_is_refused(serving: Gateway, encoding: str) -> None:
    response = serving.post(CHAT, content=b"\x1f\x8b", headers={"content-encoding": encoding})
    assert (response.status_code, error_of(response)["code"]) == (415, "content_encoding")
    assert "uncompressed" in error_of(response)["message"]


WRONG_KEYS = {
    "another key": "Bearer sk-llm7-another",
    "a shorter key": f"Bearer {KEY[:-1]}",
    "a longer key": f"Bearer {KEY}x",
    "another case": f"Bearer {KEY.upper()}",
    "no key": "Bearer",
    "no scheme": KEY,
    "another scheme": f"Basic {KEY}",
    "umlauts": "Bearer schlüssel",
    "no Latin": "Bearer 鍵",
    "bytes that are no text": b"Bearer \xff\xfe",
    "the hash": f"Bearer {sha256(KEY)}",
}


@pytest.mark.parametrize("value", WRONG_KEYS.values(), ids=WRONG_KEYS)
def test_a_wrong_key_is_not_let_in_and_learns_nothing(
    serving: Gateway, value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "FAILURES", 10_000)
    raw = value if isinstance(value, bytes) else value.encode()
    response = serving.client.get("/stats", headers={b"authorization": raw})  # type: ignore[dict-item]
    missing = httpx.get(f"{serving.url}/stats", trust_env=False)
    unlike = httpx.get(f"{serving.url}/stats", headers={"authorization": "Bearer x"}, trust_env=False)
    assert error_of(missing) != error_of(unlike)
    assert (response.status_code, error_of(response)["type"]) == (401, "authentication_error")
    none = value in (WRONG_KEYS["no key"], WRONG_KEYS["no scheme"], WRONG_KEYS["another scheme"])
    assert error_of(response) == error_of(missing if none else unlike)


@pytest.mark.parametrize("name", ["authorization", "x-api-key"])
def test_the_key_comes_as_openai_or_anthropic_sends_it(shared: Gateway, name: str) -> None:
    value = {"authorization": f"bearer  {KEY}", "x-api-key": KEY}[name]
    response = httpx.get(f"{shared.url}/stats", headers={name: value}, trust_env=False)
    assert response.status_code == 200


def test_every_key_is_compared_in_constant_time_whichever_is_given(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = []

    def counted(one: bytes, other: bytes) -> bool:
        compared.append(one)
        return one == other

    listed = [{"name": name, "sha256": sha256(name)} for name in ("ann", "bob")]
    with Gateway({"alpha": upstream}, server={"keys": listed}) as gateway:
        monkeypatch.setattr(hmac, "compare_digest", counted)
        for key, code in {"ann": 200, "bob": 200, KEY: 200, "eve": 401}.items():
            compared.clear()
            assert gateway.client.get("/stats", headers={"authorization": f"Bearer {key}"}).status_code == code
            assert [digest.hex() for digest in compared] == [sha256("ann"), sha256("bob"), sha256(KEY)]


def test_too_many_wrong_keys_have_to_wait_and_the_right_one_does_not(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "FAILURES", 3)
    monkeypatch.setattr(guard, "FAILURES_S", 0.5)
    wrong = {"authorization": "Bearer wrong"}
    with Gateway({"alpha": upstream}) as gateway:
        codes = [gateway.client.get("/stats", headers=wrong).status_code for _ in range(4)]
        assert codes == [401, 401, 401, 429]
        refused = gateway.client.get("/stats", headers=wrong)
        assert (error_of(refused)["code"], refused.headers["retry-after"]) == ("wrong_keys", "1")
        assert gateway.client.get("/stats").status_code == 200
        time.sleep(0.5)
        assert gateway.client.get("/stats", headers=wrong).status_code == 401


def test_addresses_with_wrong_keys_do_not_fill_the_memory() -> None:
    judge = guard.Guard(None, guard.ServerConfig(), keys.Keyring([]))  # type: ignore[arg-type]
    for number in range(guard.ADDRESSES + 100):
        judge._count_failure(f"10.0.{number // 256}.{number % 256}")
    assert len(judge._failures) == guard.ADDRESSES


@pytest.fixture
def team(upstream: Upstream) -> Iterator[Gateway]:
    """Keys of their own: `ann` may ask for `auto` and `fast` only, one request at a time."""
    ann = {"name": "ann", "sha256": sha256("ann"), "models": ["auto", "fast"], "in_flight": 1}
    fast = {"fast": {"requires_speed": True}}
    with Gateway({"alpha": upstream}, server={"keys": [ann]}, aliases=fast) as gateway:
        yield gateway


ANN = {"authorization": "Bearer ann"}


def test_a_key_asks_for_its_models_only(team: Gateway, upstream: Upstream) -> None:
    for model in ("auto", "auto:code", "auto:fast", "fast"):
        assert team.chat(model=model, headers=ANN).status_code == 200, model
    calls = upstream.count
    for model in ("alpha", "alpha/m", "m", "nothing", "fast/x", "fast:x", "AUTO"):
        response = team.chat(model=model, headers=ANN)
        assert (response.status_code, error_of(response)["code"]) == (403, "model_not_allowed"), model
        assert "auto, fast" in error_of(response)["message"]
    assert upstream.count == calls
    assert team.chat(model="alpha/m").status_code == 200
    asked = {"model": "alpha/m", "prompt": "Who?"}
    assert team.post("/v1/route", asked, headers=ANN).status_code == 403
    assert team.post("/v1/route", {**asked, "model": "auto"}, headers=ANN).status_code == 200


def test_a_key_has_so_many_requests_under_way(team: Gateway, upstream: Upstream) -> None:
    upstream.always("stall", 0.5)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(team.chat, headers=ANN)
        assert wait_until(lambda: upstream.count == 1, 5)
        second = team.chat(headers=ANN)
        others = pool.submit(team.chat)
        assert (second.status_code, error_of(second)["code"]) == (429, "too_many_in_flight")
        assert second.headers["retry-after"] == "1"
        assert first.result().status_code == others.result().status_code == 200
    upstream.always("answer")
    assert team.chat(headers=ANN).status_code == 200


def test_a_body_that_is_still_coming_is_under_way(team: Gateway) -> None:
    with team.connect() as connection:
        connection.sendall(head(authorization="Bearer ann", content_length="100") + b"{")
        assert wait_until(lambda: team.chat(headers=ANN).status_code == 429, 2)
    assert wait_until(lambda: team.chat(headers=ANN).status_code == 200, 2)


def extra_fields(decoy: str) -> dict[str, Any]:
    """Every argument of LiteLLM that is not ours to pass on, and whatever else could name a place or a key."""
    import litellm

    names = set(inspect.signature(litellm.acompletion).parameters) | set(FORBIDDEN)
    names |= {"endpoint", "url", "proxy", "aws_access_key_id", "azure_ad_token", "litellm_params", "hf_model_name",
              "vertex_project", "input_cost_per_token", "mock_response", "fallbacks", "callbacks"}  # fmt: skip
    headers = {"authorization": "Bearer thief", "x-planted": "1", "host": "thief.example"}
    special = {"headers": headers, "extra_headers": headers, "default_headers": headers, "extra_body": {"planted": "1"},
               "api_key": "thief", "azure_ad_token": "thief", "custom_llm_provider": "openai", "timeout": 0.001,
               "fallbacks": [{"model": "openai/x", "api_base": decoy}], "mock_response": "planted"}  # fmt: skip
    own = {"model", "messages", "stream", "stream_options"}
    found = sorted(names - ALLOWED - own, key=lambda name: (not name.startswith("api_"), name))  # the header is cut
    return {name: special.get(name, decoy) for name in found}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_no_field_of_a_body_reaches_another_host_or_changes_the_key(
    serving: Gateway, answering: Upstream, beta: Upstream, stream: bool
) -> None:
    fields = extra_fields(beta.base_url)
    assert len(fields) > 25
    response = serving.post(CHAT, chat_body("Hi", stream=stream, **fields))
    assert response.status_code == 200, response.text
    assert "planted" not in response.text
    assert beta.connections == 0
    sent = answering.last
    assert sent.headers["authorization"] == f"Bearer {CANARY}"
    assert sent.headers["host"] == answering.base_url.removeprefix("http://").removesuffix("/v1")
    for planted in (beta.base_url, "thief", "planted"):
        assert planted not in str(sent.headers)
        assert planted not in sent.raw.decode()
    ignored = response.headers["x-llm7router-ignored"].split(",")[:-1]  # cut at 500 characters
    assert {"api_base", "api_key"} <= set(ignored) <= set(fields)


def test_headers_of_a_client_go_no_further(serving: Gateway, answering: Upstream) -> None:
    planted = {"x-forwarded-for": "1.2.3.4", "cookie": "a=b", "x-planted": "1", "openai-organization": "org", "te": "x"}
    assert serving.chat(headers=planted).status_code == 200
    assert not {"x-forwarded-for", "cookie", "x-planted", "openai-organization", "te"} & set(answering.last.headers)
    assert KEY not in str(answering.last.headers)


def test_headers_of_a_provider_go_no_further(upstream: Upstream) -> None:
    planted = {"set-cookie": "a=b", "x-planted": "1", "server": "acme", "x-request-id": "theirs", "connection": "close",
               "access-control-allow-origin": "*", "x-llm7router-provider": "acme", "openai-organization": "o"}  # fmt: skip
    with Gateway({"alpha": upstream}) as gateway:
        for stream in (False, True):
            upstream.always(answer(headers=planted))
            response = gateway.chat(stream=stream)
            assert response.status_code == 200
            assert not {"set-cookie", "x-planted", "server", "openai-organization", *cors(response)} & set(
                response.headers
            )
            assert response.headers["x-request-id"].startswith("req_")
            assert response.headers["x-llm7router-provider"] == "alpha/m"
        upstream.always(status(400, headers=planted))
        refused = gateway.chat()
        assert not {"set-cookie", "x-planted", "server"} & set(refused.headers)


def test_the_name_of_a_model_cannot_write_headers(upstream: Upstream) -> None:
    odd = "m\r\nset-cookie: a=b\r\n\r\nkö"
    provider = {
        "base_url": upstream.base_url,
        "api_key": CANARY,
        "models": [
            {"id": odd, "context_window": 32000, "capabilities": ["streaming"], "cost": {"input": 0, "output": 0}}
        ],
    }
    with Gateway({"alpha": provider}) as gateway:
        for stream in (False, True):
            response = gateway.chat(stream=stream, **{"x\r\nset-cookie: c=d": 1})
            assert response.status_code == 200
            assert "set-cookie" not in response.headers
            assert response.headers["x-llm7router-provider"] == "alpha/mset-cookie: a=bk"


def test_a_provider_that_repeats_its_key_does_not_spread_it(
    upstream: Upstream, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    told = f"the key {CANARY} in `Authorization: Bearer {CANARY}` is wrong"
    codes = (400, 401, 402, 403, 404, 413, 429, 500, 503)
    providers = {
        f"p{code}": scene.provider(scene.model(f"m{code}"), base_url=upstream.base_url, api_key=CANARY)
        for code in codes
    }
    seen = []
    with Gateway(providers) as gateway, httpx.Client(base_url=gateway.url, trust_env=False) as stranger:
        for code in codes:
            upstream.always("status", code, told, headers={"x-told": CANARY})
            for stream in (False, True):
                response = gateway.chat(PROMPT, stream=stream, model=f"p{code}")
                assert response.status_code >= 400
                seen.append(response.text + str(response.headers))
            assert upstream.last.model == f"m{code}"
        seen += [gateway.client.get(path).text for path in ("/stats", "/metrics", "/v1/models", "/openapi.json", "/")]
        with gateway.client.stream("GET", "/events") as events:
            seen.append(next(events.iter_text()))
        seen.append(stranger.get("/stats", headers={"authorization": f"Bearer {CANARY}"}).text)
        seen.append(repr(gateway.router) + repr(gateway.app))
    out, err = capfd.readouterr()
    assert "req_" in seen[-3], "the events show the requests"
    for text in [*seen, out, err, caplog.text]:
        assert CANARY not in text
        assert PROMPT not in text
        assert KEY not in text


def test_every_answer_has_an_id_of_its_own_and_forbids_sniffing_and_caching(serving: Gateway) -> None:
    answers = [
        serving.chat(),
        serving.chat(stream=True),
        serving.client.get("/stats"),
        serving.client.get("/metrics"),
        serving.client.get("/"),
        serving.client.get("/nothing"),
        serving.client.get("/stats", headers={"host": "evil.com"}),
        serving.chat(model="nothing"),
    ]
    ids = {each.headers["x-request-id"] for each in answers}
    assert len(ids) == len(answers)
    for each in (answers[0], answers[1], *answers[4:]):
        assert each.headers["x-content-type-options"] == "nosniff"
        assert each.headers["cache-control"] == "no-store"
    assert not [name for name in answers[0].headers if name in ("server", "x-powered-by")]
