"""Whatever a client sends, it is read, or refused as the client's own fault with the field's name."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llm7router.calls.params import ALLOWED
from llm7router.decision.request import check_messages
from llm7router.server.dialects.anthropic import MESSAGES
from llm7router.server.dialects.base import Dialect
from llm7router.server.dialects.completions import COMPLETIONS
from llm7router.server.dialects.responses import RESPONSES
from llm7router.server.errors import ApiError
from llm7router.types import StreamChunk
from tests.server.dialects.answers import JSON, events, result, streamed

KEYS = st.sampled_from([
    "model", "messages", "system", "stream", "tools", "tool_choice", "thinking", "output_config", "output_format",
    "metadata", "max_tokens", "temperature", "top_p", "top_k", "stop_sequences", "input", "instructions", "text",
    "reasoning", "store", "format", "schema", "name", "type", "role", "content", "source", "data", "media_type", "url",
    "image_url", "id", "call_id", "tool_use_id", "arguments", "output", "is_error", "effort", "prompt", "echo", "n",
    "stop", "suffix", "best_of", "llm7router", "stream_options", "input_schema", "parameters", "description",
    "max_output_tokens", "user", "parallel_tool_calls", "top_logprobs", "logit_bias", "mcp_servers",
])  # fmt: skip
WORDS = st.sampled_from([
    "user", "assistant", "system", "developer", "text", "image", "tool_use", "tool_result", "thinking", "document",
    "base64", "function", "function_call", "function_call_output", "message", "reasoning", "input_text", "input_image",
    "output_text", "refusal", "json_schema", "json_object", "auto", "any", "tool", "none", "required", "enabled", "x",
    "t1", "image/png", "\ud800", "",
])  # fmt: skip
HOSTILE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.just(10**400),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=25,
)
BASES: dict[str, dict[str, Any]] = {
    "messages": {
        "model": "auto",
        "max_tokens": 5,
        "tools": [{"name": "x", "input_schema": {}}],
        "messages": [
            {"role": "user", "content": [{"type": "image", "source": {"type": "url", "url": "x"}}]},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "x", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "x"}]},
        ],
    },
    "responses": {
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "x"}]},
            {"type": "function_call", "call_id": "t1", "name": "x", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "t1", "output": [{"type": "input_text", "text": "x"}]},
        ],
        "tools": [{"type": "function", "name": "x", "parameters": {}}],
        "text": {"format": {"type": "json_schema", "name": "n", "schema": {}}},
    },
    "completions": {"prompt": ["x"], "stream_options": {"include_usage": True}, "stop": ["x"]},
}
DIALECTS: dict[str, Dialect] = {"messages": MESSAGES, "responses": RESPONSES, "completions": COMPLETIONS}
NAMED = pytest.mark.parametrize("name", DIALECTS)
PATIENT = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])


def is_read_or_refused(dialect: Dialect, body: dict[str, Any]) -> None:
    refusal, asked = None, None
    try:
        asked = dialect.read(body, "7", 1700000000)
    except ApiError as error:
        refusal = error
    if asked is None:
        assert refusal is not None
        assert refusal.status == 400
        assert refusal.param
        assert refusal.param.split(".")[0].split("[")[0] in refusal.message
        return
    check_messages(asked.messages)  # which a provider could not be blamed for
    assert asked.parameters.keys() <= ALLOWED
    assert all(isinstance(field, str) for field in asked.ignored)
    # What was read is good for answering, whatever is repeated of it.
    dialect.whole(asked, result("x", "y", [("t", "f", "{}")]))
    assert events(streamed(dialect, asked, result("x"), []))


def with_change(draw: st.DrawFn, value: Any, put: Any) -> Any:
    """A copy in which one place, at any depth, is something else, or gone."""
    if not isinstance(value, dict | list) or not value or draw(st.integers(0, 3)) == 0:
        return put
    key = draw(st.sampled_from(sorted(value) if isinstance(value, dict) else range(len(value))))
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    if draw(st.integers(0, 6)) == 0:
        del copy[key]
    else:
        copy[key] = with_change(draw, value[key], put)
    return copy


@NAMED
@PATIENT
@given(body=st.dictionaries(KEYS | st.text(max_size=8), HOSTILE | JSON, max_size=8))
def test_any_object_is_read_or_refused(name: str, body: dict[str, Any]):
    is_read_or_refused(DIALECTS[name], body)


@NAMED
@PATIENT
@given(data=st.data())
def test_a_good_request_with_one_thing_changed_is_read_or_refused(name: str, data: st.DataObject):
    body = data.draw(st.composite(lambda draw: with_change(draw, BASES[name], draw(HOSTILE)))())
    is_read_or_refused(
        DIALECTS[name],
        {**body, **data.draw(st.dictionaries(KEYS, HOSTILE, max_size=2))} if isinstance(body, dict) else {},
    )


@NAMED
def test_the_good_requests_are_good(name: str):
    assert DIALECTS[name].read(BASES[name], "7", 1700000000).messages


@NAMED
def test_depth_is_no_crash(name: str):
    deep: Any = {}
    for _ in range(20_000):
        deep = {"a": deep}
    bodies = [
        {**BASES[name], "tools": [{"type": "function", "name": "x", "parameters": deep}]},
        {**BASES[name], "tools": [{"name": "x", "input_schema": deep}]},
        {**BASES[name], "input": [deep], "messages": [deep], "prompt": [deep]},
        {**BASES[name], "logit_bias": deep},
    ]
    for body in bodies:
        is_read_or_refused(DIALECTS[name], body)


@NAMED
def test_half_a_character_in_an_answer_is_no_crash(name: str):
    asked = DIALECTS[name].read(BASES[name], "7", 1700000000)
    halves = [StreamChunk("\ud83d"), StreamChunk("\ude00")]
    wire = streamed(DIALECTS[name], asked, result("\ud83d\ude00"), halves)
    assert b"\\ud83d" in wire
    assert events(wire)
