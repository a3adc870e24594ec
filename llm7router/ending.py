"""How requests end: the error to raise, in words that say what was tried and what would help. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from llm7router.decision import explain
from llm7router.decision.failures import POLICIES, Scope
from llm7router.decision.plan import Ending
from llm7router.errors import (
    AllProvidersExhaustedError,
    NoProviderAvailableError,
    RequestRejectedError,
    RoutingError,
    StreamInterruptedError,
)
from llm7router.types import Attempt, AttemptRecord, Decision, Failure, Outcome

if TYPE_CHECKING:
    from llm7router.calls.base import ChunkStream


def error(
    ending: Ending, decision: Decision, attempts: Sequence[AttemptRecord], after: Decision | None = None
) -> RoutingError:
    """The error for a plan that ended without an answer. `after` is what would be decided now that it has failed."""
    if ending.rejected_by is not None:
        outcome = ending.rejected_by
        who = next((a.deployment for a in attempts if a.detail == outcome.detail and a.failure == outcome.failure), "")
        message = f"{who}: {outcome.failure}: {outcome.detail or 'no reason given'}"
        return RequestRejectedError(message, status=outcome.status, decision=decision, attempts=attempts)
    if not attempts and not ending.out_of_time:
        return NoProviderAvailableError(
            nothing_available(decision), decision=decision, retry_after_s=explain.earliest_s(decision)
        )
    why = "the deadline passed" if ending.out_of_time else "no answer"
    tried = "; ".join(f"{a.deployment}: {described(a)}{_correct(a, decision)}" for a in attempts) or "nothing was tried"
    cut_off = attempts and all(a.failure is Failure.UNREACHABLE for a in attempts)
    rest = _rest(after or decision, attempts)
    network = "; check the network connection" if cut_off else ""
    return AllProvidersExhaustedError(
        f"{why} after {len(attempts)} attempt{'s' * (len(attempts) != 1)}: {tried}{network}{rest}",
        decision=decision,
        attempts=attempts,
        retry_after_s=retry_after_s(decision, attempts) if after is None else recovery_s(after, attempts),
    )


def _correct(attempt: AttemptRecord, decision: Decision) -> str:
    """What to do about a key that was rejected."""
    keys = {s.deployment.id: s.deployment.key_name for s in (*decision.ranking, *decision.last_resort)}
    name = keys.get(attempt.deployment) if attempt.failure is Failure.KEY_REJECTED else None
    return f"; correct {name}" if name else ""


def _rest(decision: Decision, attempts: Sequence[AttemptRecord]) -> str:
    """A sentence about what could not even be tried."""
    rejected, others = explain.asked_for(decision)
    tried = {attempt.deployment for attempt in attempts}  # which may now be kept away, too
    rejected = [each for each in rejected if each.deployment.id not in tried]
    if not rejected:
        return f" ({others})" if others else ""
    who = "1 other" if len(rejected) == 1 else f"{len(rejected)} others"
    text = f". {who} could not be tried: {explain.counted(rejected, decision.now)}"
    return text + (f" ({others})" if others else "")


def nothing_available(decision: Decision) -> str:
    """The histogram and the one thing that would help."""
    advice = explain.advice(decision)
    return explain.histogram(decision) + (f"; {advice}" if advice else "")


def described(attempt: AttemptRecord) -> str:
    """`rate limited (429, again in 12 s)`, `server error (500, ...)`."""
    if attempt.ok:
        return "answered"
    notes = [str(attempt.status)] if attempt.status else []
    if attempt.detail:
        notes.append(attempt.detail)
    if attempt.retry_after_s is not None and attempt.retry_after_s < float("inf"):
        notes.append(f"again in {explain.duration(attempt.retry_after_s)}")
    return f"{attempt.failure}" + (f" ({', '.join(notes)})" if notes else "")


def retry_after_s(decision: Decision, attempts: Sequence[AttemptRecord]) -> float | None:
    """Seconds until the first of all candidates is available again, as far as is known."""
    waits = [a.retry_after_s for a in attempts if a.retry_after_s is not None and a.retry_after_s < float("inf")]
    earliest = explain.earliest_s(decision)
    if earliest is not None:
        waits.append(earliest)
    return min(waits) if waits else None


def recovery_s(after: Decision, attempts: Sequence[AttemptRecord]) -> float | None:
    """The same by a decision made after the attempts, which knows what they have blocked and which breakers are open.

    0 if one is available still: it was not reached, or failed in a way that may be over by now, and not because this
    request was too much for it.
    """
    hopeless = {a.deployment for a in attempts if a.failure and POLICIES[a.failure].scope is Scope.REQUEST}
    if any(s.deployment.id not in hopeless for s in after.ranking):
        return 0.0
    return retry_after_s(after, attempts)


def wait_s(decision: Decision, ending: Ending, attempts: Sequence[AttemptRecord]) -> float | None:
    """Seconds after which it is worth trying again, or None: only if limits alone stood in the way of any call."""
    if ending.answer is not None or ending.rejected_by is not None or ending.out_of_time:
        return None
    if any(a.failure is not Failure.REFUSED for a in attempts):
        return None
    return retry_after_s(decision, attempts)


def finished(opened: Outcome, stream: ChunkStream) -> Outcome:
    """The outcome of a stream that ended well."""
    prompt, output = stream.usage if stream.usage is not None else (None, None)
    # Without usage the reservation stays as it is, but the speed is still worth learning.
    return replace(opened, stream=None, prompt_tokens=prompt, output_tokens=output, cache_tokens=stream.cache_tokens,
                   duration_s=stream.waited_s)  # fmt: skip


def interrupted(
    attempt: Attempt, outcome: Outcome, decision: Decision, attempts: Sequence[AttemptRecord]
) -> StreamInterruptedError:
    """The error for a stream that broke off after its first content."""
    return StreamInterruptedError(
        f"{attempt.deployment.id}: the answer broke off: {outcome.failure} ({outcome.detail})",
        decision=decision,
        attempts=attempts,
    )
