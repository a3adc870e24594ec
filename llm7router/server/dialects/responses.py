"""OpenAI's Responses API, for Codex and newer agents. Nothing is stored: each request brings its whole conversation.

LiteLLM's translation was tried and did not hold: a tool call without an id vanishes from answers, the last events of
a stream have no sequence number, foreign items, parts and values vanish silently, others raise AttributeError, and
built-in tools and results without their call pass. It also wants LiteLLM's own stream wrapper.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from llm7router.server.dialects import responses_request
from llm7router.server.dialects.base import Asked, sse
from llm7router.server.dialects.pieces import Block, Pieces, Step, blocks, served_by
from llm7router.server.errors import ApiError
from llm7router.types import CompletionResult, StreamChunk

INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}
PREFIXES = {"reasoning": "rs", "text": "msg", "refusal": "msg", "call": "fc"}
INNER: Mapping[str, Mapping[str, int]] = {  # an item has one part at most
    "reasoning": {"summary_index": 0},
    "text": {"content_index": 0},
    "refusal": {"content_index": 0},
    "call": {},
}


class ResponsesDialect:
    """`/v1/responses`."""

    def read(self, body: Mapping[str, Any], id: str, created: int) -> Asked:
        """See `responses_request`."""
        return responses_request.read(body, id, created)

    def whole(self, asked: Asked, result: CompletionResult) -> dict[str, Any]:
        """A `response`."""
        return _ended(asked, result, blocks(result, asked.id))

    def writer(self, asked: Asked) -> ResponsesWriter:
        """Events."""
        return ResponsesWriter(asked)

    def error(self, error: ApiError) -> dict[str, Any]:
        """OpenAI's."""
        return error.body()


class ResponsesWriter:
    """Writes the events of a response, numbered from 0."""

    def __init__(self, asked: Asked) -> None:
        self._asked, self._model, self._number = asked, asked.model, 0
        self._pieces = Pieces(asked.id)

    def chunk(self, chunk: StreamChunk) -> bytes:
        """`response.created` and `response.in_progress` before the first, then items."""
        self._model = served_by(chunk) or self._model
        return self._start() + b"".join(map(self._step, self._pieces.add(chunk)))

    def end(self, result: CompletionResult) -> bytes:
        """The items that are left, and the whole response."""
        self._model = result.deployment
        start, rest = self._start(), b"".join(map(self._step, self._pieces.end()))
        response = _ended(self._asked, result, self._pieces.blocks)
        return start + rest + self._event(f"response.{response['status']}", response=response)

    def failed(self, error: ApiError) -> bytes:
        """`response.failed`, which says why."""
        code = "rate_limit_exceeded" if error.status == 429 else "server_error"
        own = {"llm7router": error.extra} if error.extra else {}
        why = {"code": code, "message": error.message, **own}
        response = _response(self._asked, self._model, "failed", error=why)
        return self._start() + self._event("response.failed", response=response)

    def _start(self) -> bytes:
        if self._number:
            return b""
        response = _response(self._asked, self._model, "in_progress")
        return self._event("response.created", response=response) + self._event(
            "response.in_progress", response=response
        )

    def _step(self, step: Step) -> bytes:
        return b"".join(
            self._event(f"response.{type_}", **fields) for type_, fields in STEPS[step.what](self._asked, step)
        )

    def _event(self, type_: str, **fields: Any) -> bytes:
        number, self._number = self._number, self._number + 1
        return sse({"type": type_, "sequence_number": number, **fields}, event=type_)


Events = list[tuple[str, dict[str, Any]]]


def _opened(asked: Asked, step: Step) -> Events:
    block, kind = step.block, step.block.kind
    item = _item(asked, step.at, block, "in_progress")
    if kind == "call":
        item["arguments"] = ""
        return [_of_item("added", step, item)]
    item["summary" if kind == "reasoning" else "content"] = []
    name = "reasoning_summary_part.added" if kind == "reasoning" else "content_part.added"
    return [_of_item("added", step, item), (name, {**_place(asked, step), "part": _part(block, "")})]


def _more(asked: Asked, step: Step) -> Events:
    place = _place(asked, step)
    if step.block.kind == "reasoning":
        return [("reasoning_summary_text.delta", {**place, "delta": step.text})]
    if step.block.kind == "text":
        return [("output_text.delta", {**place, "delta": step.text, "logprobs": []})]
    if step.block.kind == "refusal":
        return [("refusal.delta", {**place, "delta": step.text})]
    return [("function_call_arguments.delta", {**place, "delta": step.text})]


def _closed(asked: Asked, step: Step) -> Events:
    block, place, text = step.block, _place(asked, step), step.block.text
    done = _of_item("done", step, _item(asked, step.at, block, "completed"))
    if block.kind == "call":
        missing = [] if text else _more(asked, step._replace(text=_arguments(block)))
        said = {**place, "name": block.name, "arguments": _arguments(block)}
        return [*missing, ("function_call_arguments.done", said), done]
    part = {**place, "part": _part(block, text)}
    if block.kind == "reasoning":
        return [("reasoning_summary_text.done", {**place, "text": text}), ("reasoning_summary_part.done", part), done]
    if block.kind == "refusal":
        return [("refusal.done", {**place, "refusal": text}), ("content_part.done", part), done]
    return [("output_text.done", {**place, "text": text, "logprobs": []}), ("content_part.done", part), done]


STEPS: Mapping[str, Callable[[Asked, Step], Events]] = {"open": _opened, "more": _more, "close": _closed}


def _of_item(what: str, step: Step, item: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    return f"output_item.{what}", {"output_index": step.at, "item": item}


def _place(asked: Asked, step: Step) -> dict[str, Any]:
    place = {"item_id": _id(asked, step.at, step.block), "output_index": step.at}
    return {**place, **INNER[step.block.kind]}


def _id(asked: Asked, index: int, block: Block) -> str:
    return f"{PREFIXES[block.kind]}_{asked.id.removeprefix('resp_')}_{index}"


def _part(block: Block, text: str) -> dict[str, Any]:
    if block.kind == "reasoning":  # as its summary, which is what clients show
        return {"type": "summary_text", "text": text}
    if block.kind == "refusal":
        return {"type": "refusal", "refusal": text}
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _arguments(block: Block) -> str:
    return block.text or "{}"


def _item(asked: Asked, index: int, block: Block, status: str) -> dict[str, Any]:
    id = _id(asked, index, block)
    if block.kind == "reasoning":
        return {"id": id, "type": "reasoning", "summary": [_part(block, block.text)]}
    if block.kind in ("text", "refusal"):
        content = [_part(block, block.text)]
        return {"id": id, "type": "message", "status": status, "role": "assistant", "content": content}
    call = {"call_id": block.id, "name": block.name, "arguments": _arguments(block)}
    return {"id": id, "type": "function_call", "status": status, **call}


def _ended(asked: Asked, result: CompletionResult, row: Sequence[Block]) -> dict[str, Any]:
    reason = INCOMPLETE.get(result.finish_reason or "")
    return _response(
        asked,
        result.deployment,
        "incomplete" if reason else "completed",
        incomplete_details={"reason": reason} if reason else None,
        output=[_item(asked, index, block, "completed") for index, block in enumerate(row)],
        usage={
            "input_tokens": result.tokens_input,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": result.tokens_output,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": result.tokens_input + result.tokens_output,
        },
    )


def _response(asked: Asked, model: str, status: str, **known: Any) -> dict[str, Any]:
    said = dict(asked.own)
    if said["parallel_tool_calls"] is None:
        said["parallel_tool_calls"] = True
    return {
        "id": asked.id,
        "object": "response",
        "created_at": asked.created,
        "status": status,
        "model": model,
        "error": None,
        "incomplete_details": None,
        "output": [],
        "usage": None,
        **said,
        "background": False,
        "previous_response_id": None,
        "store": False,
        "truncation": "disabled",
        **known,
    }


RESPONSES = ResponsesDialect()
