from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from llm7router.server.dialects.base import Asked
from llm7router.server.dialects.responses import RESPONSES
from llm7router.server.errors import ApiError
from llm7router.types import CompletionResult, StreamChunk
from tests.server.dialects.answers import chunked, events, result, streamed

EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
TOOL = {"type": "function", "name": "f", "parameters": {"type": "object"}}


def asked(**given: Any) -> Asked:
    return RESPONSES.read({"model": "gpt", "input": "Hi", **given}, "7", 1700000000)


def gathered(wire: bytes) -> list[dict[str, Any]]:
    """The items as the deltas tell them, checked against what the events of their ends say."""
    items: list[dict[str, Any]] = []
    open_at: int | None = None
    for event in events(wire):
        kind, index = event["type"], event.get("output_index")
        if kind == "response.output_item.added":
            assert (open_at, index) == (None, len(items))
            open_at = index
            items.append(event["item"])
            assert event["item"].get("content", event["item"].get("summary")) in ([], None)
        elif index is not None:
            assert index == open_at
            _apply(items[index], kind, event)
        if kind == "response.output_item.done":
            begun = {"status": "in_progress"} if "status" in event["item"] else {}
            assert items[index] == {**event["item"], **begun}
            items[index], open_at = event["item"], None
    return items


def _apply(item: dict[str, Any], kind: str, event: dict[str, Any]) -> None:
    row = item.get("summary" if item["type"] == "reasoning" else "content")
    if kind != "response.output_item.done":
        assert event["item_id"] == item["id"]
    if kind.endswith("part.added"):
        assert row is not None
        row.append(event["part"])
    elif kind == "response.function_call_arguments.delta":
        item["arguments"] += event["delta"]
    elif kind == "response.function_call_arguments.done":
        assert (item["arguments"], item["name"]) == (event["arguments"], event["name"])
    elif kind.endswith("text.delta"):
        assert row is not None
        row[-1]["text"] += event["delta"]
    elif kind.endswith("text.done"):
        assert row is not None
        assert row[-1]["text"] == event["text"]
    elif kind.endswith("part.done"):
        assert row is not None
        assert row[-1] == event["part"]


def test_a_whole_answer_is_a_response_that_the_sdk_reads():
    request = asked(instructions="Be brief", metadata={"a": "b"}, temperature=0.5, tools=[TOOL], store=True)
    body = RESPONSES.whole(request, result("Hello", "Hm", [("t1", "f", '{"a": 1}')], "tool_calls"))
    response = Response.model_validate(body)
    assert response.output_text == "Hello"
    assert [item.type for item in response.output] == ["reasoning", "message", "function_call"]
    assert body["output"][2] == {
        "id": "fc_7_2",
        "type": "function_call",
        "status": "completed",
        "call_id": "t1",
        "name": "f",
        "arguments": '{"a": 1}',
    }
    assert body["store"] is False
    assert (response.id, response.status, response.model) == ("resp_7", "completed", "groq/llama")
    assert (response.instructions, response.metadata, response.temperature) == ("Be brief", {"a": "b"}, 0.5)
    assert response.usage is not None
    assert (response.usage.input_tokens, response.usage.output_tokens, response.usage.total_tokens) == (11, 7, 18)


@pytest.mark.parametrize(
    ("reason", "status", "why"),
    [
        ("stop", "completed", None),
        ("tool_calls", "completed", None),
        (None, "completed", None),
        ("length", "incomplete", {"reason": "max_output_tokens"}),
        ("content_filter", "incomplete", {"reason": "content_filter"}),
    ],
    ids=lambda value: str(value),
)
def test_every_end_has_its_status(reason: str | None, status: str, why: Any):
    whole = result("x", finish_reason=reason)
    body = RESPONSES.whole(asked(), whole)
    assert (body["status"], body["incomplete_details"]) == (status, why)
    assert events(streamed(RESPONSES, asked(), whole, [StreamChunk("x")]))[-1]["type"] == f"response.{status}"


@settings(deadline=None)
@given(chunked())
def test_a_stream_ends_with_the_same_response_whatever_its_pieces(answer: tuple[CompletionResult, list[StreamChunk]]):
    whole, chunks = answer
    wire = streamed(RESPONSES, asked(), whole, chunks)
    last = events(wire)[-1]["response"]
    assert last == RESPONSES.whole(asked(), whole)
    assert gathered(wire) == last["output"]


@settings(deadline=None)
@given(chunked(mixed=True))
def test_nothing_is_lost_or_doubled_when_a_provider_mixes_texts_and_calls(
    answer: tuple[CompletionResult, list[StreamChunk]],
):
    whole, chunks = answer
    wire = streamed(RESPONSES, asked(), whole, chunks)
    last = events(wire)[-1]["response"]
    wanted = RESPONSES.whole(asked(), whole)
    assert gathered(wire) == last["output"]
    assert Response.model_validate(last).output_text == Response.model_validate(wanted).output_text
    calls = [[{**i, "id": ""} for i in r["output"] if i["type"] == "function_call"] for r in (last, wanted)]
    assert calls[0] == calls[1]


@settings(deadline=None)
@given(chunked())
def test_openais_own_types_take_responses_and_events(answer: tuple[CompletionResult, list[StreamChunk]]):
    whole, chunks = answer
    request = asked(tools=[TOOL], text={"format": {"type": "json_schema", "name": "n", "schema": {}}})
    Response.model_validate(RESPONSES.whole(request, whole))
    written = events(streamed(RESPONSES, request, whole, chunks))
    assert [event["sequence_number"] for event in written] == list(range(len(written)))
    assert [event["type"] for event in written[:2]] == ["response.created", "response.in_progress"]
    for event in written:
        assert EVENT.validate_python(event).type == event["type"]


def test_a_call_without_arguments_has_an_empty_object():
    whole = result("", None, [("t", "f", "")])
    call = StreamChunk(tool_calls=({"index": 0, "id": "t", "function": {"name": "f", "arguments": ""}},))
    assert gathered(streamed(RESPONSES, asked(), whole, [call]))[0]["arguments"] == "{}"


def test_who_answers_is_said_as_soon_as_it_is_known():
    writer = RESPONSES.writer(asked())
    assert events(writer.chunk(StreamChunk("x", provider="p", model="m")))[0]["response"]["model"] == "p/m"
    assert events(RESPONSES.writer(asked()).chunk(StreamChunk("x")))[0]["response"]["model"] == "gpt"


@pytest.mark.parametrize("begun", [True, False], ids=["begun", "not begun"])
def test_a_broken_stream_ends_with_a_failed_response(begun: bool):
    writer = RESPONSES.writer(asked())
    before = writer.chunk(StreamChunk("Hel")) if begun else b""
    written = events(before + writer.failed(ApiError(502, "cut off", extra={"attempts": []})))
    assert written[-1]["type"] == "response.failed"
    assert written[-1]["response"]["status"] == "failed"
    assert written[-1]["response"]["error"] == {
        "code": "server_error",
        "message": "cut off",
        "llm7router": {"attempts": []},
    }
    assert [event["sequence_number"] for event in written] == list(range(len(written)))
    for event in written:
        EVENT.validate_python(event)


def test_errors_are_openais():
    error = ApiError(400, "no", param="input")
    assert RESPONSES.error(error) == error.body()
