"""OpenAI's chat completions: the inner language, with its field names checked and its answers put in shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llm7router.calls.answers import ending_of
from llm7router.calls.params import ALLOWED
from llm7router.calls.refusals import FIELDS, refusal_of
from llm7router.server.dialects import shape
from llm7router.server.dialects.base import Asked, sse
from llm7router.server.dialects.context import read_said
from llm7router.server.errors import ApiError
from llm7router.types import CompletionResult, StreamChunk

OWN = frozenset({"model", "messages", "stream", "stream_options", "llm7router"})
DONE = b"data: [DONE]\n\n"


class ChatDialect:
    """`/v1/chat/completions`."""

    def read(self, body: Mapping[str, Any], id: str, created: int) -> Asked:
        """Messages and parameters as they are; what is wrong with their values, the router or a provider says."""
        model = "auto" if body.get("model") is None else body["model"]
        if not isinstance(model, str):
            raise ApiError(400, 'model must be a name, such as "auto"', param="model")
        shape.check(body)
        return Asked(
            id=f"chatcmpl-{id}",
            created=created,
            model=model,
            messages=body["messages"],
            parameters={name: value for name, value in body.items() if name in ALLOWED and name != "stream_options"},
            stream=bool(body.get("stream")),
            said=read_said(body),
            ignored=tuple(name for name in body if name not in ALLOWED and name not in OWN),
            own={"usage": usage_wanted(body)},
        )

    def whole(self, asked: Asked, result: CompletionResult) -> dict[str, Any]:
        """A `chat.completion`. `model` is who answered, as `provider/model`."""
        choices = getattr(result.response, "choices", None) or ()
        known = [
            _choice(index, choice) for index, choice in enumerate(choices) if hasattr(choice.message, "model_dump")
        ]
        return {
            "id": asked.id,
            "object": "chat.completion",
            "created": asked.created,
            "model": result.deployment,
            "choices": known or [_only(result)],
            "usage": usage(result),
        }

    def writer(self, asked: Asked) -> ChatWriter:
        """Chunks."""
        return ChatWriter(asked)

    def error(self, error: ApiError) -> dict[str, Any]:
        """OpenAI's."""
        return error.body()


class ChatWriter:
    """Writes `chat.completion.chunk`s. The first says the role, as clients expect."""

    def __init__(self, asked: Asked) -> None:
        self._usage = asked.own.get("usage", False)
        self._head = {"id": asked.id, "object": "chat.completion.chunk", "created": asked.created, "model": asked.model}
        self._opened: set[int] = set()

    def chunk(self, chunk: StreamChunk) -> bytes:
        """One event; none for a chunk that says nothing."""
        if chunk.opening is not None:
            self._head["model"] = f"{chunk.opening.provider}/{chunk.opening.model}"
        choices = self._choices(chunk)
        return sse({**self._head, "choices": choices, **({"usage": None} if self._usage else {})}) if choices else b""

    def end(self, result: CompletionResult) -> bytes:
        """Usage if it was asked for, and the end."""
        return (sse({**self._head, "choices": [], "usage": usage(result)}) if self._usage else b"") + DONE

    def failed(self, error: ApiError) -> bytes:
        """An error event; no `[DONE]`, since the answer is not whole."""
        choices = [{"index": 0, "delta": {}, "finish_reason": "error"}]
        return sse({**self._head, "choices": choices, **error.body()})

    def _choices(self, chunk: StreamChunk) -> list[dict[str, Any]]:
        raw = getattr(chunk.raw, "choices", None) or []
        if len(raw) == 1 and not raw[0].index and getattr(raw[0], "logprobs", None) is None:
            raw = []  # all of it is in the chunk's own fields
        if not raw:
            return [self._written(0, _delta(chunk), chunk.finish_reason, None)] if _says(chunk) else []
        return [
            self._written(choice.index or 0, _raw_delta(choice), ending_of(choice), _plain(choice, "logprobs"))
            for choice in raw
        ]

    def _written(self, index: int, delta: dict[str, Any], reason: str | None, logprobs: Any) -> dict[str, Any]:
        if index not in self._opened:
            self._opened.add(index)
            delta = {"role": "assistant", "content": "", **delta}
        return {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": reason}


def usage(result: CompletionResult) -> dict[str, Any]:
    """OpenAI's usage, with the provider's details where it gave any."""
    details = {}
    for name in ("prompt_tokens_details", "completion_tokens_details"):
        if value := _plain(getattr(result.response, "usage", None), name):
            details[name] = value
    total = result.tokens_input + result.tokens_output
    return {
        "prompt_tokens": result.tokens_input,
        "completion_tokens": result.tokens_output,
        "total_tokens": total,
        **details,
    }


def usage_wanted(body: Mapping[str, Any]) -> bool:
    """Whether the client wants usage at the end of its stream."""
    options = body.get("stream_options")
    if options is not None and not isinstance(options, Mapping):
        raise ApiError(400, 'stream_options must be an object, such as {"include_usage": true}', param="stream_options")
    return bool((options or {}).get("include_usage"))


def _says(chunk: StreamChunk) -> bool:
    return bool(chunk.content or chunk.reasoning or chunk.tool_calls or chunk.refusal or chunk.finish_reason)


def _delta(chunk: StreamChunk) -> dict[str, Any]:
    delta: dict[str, Any] = {}
    if chunk.content:
        delta["content"] = chunk.content
    if chunk.reasoning:
        delta["reasoning_content"] = chunk.reasoning
    if chunk.tool_calls:
        delta["tool_calls"] = list(chunk.tool_calls)
    if chunk.refusal:
        delta["refusal"] = chunk.refusal
    return delta


def _raw_delta(choice: Any) -> dict[str, Any]:
    """Of one choice out of several, or of one with more than the usual. A whole answer in one piece has a message."""
    source = getattr(choice, "delta", None) or getattr(choice, "message", None)
    dumped = source.model_dump(exclude_none=True) if source is not None else {}
    delta = {name: value for name, value in dumped.items() if name in ("content", "reasoning_content", "tool_calls")}
    refusal = refusal_of(source)
    return {**delta, "refusal": refusal} if refusal else delta


def _choice(index: int, choice: Any) -> dict[str, Any]:
    message = choice.message.model_dump(exclude_none=True)
    message.pop(FIELDS, None)
    refusal = refusal_of(choice.message) or None
    return {
        "index": index,
        "message": {"role": "assistant", "content": None, **message, "refusal": refusal},
        "logprobs": _plain(choice, "logprobs"),
        "finish_reason": ending_of(choice),
    }


def _only(result: CompletionResult) -> dict[str, Any]:
    """The choice of an answer of which only the result is known, as of one that was streamed."""
    content = None if result.refusal and not result.content else result.content
    message: dict[str, Any] = {"role": "assistant", "content": content, "refusal": result.refusal}
    if result.reasoning:
        message["reasoning_content"] = result.reasoning
    if result.tool_calls:
        message["tool_calls"] = list(result.tool_calls)
    return {"index": 0, "message": message, "logprobs": None, "finish_reason": result.finish_reason}


def _plain(owner: Any, name: str) -> Any:
    """An attribute as plain values, or None."""
    value = getattr(owner, name, None)
    dump = getattr(value, "model_dump", None)
    return dump(exclude_none=True) if dump is not None else value


CHAT = ChatDialect()
