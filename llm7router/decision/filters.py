"""Reasons not to use a deployment for a request. Each filter is a function of the request and a candidate.

The first that objects names the reason, so the order goes from what a person can change to what passes by itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from llm7router.decision import demand
from llm7router.state import health, refusals
from llm7router.state.cells import EMPTY
from llm7router.types import Candidate, Capability, Deployment, Failure, Operation, Rejection, Request, Unit

Filter = Callable[[Request, Candidate], Rejection | None]

_TOKENS = (Unit.TOKENS, Unit.INPUT_TOKENS)
_CHAT, _EMBEDDINGS = Operation.CHAT, Capability.EMBEDDINGS
_BOUNDS = frozenset({"max_tokens", "max_completion_tokens"})
BREAKER = "breaker"  # the one filter that the panic rule overrides


def is_off(request: Request, candidate: Candidate) -> Rejection | None:
    """Disabled, without a key, or with an unset variable."""
    off = candidate.deployment.off
    return None if off is None else Rejection("off", off.reason, advice=off.advice)


def is_asked_for(request: Request, candidate: Candidate) -> Rejection | None:
    """The caller's `providers` and `exclude`, by provider or deployment id."""
    d = candidate.deployment
    if request.providers and d.provider not in request.providers and d.id not in request.providers:
        return Rejection("asked_for", "not asked for")
    if request.exclude and (d.provider in request.exclude or d.id in request.exclude):
        return Rejection("asked_for", "excluded by the caller")
    return None


def fits_environment(request: Request, candidate: Candidate) -> Rejection | None:
    """A figure of 0 for the environment excludes."""
    environments = candidate.deployment.environments
    if environments is not None and environments.get(request.environment) == 0:
        return Rejection("environment", f"not for {request.environment}")
    return None


def has_capabilities(request: Request, candidate: Candidate) -> Rejection | None:
    """Everything the request needs. An embeddings model answers no chat, and only such a one gives vectors."""
    d = candidate.deployment
    if request.operation is not _CHAT:
        if d.local:
            return Rejection("capabilities", "without embeddings")
        if request.dimensions and "dimensions" in d.unsupported_params:  # its vectors would be of another size
            return Rejection("capabilities", "without a choice of dimensions")
    elif _EMBEDDINGS in d.capabilities:
        return Rejection("capabilities", "an embeddings model")
    if request.requires <= d.capabilities:
        return None
    missing = request.requires - d.capabilities
    return Rejection("capabilities", "without " + " and ".join(sorted(missing)))


def fits_context(request: Request, candidate: Candidate) -> Rejection | None:
    """Prompt and a useful answer fit into the context window and into token limits."""
    if candidate.output_tokens > 0:
        return None
    d = candidate.deployment
    if request.operation is not _CHAT:
        return _fit_inputs(request, d)
    least = request.prompt_tokens + min(demand.wanted_output(request), demand.LEAST_OUTPUT)
    if least > d.context_window:
        return Rejection("context", "context too small", advice=f"needs {least} of {d.context_window} tokens")
    return Rejection("context", "too large for their token limit", advice=f"needs {least} tokens in one request")


def _fit_inputs(request: Request, d: Deployment) -> Rejection | None:
    """Each text has the context window to itself; token limits count them all."""
    if request.longest_tokens > d.context_window:
        return Rejection(
            "context", "context too small", advice=f"needs {request.longest_tokens} of {d.context_window} tokens"
        )
    if any(limit.unit in _TOKENS and request.prompt_tokens > limit.max for limit in d.limits):
        return Rejection(
            "context", "too large for their token limit", advice=f"needs {request.prompt_tokens} tokens in one request"
        )
    return None


def respects_training(request: Request, candidate: Candidate) -> Rejection | None:
    """`allow_training: false` keeps away from providers that may train on prompts."""
    if request.allow_training or not candidate.deployment.trains_on_prompts:
        return None
    return Rejection("training", "may train on prompts")


def fits_budget(request: Request, candidate: Candidate) -> Rejection | None:
    """The worst case is known and allowed. An unknown price is not free."""
    if candidate.deployment.free:
        return None
    worst = demand.worst_usd(request, candidate.deployment, candidate.output_tokens)
    if worst is None:
        return Rejection("budget", "cost unknown", advice="set `cost` in router.yaml")
    if candidate.output_tokens and candidate.deployment.unsupported_params >= _BOUNDS:
        advice = "nothing bounds its answers; let max_tokens or max_completion_tokens out of `unsupported_params`"
        return Rejection("budget", "cost unknown", advice=advice)
    if worst > request.max_usd:
        advice = f"may cost {worst:.6f} USD of {request.max_usd:g} allowed; see `budget` in router.yaml"
        return Rejection("budget", "over the budget", advice=advice)
    return None


def not_blocked(request: Request, candidate: Candidate) -> Rejection | None:
    """No block by what the provider said: 429, a rejected key, no credit, a model that is gone."""
    d = candidate.deployment
    blocked = refusals.find_block(candidate.cells, d, candidate.now)
    if blocked is None:
        return None
    advice = f"correct {d.key_name}" if blocked.reason == Failure.KEY_REJECTED and d.key_name else ""
    return Rejection("block", blocked.reason, blocked.free_at, advice)


def breaker_closed(request: Request, candidate: Candidate) -> Rejection | None:
    """The breaker lets the request through, as normal traffic or as the one probe."""
    state = candidate.cells.get(candidate.deployment.cell, EMPTY).health
    if not state.open_until:
        return None
    free_at = health.available_at(state, candidate.now)
    return None if free_at <= candidate.now else Rejection(BREAKER, "breaker open", free_at)


def within_limits(request: Request, candidate: Candidate) -> Rejection | None:
    """Every window has room for the worst case: the seventh factor, a gate."""
    d = candidate.deployment
    if not d.limits:
        return None
    amounts = demand.amounts(request, d, candidate.output_tokens)
    refusal = refusals.find_refusal(candidate.cells, zip(d.limits, amounts, strict=True), candidate.now)
    if refusal is None:
        return None
    free_at = refusal.free_at if refusal.free_at < math.inf else None
    return Rejection("rate_limits", refusal.reason, free_at)


FILTERS: Sequence[Filter] = (
    is_off,
    is_asked_for,
    fits_environment,
    has_capabilities,
    fits_context,
    respects_training,
    fits_budget,
    not_blocked,
    breaker_closed,
    within_limits,
)
