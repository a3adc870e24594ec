"""What several hooks read from an event. Pure."""

from __future__ import annotations

import re

from llm7router.events import RequestEvent
from llm7router.types import AttemptRecord, Failure, Scored

_NOT_WORD = re.compile(r"\W+")


def word(failure: Failure | None) -> str:
    """How an attempt ended, as one word of a closed vocabulary: ok, rate_limited, server_error."""
    return "ok" if failure is None else _NOT_WORD.sub("_", failure.value)


def provider_and_model(deployment: str) -> tuple[str, str]:
    """The two parts of `provider/model`. A model's name may hold slashes, a provider's may not."""
    provider, _, model = deployment.partition("/")
    return provider, model


def scored(event: RequestEvent) -> dict[str, Scored]:
    """What could have been called, by deployment, with its points."""
    if event.decision is None:
        return {}
    return {known.deployment.id: known for known in (*event.decision.last_resort, *event.decision.ranking)}


def usd(event: RequestEvent) -> float:
    """What the request cost or may have cost, in USD."""
    return event.result.cost if event.result else sum(attempt.usd for attempt in event.attempts)


def usd_of(event: RequestEvent, attempt: AttemptRecord) -> float:
    """What one of its attempts cost or may have cost, in USD."""
    if not attempt.ok or event.result is None:
        return attempt.usd
    return event.result.cost - sum(other.usd for other in event.attempts if not other.ok)


def ended_s(event: RequestEvent, attempt: AttemptRecord) -> float:
    """When an attempt ended, in seconds from the begin of the request.

    A stream that has begun ends with its request: its own duration leaves out what the reader took.
    """
    if event.first_token_s is not None and attempt is event.attempts[-1]:
        return max(attempt.began_s, event.duration_s)
    return attempt.began_s + attempt.duration_s


def error_without_content(event: RequestEvent) -> str:
    """The error without what providers wrote: their words may quote a prompt or an answer."""
    text = event.error
    for attempt in event.attempts:
        if attempt.detail and attempt.failure is not Failure.REFUSED:  # a refusal's words are our own
            text = text.replace(attempt.detail, "…")
    return text
