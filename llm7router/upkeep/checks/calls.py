"""What only a call can tell: that a model of this machine runs and how fast, and that a provider really answers.

Calls go through the router, so that limits count and what is measured is remembered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

from llm7router.errors import Llm7RouterError, RoutingError
from llm7router.router import LLMRouter
from llm7router.types import CompletionResult, Deployment, Failure, RequestContext
from llm7router.upkeep.findings import Area, Finding, Level

LOCAL_S = 30.0  # to load a model and write an answer
PROBE_S = 20.0
LOCAL_TOKENS, PROBE_TOKENS = 32, 64
SLOW = 5.0  # tokens a second; slower than people read
LOCAL_PROMPT = [{"role": "user", "content": "Count from one to twenty in words."}]
PROBE_PROMPT = [{"role": "user", "content": "Say ok."}]
PACKAGES = {"llama_cpp": "llama-cpp-python", "xllamacpp": "xllamacpp"}


async def local_speed(router: LLMRouter, deployment: Deployment) -> Finding:
    """A short answer of a model on this machine, and its tokens a second."""
    context = RequestContext(providers=(deployment.id,), deadline_s=LOCAL_S, wait_s=0)
    result: CompletionResult | None = None
    try:
        async for chunk in router.stream(LOCAL_PROMPT, context, max_tokens=LOCAL_TOKENS, temperature=0):
            result = chunk.result or result
    except Llm7RouterError as error:
        slow = _failure(error) is Failure.TIMEOUT
        message = f"{deployment.id}: {f'no answer within {LOCAL_S:g} s' if slow else _why(error)}"
        fix = f"`llm7router chat --only {deployment.id} hello` says more"
        return Finding(Area.LOCAL, Level.WARNING if slow else Level.FAULT, message, fix)
    assert result is not None, "a stream that ends without an error ends with its result"
    record = result.attempts[-1]
    first_s = record.first_token_s or 0.0
    rate = (result.tokens_output - 1) / max(record.duration_s - first_s, 1e-3)
    message = f"{deployment.id} ({_engine()}): {rate:.0f} tokens/s, the first after {first_s:.1f} s, loading included"
    if result.tokens_output > 1 and rate < SLOW:
        return Finding(Area.LOCAL, Level.WARNING, message, "a smaller or more quantized model is faster")
    return Finding(Area.LOCAL, Level.OK, message)


async def probe(router: LLMRouter, providers: Iterable[str]) -> list[Finding]:
    """One request to each provider's best model, all at once."""
    return list(await asyncio.gather(*(_probe(router, provider) for provider in providers)))


async def _probe(router: LLMRouter, provider: str) -> Finding:
    best = router.decide(PROBE_PROMPT, RequestContext(providers=(provider,)), max_tokens=PROBE_TOKENS).best
    if best is None:
        message = f"{provider}: not asked, since its limits or an earlier failure do not allow a request now"
        return Finding(Area.PROVIDERS, Level.WARNING, message, "`llm7router providers` says until when")
    one = best.deployment.id  # one deployment: one request, whatever comes of it
    try:
        context = RequestContext(providers=(one,), deadline_s=PROBE_S, wait_s=0)
        result = await router.complete(PROBE_PROMPT, context, max_tokens=PROBE_TOKENS)
    except RoutingError as error:
        if _failure(error) is Failure.NO_ANSWER:  # it thought for all of its few tokens
            return Finding(Area.PROVIDERS, Level.OK, f"{one}: answers, and began to think")
        bad = _failure(error) in (Failure.KEY_REJECTED, Failure.NO_CREDIT, Failure.MODEL_GONE)
        fix = f"`llm7router chat --only {one} hello` says more"
        return Finding(Area.PROVIDERS, Level.FAULT if bad else Level.WARNING, f"{one}: {_why(error)}", fix)
    return Finding(Area.PROVIDERS, Level.OK, f"{one}: answered in {result.latency:.1f} s")


def _failure(error: Llm7RouterError) -> Failure | None:
    return error.attempts[-1].failure if isinstance(error, RoutingError) and error.attempts else None


def _why(error: Llm7RouterError) -> str:
    tried = error.attempts[-1] if isinstance(error, RoutingError) and error.attempts else None
    if tried is None:
        return str(error)
    return f"{tried.failure}" + (f" ({tried.detail})" if tried.detail else "")


def _engine() -> str:
    from llm7router.calls.local import engines

    name = engines.candidates()[0]
    try:
        return f"{name} {version(PACKAGES[name])}"
    except PackageNotFoundError:
        return name
