from __future__ import annotations

import json
from typing import Any

import jiter
import pytest
from hypothesis import given, settings

from llm7router.server.dialects.anthropic import MESSAGES
from llm7router.server.dialects.base import Asked
from llm7router.server.errors import ApiError
from llm7router.types import CompletionResult, StreamChunk
from tests.server.dialects.answers import chunked, events, result, streamed

LONG = "tool_" + "y" * 80


def asked(thinking: bool = True) -> Asked:
    body: dict[str, Any] = {
        "model": "claude",
        "messages": [{"role": "user", "content": "Hi"}],
        "tools": [{"name": LONG, "input_schema": {}}],
    }
    return MESSAGES.read({**body, **({"thinking": {"type": "adaptive"}} if thinking else {})}, "7", 1700000000)


def gathered(wire: bytes) -> dict[str, Any]:
    """What Anthropic's SDKs make of events, and that blocks come one after the other."""
    message: dict[str, Any] = {}
    buffers: dict[int, str] = {}
    running: int | None = None
    for event in events(wire):
        kind, index = event["type"], event.get("index")
        if kind == "message_start":
            message = event["message"]
        elif kind == "content_block_start":
            assert running is None
            running = len(message["content"])
            assert index == running
            message["content"].append(event["content_block"])
        elif kind == "content_block_stop":
            assert index == running
            running = None
        elif kind == "content_block_delta":
            assert index == running
            block, delta = message["content"][index], event["delta"]
            if delta["type"] == "input_json_delta":
                buffers[index] = buffers.get(index, "") + delta["partial_json"]
                block["input"] = jiter.from_json(buffers[index].encode(), partial_mode=True)
            else:
                field = delta["type"].removesuffix("_delta")
                block[field] += delta[field]
        elif kind == "message_delta":
            message.update(event["delta"])
            message["usage"] = {**message["usage"], **event["usage"]}
    assert events(wire)[-1]["type"] == "message_stop"
    return message


def test_a_whole_answer_is_a_message():
    answer = MESSAGES.whole(asked(), result("Hello", "Hm", [("t1", "f", '{"a": 1}')], "tool_calls"))
    assert answer == {
        "id": "msg_7",
        "type": "message",
        "role": "assistant",
        "model": "groq/llama",
        "content": [
            {"type": "thinking", "thinking": "Hm", "signature": ""},
            {"type": "text", "text": "Hello"},
            {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}},
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": {
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "input_tokens": 11,
            "output_tokens": 7,
        },
    }


def test_reasoning_is_shown_only_to_who_asked_for_thinking():
    whole = result("Hello", "Hm")
    assert [block["type"] for block in MESSAGES.whole(asked(False), whole)["content"]] == ["text"]
    wire = streamed(MESSAGES, asked(False), whole, [StreamChunk(reasoning="Hm"), StreamChunk("Hello")])
    assert [block["type"] for block in gathered(wire)["content"]] == ["text"]


@pytest.mark.parametrize(
    ("reason", "calls", "stop"),
    [
        ("stop", 0, "end_turn"),
        (None, 0, "end_turn"),
        ("length", 0, "max_tokens"),
        ("length", 1, "max_tokens"),
        ("tool_calls", 1, "tool_use"),
        ("stop", 1, "tool_use"),
        ("content_filter", 0, "refusal"),
    ],
    ids=lambda value: str(value),
)
def test_every_end_has_its_stop_reason(reason: str | None, calls: int, stop: str):
    assert MESSAGES.whole(asked(), result("x", None, [("t", "f", "{}")] * calls, reason))["stop_reason"] == stop


@pytest.mark.parametrize(
    ("arguments", "read"),
    [
        ("", {}),
        ("  ", {}),
        ('{"a": 1', {"a": 1}),
        ("{a: 1}", {"arguments": "{a: 1}"}),
        ("[1]", {"arguments": "[1]"}),
        ('{"a": NaN}', {"arguments": '{"a": NaN}'}),
        ('{"a": ' + "[" * 5000, {"arguments": '{"a": ' + "[" * 5000}),
        ('{"a": ' + "9" * 5000 + "}", {"arguments": '{"a": ' + "9" * 5000 + "}"}),
        ('{"a": "\\ud800"}', {"arguments": '{"a": "\\ud800"}'}),
    ],
    ids=[
        "none",
        "blank",
        "cut off",
        "not JSON",
        "no object",
        "no number",
        "too deep",
        "too long a number",
        "half a character",
    ],
)
def test_arguments_are_an_object_whatever_the_model_wrote(arguments: str, read: Any):
    block = MESSAGES.whole(asked(), result("", None, [("t", "f", arguments)]))["content"][0]
    assert block["input"] == read
    json.dumps(block, allow_nan=False, ensure_ascii=False).encode()


@settings(deadline=None)
@given(chunked())
def test_a_stream_ends_with_the_same_message_whatever_its_pieces(answer: tuple[CompletionResult, list[StreamChunk]]):
    whole, chunks = answer
    request = asked()
    message = gathered(streamed(MESSAGES, request, whole, chunks))
    assert message == {**MESSAGES.whole(request, whole), "model": message["model"]}
    assert message["model"] == "claude"  # until a chunk says who answers


@settings(deadline=None)
@given(chunked(mixed=True))
def test_nothing_is_lost_or_doubled_when_a_provider_mixes_texts_and_calls(
    answer: tuple[CompletionResult, list[StreamChunk]],
):
    whole, chunks = answer
    request = asked()
    content, wanted = gathered(streamed(MESSAGES, request, whole, chunks))["content"], MESSAGES.whole(request, whole)
    for kind, field in (("text", "text"), ("thinking", "thinking")):
        texts = [[b[field] for b in blocks if b["type"] == kind] for blocks in (content, wanted["content"])]
        assert "".join(texts[0]) == "".join(texts[1])
    calls, wanted_calls = ([b for b in blocks if b["type"] == "tool_use"] for blocks in (content, wanted["content"]))
    assert calls == wanted_calls


def test_the_first_call_is_written_as_it_comes():
    writer = MESSAGES.writer(asked())
    function = {"name": "f", "arguments": '{"a'}
    first = writer.chunk(
        StreamChunk(tool_calls=({"index": 0, "id": "t", "function": function},), provider="p", model="m")
    )
    assert [event["type"] for event in events(first)] == ["message_start", "content_block_start", "content_block_delta"]
    assert events(first)[0]["message"]["model"] == "p/m"
    more = writer.chunk(StreamChunk(tool_calls=({"index": 0, "function": {"arguments": '": 1}'}},)))
    assert events(more)[0]["delta"] == {"type": "input_json_delta", "partial_json": '": 1}'}


def test_long_names_of_tools_come_back_as_they_were():
    request = asked()
    (short,) = request.own["names"]
    whole = result("", None, [("t", short, "{}")])
    assert MESSAGES.whole(request, whole)["content"][0]["name"] == LONG
    function = {"name": short, "arguments": "{}"}
    wire = streamed(
        MESSAGES, request, whole, [StreamChunk(tool_calls=({"index": 0, "id": "t", "function": function},))]
    )
    assert gathered(wire)["content"][0]["name"] == LONG


def test_a_broken_stream_ends_with_an_error_event():
    writer = MESSAGES.writer(asked())
    writer.chunk(StreamChunk("Hel"))
    (event,) = events(writer.failed(ApiError(502, "cut off", extra={"attempts": []})))
    assert event == {
        "type": "error",
        "error": {"type": "api_error", "message": "cut off", "llm7router": {"attempts": []}},
    }


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (413, "request_too_large"),
        (422, "invalid_request_error"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (502, "api_error"),
        (503, "overloaded_error"),
        (529, "overloaded_error"),
    ],
    ids=lambda value: str(value),
)
def test_every_status_has_its_type_of_error(status: int, kind: str):
    assert MESSAGES.error(ApiError(status, "no")) == {"type": "error", "error": {"type": kind, "message": "no"}}


@settings(deadline=None)
@given(chunked())
def test_anthropics_own_types_take_messages_and_events(answer: tuple[CompletionResult, list[StreamChunk]]):
    types = pytest.importorskip("anthropic.types", exc_type=ImportError)
    pydantic = pytest.importorskip("pydantic")
    whole, chunks = answer
    types.Message.model_validate(MESSAGES.whole(asked(), whole))
    event = pydantic.TypeAdapter(types.RawMessageStreamEvent)
    for written in events(streamed(MESSAGES, asked(), whole, chunks)):
        event.validate_python(written)
