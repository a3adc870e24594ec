"""Bodies of very many tiny values, which would hold up everybody else's requests."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm7router.config.server_models import ServerConfig
from llm7router.server.dialects.turns import Turns
from llm7router.server.values import LEAST, has_more_values, most_values
from tests.server.gateway import Gateway

USER = [{"role": "user", "content": "Hello"}]
MANY = 200_000


def held(value: Any) -> int:
    """Values inside of a value, at all levels; an empty list or object counts as if it held one."""
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else max(1, len(inner)) + sum(map(held, inner))


TEXTS = st.text('ab\\",[]{}:é\n', max_size=5)
JSON = st.recursive(
    st.none() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXTS, inner, max_size=5),
    max_leaves=30,
)


@given(JSON, st.sampled_from([None, 1]), st.booleans())
def test_values_are_counted_whatever_texts_hold(value: Any, indent: int | None, ascii: bool) -> None:
    raw = json.dumps(value, indent=indent, ensure_ascii=ascii).encode()
    assert has_more_values(raw, held(value))
    assert not has_more_values(raw, held(value) + 1)


BODIES: dict[str, tuple[str, dict[str, Any]]] = {
    "parts of a chat": (
        "/v1/chat/completions",
        {"messages": [{"role": "user", "content": [{"type": "file"}] * MANY}]},
    ),
    "parts of messages": (
        "/v1/messages",
        {"max_tokens": 5, "messages": [{"role": "user", "content": [{"type": "text", "text": ""}] * (MANY // 2)}]},
    ),
    "items of responses": ("/v1/responses", {"input": [{"type": "reasoning"}] * (MANY // 2)}),
    "unknown fields": ("/v1/chat/completions", {"messages": USER, **{str(number): 1 for number in range(MANY)}}),
    "empty lists": ("/v1/chat/completions", {"messages": USER, "x": [[]] * MANY * 4}),
    "stops": ("/v1/completions", {"prompt": "Hello", "stop": ["a"] * MANY}),
    "texts": ("/v1/embeddings", {"input": ["a"] * MANY}),
}


@pytest.mark.parametrize(("path", "body"), BODIES.values(), ids=BODIES)
def test_a_body_of_very_many_values_is_refused(serving: Gateway, path: str, body: dict[str, Any]) -> None:
    response = serving.post(path, {"model": "auto", **body})
    assert response.status_code == 400
    assert f"more than {LEAST} values (25 for each of server.max_messages" in response.json()["error"]["message"]


def test_levels_count_too(serving: Gateway) -> None:
    response = serving.post("/v1/chat/completions", content=b'{"x": ' + b"[" * MANY + b"]" * MANY + b"}")
    assert (response.status_code, response.json()["error"]["code"]) == (400, "too_many_values")


def test_what_agents_send_is_not_too_much() -> None:
    """As many messages as are allowed, half of them calls, and 100 tools."""
    made = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a": [1, 2, 3]}'}}
    properties = {f"p{number}": {"type": "string", "description": "It is, well, [text]"} for number in range(30)}
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": properties}}}
    turn = [
        {"role": "assistant", "content": None, "tool_calls": [made]},
        {"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": "{" * 40}]},
    ]
    raw = json.dumps({"messages": [*turn * 999, *USER], "tools": [tool] * 100}).encode()
    assert not has_more_values(raw, most_values(ServerConfig()))
    text = json.dumps({"messages": [{"role": "user", "content": 'a,[{"' * 100_000}]}).encode()
    assert not has_more_values(text, 10)


def test_a_text_without_an_end_takes_no_longer_than_another() -> None:
    """Two megabytes; with another look from each quote to the end, hours."""
    began = time.perf_counter()
    raw = b"[" + b"1," * (LEAST - 1) + b'"' + rb"\"" * 1_000_000
    for whole in (raw, raw + b"\\"):
        assert has_more_values(whole, LEAST - 1)
        assert not has_more_values(whole + b"]", LEAST)  # the bracket is within the text
    assert time.perf_counter() - began < 5


def test_more_messages_may_hold_more_values() -> None:
    assert most_values(ServerConfig(max_messages=10)) == LEAST
    assert most_values(ServerConfig(max_messages=100_000)) == 2_500_000


def test_words_behind_tool_calls_are_joined_once() -> None:
    """Four megabytes in pieces; joined one by one, they take minutes."""
    said, began = Turns(), time.perf_counter()
    said.call("c", "f", "{}")
    for _ in range(10_000):
        said.answer("x" * 400)
    (message,) = said.end()
    assert message["content"] == "x" * 4_000_000
    assert time.perf_counter() - began < 0.5
