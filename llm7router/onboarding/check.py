"""Whether a provider takes a key: by its free check, or by one request if there is none."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from llm7router.calls import account
from llm7router.config.addresses import at_host
from llm7router.config.models import ProviderConfig, ProviderSpec
from llm7router.onboarding.web import Answer, NoAnswerError, fetch, words_of
from llm7router.proxies import DIRECT, Proxy
from llm7router.types import AccountLimit, Failure

if TYPE_CHECKING:
    from llm7router.config.models import LoadedConfig

REFUSED = 401  # whatever the body says
PROMPT = [{"role": "user", "content": "Say hi."}]
MAX_TOKENS = 64  # of the answer; a model that thinks first may need that many


class Verdict(StrEnum):
    """What a check says of a key."""

    GOOD = "good"
    BAD = "bad"
    UNKNOWN = "unknown"


class Checked(NamedTuple):
    """The verdict, why if it is not good, and what the provider told of the account's limits on the way."""

    verdict: Verdict
    because: str = ""
    account: AccountLimit | None = None


async def free_check(config: ProviderConfig, key: str, proxy: Proxy = DIRECT) -> Checked:
    """Ask the provider's page that tells a good key from a bad one; costs nothing of the allowance."""
    assert config.key_check is not None, "the caller looks first"
    assert config.base_url is not None, "a provider with a key check has a host"
    headers = {name: key} if (name := config.key_check.header) else {"Authorization": f"Bearer {key}"}
    try:
        answer = await fetch(at_host(config.base_url, config.key_check.path), headers=headers, proxy=proxy)
    except NoAnswerError as error:
        return Checked(Verdict.UNKNOWN, str(error))
    return judged(config, answer, key)


def judged(config: ProviderConfig, answer: Answer, key: str) -> Checked:
    """The verdict of an answer. One that is no JSON is not the provider's: of a firewall, or of a hotel's log-in."""
    bad = (REFUSED, 403, config.key_check.bad_key_status if config.key_check else None)
    if not isinstance(answer.body, dict | list) and answer.status != REFUSED:
        return Checked(Verdict.UNKNOWN, f"the answer is not JSON (status {answer.status})")
    if answer.status in bad:
        return Checked(Verdict.BAD, words_of(answer, key))
    if answer.status != 200:
        return Checked(Verdict.UNKNOWN, words_of(answer, key))
    return Checked(Verdict.GOOD, account=account.read(answer.body))


async def request_check(loaded: LoadedConfig, spec: ProviderSpec, key: str) -> Checked:
    """Send one short request to the provider's first model. It is counted like every other."""
    from llm7router.errors import RoutingError
    from llm7router.router import LLMRouter
    from llm7router.types import RequestContext

    config = spec.config.model_copy(update={"enabled": True, "api_key_env": None, "api_key": key})
    model = next((model.id for model in config.models if model.enabled), None)
    if model is None:
        return Checked(Verdict.UNKNOWN, "it has no model that is enabled")
    async with LLMRouter(loaded) as router:
        router.register_provider(ProviderSpec(spec.name, config))
        context = RequestContext(providers=(f"{spec.name}/{model}",))
        try:
            await router.complete(PROMPT, context, max_tokens=MAX_TOKENS)
        except RoutingError as error:
            last = error.attempts[-1] if error.attempts else None
            if last is None:
                return Checked(Verdict.UNKNOWN, str(error))
            verdict = {Failure.KEY_REJECTED: Verdict.BAD, Failure.NO_ANSWER: Verdict.GOOD}
            because = ": ".join(part for part in (str(last.failure), last.detail) if part)
            return Checked(verdict.get(last.failure, Verdict.UNKNOWN) if last.failure else Verdict.UNKNOWN, because)
    return Checked(Verdict.GOOD)
