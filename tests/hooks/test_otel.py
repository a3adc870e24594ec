"""Spans of requests and of their attempts."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes
from opentelemetry.semconv.attributes import error_attributes, http_attributes, server_attributes
from opentelemetry.trace import SpanKind, StatusCode

from llm7router import RequestContext
from llm7router.hooks import conventions
from llm7router.hooks.otel import Traces
from llm7router.testing import START_AT, Reply
from llm7router.types import Failure, Operation, Outcome
from tests.hooks import heard
from tests.router.scene import HELLO, Scene, model, provider, ranked
from tests.virtual import in_virtual_time


class Collected:
    """A tracer provider and the spans that it was given, in order of their begin."""

    def __init__(self, **options: Any) -> None:
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False, **options)
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.hook = Traces(self.provider)

    @property
    def spans(self) -> list[ReadableSpan]:
        """The request's first."""
        return sorted(self._exporter.get_finished_spans(), key=lambda span: (span.start_time or 0, bool(span.parent)))


def seconds(span: ReadableSpan) -> tuple[float, float]:
    """Begin and end, in virtual time."""
    assert span.start_time is not None
    assert span.end_time is not None
    return span.start_time / 1e9 - START_AT, span.end_time / 1e9 - START_AT


def said(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


@in_virtual_time
async def test_a_request_is_a_span_and_each_attempt_one_below_it_with_its_own_times() -> None:
    collected = Collected()
    limited = Reply(outcome=Outcome(Failure.RATE_LIMITED, "slow down", status=429, retry_after_s=7), delay_s=1)
    scene = heard.listening(
        Scene(ranked("groq", "mistral"), {"groq/m": limited, "mistral/m": Reply("Hi", delay_s=2)}), collected.hook
    )
    await scene.router.complete(HELLO, RequestContext(request_id="r1", caller="ann"), max_tokens=50)
    request, first, second = collected.spans
    assert [span.name for span in collected.spans] == ["llm7router chat", "chat m", "chat m"]
    assert [seconds(span) for span in collected.spans] == [(0, 3), (0, 1), (1, 3)]
    assert first.parent is not None
    assert second.parent is not None
    assert {first.parent.span_id, second.parent.span_id} == {request.context.span_id}
    assert [span.kind for span in collected.spans] == [SpanKind.INTERNAL, SpanKind.CLIENT, SpanKind.CLIENT]
    assert [span.status.status_code for span in collected.spans] == [
        StatusCode.UNSET,
        StatusCode.ERROR,
        StatusCode.UNSET,
    ]
    assert said(request) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.stream": False,
        "llm7router.request.id": "r1",
        "llm7router.caller": "ann",
        "llm7router.task": "chat",
        "llm7router.outcome": "ok",
        "llm7router.deployment": "mistral/m",
        "llm7router.attempts": 2,
        "llm7router.candidates": 2,
        "llm7router.rejected": 0,
        "llm7router.cost_usd": 0,
    }
    failed, answered = said(first), said(second)
    assert (failed["error.type"], failed["http.response.status_code"]) == ("rate_limited", 429)
    assert (failed["llm7router.retry_after_s"], failed["gen_ai.provider.name"]) == (7, "groq")
    assert "gen_ai.usage.input_tokens" not in failed
    assert (answered["gen_ai.provider.name"], answered["gen_ai.request.model"]) == ("mistral_ai", "m")
    assert (answered["gen_ai.usage.input_tokens"], answered["gen_ai.usage.output_tokens"]) == (10, 5)
    assert (answered["gen_ai.response.model"], answered["gen_ai.response.finish_reasons"]) == ("m", ("stop",))
    assert (answered["gen_ai.request.max_tokens"], answered["llm7router.attempt"]) == (50, 2)
    assert (answered["server.address"], answered["server.port"]) == ("127.0.0.1", 9)
    factors = {name: value for name, value in answered.items() if name.startswith("llm7router.factor.")}
    assert {"llm7router.factor.cost", "llm7router.factor.health"} < set(factors)
    assert sum(factors.values()) == pytest.approx(answered["llm7router.points"])


@in_virtual_time
async def test_a_stored_answer_is_one_span_that_says_so() -> None:
    collected = Collected()
    scene = Scene(ranked("a"))
    await scene.router.complete(HELLO, RequestContext(cache=True))
    heard.listening(scene, collected.hook)
    await scene.router.complete(HELLO, RequestContext(cache=True))
    [request] = collected.spans
    assert said(request)["llm7router.cached"] is True
    assert said(request)["llm7router.deployment"] == "a/m"


@in_virtual_time
async def test_spans_hang_below_the_span_of_the_caller() -> None:
    collected = Collected()
    with collected.provider.get_tracer("app").start_as_current_span("app") as outer:
        await heard.ok(collected.hook)
    request = next(span for span in collected.spans if span.name == "llm7router chat")
    assert request.parent is not None
    assert request.parent.span_id == outer.get_span_context().span_id


@in_virtual_time
async def test_a_stream_tells_its_first_chunk() -> None:
    collected = Collected()
    await heard.streamed(collected.hook)
    assert said(collected.spans[1])["gen_ai.response.time_to_first_chunk"] == 1


@in_virtual_time
async def test_a_stream_lasts_until_its_reader_has_left() -> None:
    collected = Collected()
    await heard.left_half_way(collected.hook)
    assert [seconds(span) for span in collected.spans] == [(0, 3), (0, 3)]
    assert [said(span)["error.type"] for span in collected.spans] == ["cancelled", "cancelled"]
    assert {span.status.status_code for span in collected.spans} == {StatusCode.UNSET}, "who leaves is no error"


@in_virtual_time
async def test_a_request_without_an_answer_is_an_error_with_its_reason() -> None:
    collected = Collected()
    await heard.unavailable(collected.hook)
    [span] = collected.spans
    assert (span.status.status_code, said(span)["error.type"]) == (StatusCode.ERROR, "unavailable")
    assert "0/1 deployments can serve this request" in (span.status.description or "")


@in_virtual_time
async def test_what_is_not_sampled_makes_no_spans() -> None:
    collected = Collected(sampler=ALWAYS_OFF)
    await heard.ok(collected.hook)
    assert collected.spans == []


@in_virtual_time
async def test_an_account_in_an_address_is_not_told() -> None:
    collected = Collected()
    url = "https://api.example.com/accounts/0a1b2c3d/ai/v1"
    await heard.asked(heard.listening(Scene({"a": provider(model(), base_url=url)}), collected.hook))
    attempt = said(collected.spans[1])
    assert (attempt["server.address"], attempt["server.port"]) == ("api.example.com", 443)
    assert "0a1b2c3d" not in str([span.to_json() for span in collected.spans])


def test_names_are_those_of_the_conventions() -> None:
    known = {
        value
        for module in (gen_ai_attributes, error_attributes, server_attributes, http_attributes)
        for value in vars(module).values()
        if isinstance(value, str)
    }
    names = {value for name, value in vars(conventions).items() if name.isupper() and isinstance(value, str)}
    ours = {name for name in names if name.startswith("llm7router.")}
    assert names - ours <= known
    assert set(conventions.PROVIDERS.values()) <= {v.value for v in gen_ai_attributes.GenAiProviderNameValues}
    assert {o.value for o in Operation} <= {v.value for v in gen_ai_attributes.GenAiOperationNameValues}
