"""What is said of an answer beside its text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from llm7router.cli.output import note, usd

if TYPE_CHECKING:
    from llm7router.config.models import LoadedConfig
    from llm7router.errors import RoutingError
    from llm7router.proxies import Proxy
    from llm7router.types import AttemptRecord, CompletionResult, Decision, Deployment

NOTABLE_S = 1.0  # between the answering call and all of it: LiteLLM's import, failed attempts, a wait

KEYS_TIP = "No hosted provider has a key; `llm7router setup` gets and stores free ones, for better answers."


def footer(result: CompletionResult) -> str:
    """`[local/smollm2 · 36 + 15 tokens · 0.9 s · 0 USD · tried before: llm7/x (unreachable)]`."""
    about = "about " if result.estimated_usage else ""
    parts = [
        result.deployment,
        f"{about}{result.tokens_input} + {result.tokens_output} tokens",
        *_times(result),
        f"{usd(result.cost)} USD",
    ]
    failed = [attempt for attempt in result.attempts if not attempt.ok]
    if failed:
        parts.append("tried before: " + ", ".join(f"{a.deployment} ({a.failure})" for a in failed))
    if result.cached:
        parts.append("a stored answer")
    if result.finish_reason == "length":
        parts.append("cut at the token limit")
    return "[" + " · ".join(parts) + "]"


def _times(result: CompletionResult) -> list[str]:
    own = next((attempt.duration_s for attempt in result.attempts if attempt.ok), result.latency)
    first = f", first after {result.first_token_s:.1f} s" if result.first_token_s is not None else ""
    whole = [f"{result.latency:.1f} s in all"] if result.latency - own > NOTABLE_S else []
    return [f"{own:.1f} s{first}", *whole]


def wants_keys_tip(result: CompletionResult) -> bool:
    """The local model answered because nobody else could, and keys are what is missing."""
    local = {s.deployment.id for s in result.decision.ranking if s.deployment.local}
    first = result.decision.best
    chosen = first is not None and first.deployment.id == result.deployment and len(result.decision.ranking) > 1
    return result.deployment in local and lacks_keys(result.decision) and not chosen


def keyless(loaded: LoadedConfig) -> bool:
    """Providers in use want keys, and none has one. A word in place of a key (`limits_without_key`) is none."""
    used = [spec.config for spec in loaded.providers if spec.config.enabled]
    literal = any(config.api_key and config.limits_without_key is None for config in used)
    given = any(loaded.env.get(config.api_key_env or "", "").strip() for config in used)
    return any(config.api_key_env for config in used) and not given and not literal


def lacks_keys(decision: Decision) -> bool:
    """With keys there would have been more to choose from, and that was left to the router."""
    missing = any(rejection.summary == "no key" for _, rejection in decision.rejected)
    return missing and not decision.request.providers


class ProxyTip:
    """Says once what a person behind a proxy should know when a provider could not be reached."""

    def __init__(self, deployments: Sequence[Deployment], proxy: Proxy) -> None:
        self._addresses = {d.id: d.base_url for d in deployments if d.base_url}
        self._proxy = proxy

    def say(self, attempts: Sequence[AttemptRecord]) -> None:
        """Say it, if the environment names a proxy for one of them that is not used."""
        from llm7router.types import Failure

        lost = [self._addresses.get(a.deployment, "") for a in attempts if a.failure is Failure.UNREACHABLE]
        if tip := next(filter(None, map(self._proxy.ignored, lost)), ""):
            note(tip)
            self._addresses = {}


def as_dict(result: CompletionResult) -> dict[str, Any]:
    """The result as plain values."""
    return {
        "content": result.content,
        "provider": result.provider,
        "model": result.model,
        "cost": result.cost,
        "latency": round(result.latency, 3),
        "tokens_input": result.tokens_input,
        "tokens_output": result.tokens_output,
        "estimated_usage": result.estimated_usage,
        "finish_reason": result.finish_reason,
        "reasoning": result.reasoning,
        "refusal": result.refusal,
        "tool_calls": list(result.tool_calls),
        "request_id": result.request_id,
        "cached": result.cached,
        "attempts": _attempts(result.attempts),
    }


def error_as_dict(error: RoutingError) -> dict[str, Any]:
    """Why there is no answer, as plain values."""
    return {
        "error": str(error),
        "kind": type(error).__name__,
        "attempts": _attempts(error.attempts),
        "retry_after_s": error.retry_after_s,
    }


def _attempts(attempts: tuple[AttemptRecord, ...]) -> list[dict[str, Any]]:
    from dataclasses import asdict, replace

    finite = (replace(a, retry_after_s=None) if a.retry_after_s == float("inf") else a for a in attempts)
    return [asdict(attempt) for attempt in finite]  # JSON knows no infinity
