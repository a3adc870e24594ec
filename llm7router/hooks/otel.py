"""Traces for OpenTelemetry: a span for each request and, below it, one for each attempt. No content."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, TracerProvider
from opentelemetry.util.types import AttributeValue

from llm7router.events import CANCELLED, OK, RequestEvent
from llm7router.hooks import conventions as names
from llm7router.hooks import facts
from llm7router.types import AttemptRecord, CompletionResult, Failure, Scored


class Traces:
    """A hook that makes the spans of a request when it has ended, below the span that is current then.

    An attempt's span follows the GenAI conventions; token counts are there and not on the request's span, since
    those who read traces add them up.

    Args:
        tracer_provider: None is the one that OpenTelemetry was set up with.
    """

    def __init__(self, tracer_provider: TracerProvider | None = None) -> None:
        self._provider = tracer_provider
        self._tracer = trace.get_tracer("llm7router", tracer_provider=tracer_provider)

    def __call__(self, event: RequestEvent) -> None:
        """Tell of a request that has ended."""
        span = self._tracer.start_span(
            f"llm7router {event.request.operation.value}",
            kind=SpanKind.INTERNAL,
            attributes=dict(_of_request(event)),
            start_time=_ns(event.at),
        )
        if not span.is_recording():
            return
        below = trace.set_span_in_context(span)
        scored = facts.scored(event)
        for number, attempt in enumerate(event.attempts, 1):
            known = scored.get(attempt.deployment)
            child = self._tracer.start_span(
                f"{event.request.operation.value} {facts.provider_and_model(attempt.deployment)[1]}",
                context=below,
                kind=SpanKind.CLIENT if _leaves(attempt, known) else SpanKind.INTERNAL,
                attributes={names.ATTEMPT: number, **dict(_of_attempt(event, attempt)), **dict(_of_choice(known))},
                start_time=_ns(event.at + attempt.began_s),
            )
            if attempt.failure is not None and attempt.failure is not Failure.CANCELLED:
                child.set_status(Status(StatusCode.ERROR, attempt.failure.value))
            child.end(_ns(event.at + facts.ended_s(event, attempt)))
        _end(span, event)

    def close(self) -> None:
        """Send what is left and stop the provider that was given. It may take seconds if nobody listens."""
        shutdown: Any = getattr(self._provider, "shutdown", None)
        if shutdown is not None:
            shutdown()


def _end(span: Span, event: RequestEvent) -> None:
    if event.outcome not in (OK, CANCELLED):  # a caller who leaves is no error
        span.set_status(Status(StatusCode.ERROR, facts.error_without_content(event) or event.outcome))
    span.end(_ns(event.at + event.duration_s))


def _of_request(event: RequestEvent) -> Iterator[tuple[str, AttributeValue]]:
    request, decision = event.request, event.decision
    yield names.OPERATION, event.request.operation.value
    yield names.REQUEST_STREAM, event.stream
    yield names.REQUEST_ID, request.id
    yield names.TASK, request.task.value
    yield names.OUTCOME, event.outcome
    yield names.ATTEMPTS, len(event.attempts)
    yield names.COST_USD, facts.usd(event)
    if request.caller:
        yield names.CALLER, request.caller
    if event.deployment:
        yield names.DEPLOYMENT, event.deployment
    if event.result is not None and event.result.cached:
        yield names.CACHED, True
    if event.outcome != OK:
        yield names.ERROR_TYPE, event.outcome
    if decision is not None:
        yield names.CANDIDATES, len(decision.candidates)
        yield names.REJECTED, len(decision.rejected)


def _of_attempt(event: RequestEvent, attempt: AttemptRecord) -> Iterator[tuple[str, AttributeValue]]:
    provider, model = facts.provider_and_model(attempt.deployment)
    yield names.OPERATION, event.request.operation.value
    yield names.PROVIDER, names.provider_name(provider)
    yield names.REQUEST_MODEL, model
    yield names.REQUEST_STREAM, event.stream
    yield names.COST_USD, facts.usd_of(event, attempt)
    if event.request.max_tokens is not None:
        yield names.REQUEST_MAX_TOKENS, event.request.max_tokens
    if event.request.choices != 1:
        yield names.REQUEST_CHOICES, event.request.choices
    if attempt.first_token_s is not None:
        yield names.FIRST_CHUNK_S, attempt.first_token_s
    if attempt.failure is not None:
        yield names.ERROR_TYPE, facts.word(attempt.failure)
    if attempt.status is not None:
        yield names.HTTP_STATUS, attempt.status
    if attempt.retry_after_s is not None:
        yield names.RETRY_AFTER_S, attempt.retry_after_s
    if attempt.ok and (result := event.result) is not None:
        yield names.RESPONSE_MODEL, result.model
        yield names.INPUT_TOKENS, result.tokens_input
        yield names.ESTIMATED_USAGE, result.estimated_usage
        if isinstance(result, CompletionResult):
            yield names.OUTPUT_TOKENS, result.tokens_output
            if result.finish_reason:
                yield names.FINISH_REASONS, [result.finish_reason]


def _of_choice(scored: Scored | None) -> Iterator[tuple[str, AttributeValue]]:
    """Where a deployment is, and the points that brought it its place."""
    if scored is None:
        return
    yield names.POINTS, scored.points
    for factor, points in scored.breakdown().items():
        yield names.FACTOR + factor, points
    if scored.deployment.base_url and not scored.deployment.local:
        url = urlsplit(scored.deployment.base_url)  # the host alone: a path may hold an account
        if url.hostname:
            yield names.SERVER_ADDRESS, url.hostname
            yield names.SERVER_PORT, url.port or (443 if url.scheme == "https" else 80)


def _leaves(attempt: AttemptRecord, scored: Scored | None) -> bool:
    """Something was sent to another program."""
    return attempt.failure is not Failure.REFUSED and not (scored is not None and scored.deployment.local)


def _ns(at: float) -> int:
    return round(at * 1e9)
