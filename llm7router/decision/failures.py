"""What follows from each failure: one table, complete (a test says so).

Columns: `health` weight of the failure for the breaker (0: no ill health), `block` how long the scope is not used,
`scope` what is blocked and skipped, `refund` what of the reservation is given back, `then` what the plan does.
Error weights and classes follow the surveys in Envoy, Finagle and linkerd: what a caller or a quota causes is no
ill health, what never arrived is refunded.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from llm7router.types import Failure, Outcome


class Scope(StrEnum):
    """What a failure says something about."""

    REQUEST = "request"  # this request only
    DEPLOYMENT = "deployment"
    QUOTA = "quota"  # the pool the deployment draws on, or the deployment itself without one
    PROVIDER = "provider"


class Refund(StrEnum):
    """What of a reservation is given back."""

    ALL = "all"  # nothing was sent
    AMOUNTS = "amounts"  # it was counted as a request, but nothing was generated
    NOTHING = "nothing"  # the provider may have generated, and charged, anything


class Then(StrEnum):
    """What the plan does next."""

    NEXT = "next"
    LARGER_CONTEXT = "only a larger context"
    ONE_OTHER = "one other provider"
    STOP = "stop"


class Block(NamedTuple):
    """How long not to use: `default_s` without a hint from the provider, `least_s` and `most_s` around a hint."""

    default_s: float | None  # None: grows with every refusal in a row
    least_s: float
    most_s: float


class Policy(NamedTuple):
    """One row of the table."""

    health: float = 0.0
    block: Block | None = None
    scope: Scope = Scope.DEPLOYMENT
    refund: Refund = Refund.NOTHING
    then: Then = Then.NEXT
    counted: bool = True  # against the number of attempts


_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0
_HINTED = Block(default_s=0, least_s=1, most_s=_HOUR)  # only if the provider names a wait

POLICIES: Mapping[Failure, Policy] = {
    Failure.UNREACHABLE: Policy(1.0, None, Scope.PROVIDER, Refund.ALL, Then.NEXT, counted=False),
    Failure.SERVER_ERROR: Policy(0.5),
    Failure.OVERLOADED: Policy(1.0, _HINTED),
    Failure.TIMEOUT: Policy(1.0),
    Failure.BAD_ANSWER: Policy(0.7),
    Failure.RATE_LIMITED: Policy(0, Block(None, 1, _DAY), Scope.QUOTA, Refund.AMOUNTS),
    Failure.QUOTA_GONE: Policy(0, Block(_HOUR, _MINUTE, _HOUR), Scope.QUOTA, Refund.AMOUNTS),  # asked again hourly
    Failure.NO_QUOTA: Policy(0, Block(_DAY, _DAY, _DAY), Scope.DEPLOYMENT, Refund.AMOUNTS),
    Failure.TOO_LARGE: Policy(0, None, Scope.REQUEST, Refund.AMOUNTS),
    Failure.KEY_REJECTED: Policy(0, Block(15 * _MINUTE, 15 * _MINUTE, 15 * _MINUTE), Scope.PROVIDER, Refund.AMOUNTS),
    Failure.NO_CREDIT: Policy(0, Block(_HOUR, _MINUTE, _DAY), Scope.PROVIDER, Refund.AMOUNTS),
    Failure.MODEL_GONE: Policy(0, Block(_HOUR, _HOUR, _HOUR), Scope.DEPLOYMENT, Refund.AMOUNTS),
    Failure.NO_ANSWER: Policy(0, None, Scope.REQUEST),
    Failure.CONTEXT_TOO_LONG: Policy(0, None, Scope.REQUEST, Refund.AMOUNTS, Then.LARGER_CONTEXT),
    Failure.UNSUPPORTED: Policy(0, None, Scope.REQUEST, Refund.AMOUNTS),
    Failure.REQUEST_REJECTED: Policy(0, None, Scope.REQUEST, Refund.AMOUNTS, Then.ONE_OTHER),
    Failure.POLICY: Policy(0, None, Scope.REQUEST, Refund.NOTHING, Then.STOP),
    Failure.BUSY: Policy(0, None, Scope.REQUEST, Refund.ALL, counted=False),
    # Not remembered: once the file or the engine is there, the next request finds it.
    Failure.LOCAL_BROKEN: Policy(0, None, Scope.REQUEST, Refund.ALL, counted=False),
    Failure.REFUSED: Policy(0, None, Scope.REQUEST, Refund.ALL, counted=False),
    Failure.CANCELLED: Policy(0, None, Scope.REQUEST, Refund.NOTHING, Then.STOP),
}

BACKOFF_S, BACKOFF_MAX_S = 5.0, 120.0  # a 429 without a hint: 5 * 2^streak seconds, at most 120


def may_be_billed(outcome: Outcome) -> bool:
    """The provider may have generated something before the call failed, and ask money for it."""
    return outcome.failure is not None and (outcome.generated or POLICIES[outcome.failure].refund is Refund.NOTHING)


def block_s(failure: Failure, hint_s: float | None, streak: int, jitter: float) -> float | None:
    """Seconds to keep away after `failure`, or None. `streak` refusals in a row came before; `jitter` in 0..1."""
    block = POLICIES[failure].block
    if block is None:
        return None
    if hint_s is not None:
        return min(max(hint_s, block.least_s), block.most_s)
    if block.default_s is None:
        grown: float = min(BACKOFF_S * 2.0 ** min(streak, 10), BACKOFF_MAX_S)
        return grown * (0.75 + 0.5 * jitter)
    return block.default_s or None
