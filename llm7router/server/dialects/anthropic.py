"""Anthropic's Messages API, for Claude Code and Anthropic's SDKs.

LiteLLM's adapter was tried and did not hold: parallel tool calls end up in one block with their arguments joined,
unknown blocks and roles vanish silently, other wrong values raise TypeError or AttributeError, and `api_key` and
`base_url` of a request pass through. It also wants LiteLLM's own chunks, which a local answer has not.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic_core import from_json

from llm7router.server.dialects import anthropic_request
from llm7router.server.dialects.base import Asked, sse
from llm7router.server.dialects.pieces import Block, Pieces, Step, blocks, served_by
from llm7router.server.errors import ApiError
from llm7router.types import CompletionResult, StreamChunk

STOPPED = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}
TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}
EMPTY: Mapping[str, Mapping[str, Any]] = {
    "reasoning": {"type": "thinking", "thinking": "", "signature": ""},
    "text": {"type": "text", "text": ""},
    "refusal": {"type": "text", "text": ""},  # this API knows it as text only
    "call": {"type": "tool_use", "id": "", "name": "", "input": {}},
}
DELTAS = {
    "reasoning": ("thinking_delta", "thinking"),
    "text": ("text_delta", "text"),
    "refusal": ("text_delta", "text"),
    "call": ("input_json_delta", "partial_json"),
}


class AnthropicDialect:
    """`/v1/messages`."""

    def read(self, body: Mapping[str, Any], id: str, created: int) -> Asked:
        """See `anthropic_request`."""
        return anthropic_request.read(body, id, created)

    def whole(self, asked: Asked, result: CompletionResult) -> dict[str, Any]:
        """A `message`. Reasoning is shown if the request asked for thinking."""
        row = blocks(result, asked.id, reasoning=asked.own["thinking"])
        content = [_whole(block, asked.own["names"]) for block in row]
        return _message(asked, result.deployment, content, _stop(result), _usage(result))

    def writer(self, asked: Asked) -> AnthropicWriter:
        """Events."""
        return AnthropicWriter(asked)

    def error(self, error: ApiError) -> dict[str, Any]:
        """Anthropic's, with what is our own under `error.llm7router`."""
        kind = TYPES.get(error.status, "api_error" if error.status >= 500 else "invalid_request_error")
        own = {"llm7router": error.extra} if error.extra else {}
        return {"type": "error", "error": {"type": kind, "message": error.message, **own}}


class AnthropicWriter:
    """Writes Anthropic's events. Usage comes at the end, since no provider tells it earlier."""

    def __init__(self, asked: Asked) -> None:
        self._asked, self._names, self._started = asked, asked.own["names"], False
        self._pieces = Pieces(asked.id, reasoning=asked.own["thinking"])

    def chunk(self, chunk: StreamChunk) -> bytes:
        """`message_start` before the first, then blocks."""
        return self._start(served_by(chunk)) + b"".join(map(self._event, self._pieces.add(chunk)))

    def end(self, result: CompletionResult) -> bytes:
        """The blocks that are left, why it stopped, usage, and the end."""
        start = self._start(result.deployment)
        rest = b"".join(map(self._event, self._pieces.end()))
        delta = {"stop_reason": _stop(result), "stop_sequence": None}
        stop = _sse({"type": "message_delta", "delta": delta, "usage": _usage(result)})
        return start + rest + stop + _sse({"type": "message_stop"})

    def failed(self, error: ApiError) -> bytes:
        """An error event, which Anthropic's SDKs raise."""
        return _sse(MESSAGES.error(error))

    def _start(self, model: str | None) -> bytes:
        if self._started:
            return b""
        self._started = True
        usage = {"input_tokens": 0, "output_tokens": 0}
        message = _message(self._asked, model or self._asked.model, [], None, usage)
        return _sse({"type": "message_start", "message": message})

    def _event(self, step: Step) -> bytes:
        kind = step.block.kind
        if step.what == "open":
            block = {**EMPTY[kind], **(_named(step.block, self._names) if kind == "call" else {})}
            return _sse({"type": "content_block_start", "index": step.at, "content_block": block})
        if step.what == "close":
            return _sse({"type": "content_block_stop", "index": step.at})
        type_, field = DELTAS[kind]
        return _sse({"type": "content_block_delta", "index": step.at, "delta": {"type": type_, field: step.text}})


def _message(asked: Asked, model: str, content: list[Any], stop: str | None, usage: dict[str, int]) -> dict[str, Any]:
    return {
        "id": asked.id,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": stop,
        "stop_sequence": None,  # providers do not say which one it was
        "usage": {"cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, **usage},
    }


def _whole(block: Block, names: Mapping[str, str]) -> dict[str, Any]:
    if block.kind == "call":
        return {"type": "tool_use", **_named(block, names), "input": _input(block.text)}
    return {**EMPTY[block.kind], DELTAS[block.kind][1]: block.text}


def _named(block: Block, names: Mapping[str, str]) -> dict[str, str]:
    return {"id": block.id, "name": names.get(block.name, block.name)}


def _input(arguments: str) -> Any:
    """A call's arguments as an object. Those that were cut off end as Anthropic's SDKs end them, in a stream: with the
    last whole value. What is no object is passed on as text, so that the tool can say what is wrong.
    """
    if not arguments.strip():
        return {}
    try:
        value = from_json(arguments, allow_partial=True, allow_inf_nan=False)
        json.dumps(value)  # numbers of thousands of digits can be read and not written
    except ValueError:
        value = None
    return value if isinstance(value, dict) else {"arguments": arguments}


def _stop(result: CompletionResult) -> str:
    reason = STOPPED.get(result.finish_reason or "", "end_turn")
    return "tool_use" if reason == "end_turn" and result.tool_calls else reason


def _usage(result: CompletionResult) -> dict[str, int]:
    return {"input_tokens": result.tokens_input, "output_tokens": result.tokens_output}


def _sse(data: Mapping[str, Any]) -> bytes:
    return sse(data, event=data["type"])


MESSAGES = AnthropicDialect()
