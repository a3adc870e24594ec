"""How the hostile upstream can answer. Each function makes a behaviour; every time is in seconds."""

from __future__ import annotations

import asyncio
import gzip as gzip_module
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.upstream import Exchange

Behaviour = Callable[["Exchange"], Awaitable[None]]
Headers = Mapping[str, str]
USAGE = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
EMBEDDING_USAGE = {"prompt_tokens": 7, "total_tokens": 7}
FOREVER_S = 60.0
SSE = {"content-type": "text/event-stream", "transfer-encoding": "chunked"}


def completion(
    content: Any = "Hello!",
    *,
    usage: Any = USAGE,
    finish_reason: str | None = "stop",
    model: str = "served",
    **message: Any,
) -> dict[str, Any]:
    """A chat completion's JSON. Further arguments go into the message: `tool_calls`, `reasoning_content`."""
    choice = {"index": 0, "finish_reason": finish_reason, "message": {"role": "assistant", "content": content}}
    choice["message"].update(message)  # type: ignore[attr-defined]
    body = {"id": "c1", "object": "chat.completion", "created": 1, "model": model, "choices": [choice]}
    return body if usage is None else body | {"usage": usage}


def tool_call(name: str = "lookup", arguments: str = '{"city": "Rome"}', index: int | None = None) -> dict[str, Any]:
    """A tool call in OpenAI's shape; with an index, as a stream carries it."""
    call: dict[str, Any] = {"id": "t1", "type": "function", "function": {"name": name, "arguments": arguments}}
    return call if index is None else {"index": index, **call}


def answer(content: Any = "Hello!", *, headers: Headers | None = None, sse: bool = True, **options: Any) -> Behaviour:
    """A good answer, streamed word by word if the request asks for a stream; vectors for texts to embed."""

    async def act(exchange: Exchange) -> None:
        if exchange.request.path.endswith("/embeddings"):
            await embeddings(headers=headers)(exchange)
        elif sse and isinstance(exchange.request.body, dict) and exchange.request.body.get("stream"):
            words = [{"content": word + " "} for word in str(content).split()]
            await stream(words, headers=headers, **options)(exchange)
        else:
            await json_body(completion(content, **options), headers=headers)(exchange)

    return act


def embeddings(
    entries: Any = None, *, usage: Any = EMBEDDING_USAGE, headers: Headers | None = None, **changes: Any
) -> Behaviour:
    """An embeddings answer: these entries, or the vector [index, 0.5, -2] for each text. Changes go into the body."""

    async def act(exchange: Exchange) -> None:
        given = exchange.request.body["input"]
        texts = [given] if isinstance(given, str) else given
        data = [vector(index, [index, 0.5, -2]) for index in range(len(texts))] if entries is None else entries
        body = {"object": "list", "model": "served", "data": data, **changes}
        await json_body(body if usage is None else body | {"usage": usage}, headers=headers)(exchange)

    return act


def vector(index: Any, embedding: Any) -> dict[str, Any]:
    """An entry of an embeddings answer; without an index if that is None."""
    entry = {"object": "embedding", "embedding": embedding}
    return entry if index is None else {"index": index, **entry}


def listing(models: Sequence[str]) -> Behaviour:
    """The answer to `GET /models`."""
    return json_body({"object": "list", "data": [{"id": model, "object": "model"} for model in models]})


def json_body(body: Any, *, code: int = 200, headers: Headers | None = None) -> Behaviour:
    """Any JSON."""
    return raw(json.dumps(body).encode(), code=code, headers=headers)


def raw(body: bytes, *, code: int = 200, headers: Headers | None = None, gzip: bool = False) -> Behaviour:
    """Any bytes; with `gzip`, compressed and said so."""
    data = gzip_module.compress(body) if gzip else body
    extra = {"content-encoding": "gzip"} if gzip else {}

    async def act(exchange: Exchange) -> None:
        await exchange.respond(code, data, {**extra, **(headers or {})})

    return act


def status(code: int, body: Any = None, *, headers: Headers | None = None) -> Behaviour:
    """An error in OpenAI's shape, or with the given body: a message, JSON, or bytes."""
    if isinstance(body, bytes):
        return raw(body, code=code, headers=headers)
    if body is None or isinstance(body, str):
        body = {"error": {"message": body or f"something about {code}", "type": "some_type", "code": None}}
    return json_body(body, code=code, headers=headers)


def html(code: int = 200) -> Behaviour:
    """A web page where JSON belongs."""
    return raw(b"<!DOCTYPE html><html><body>Hi</body></html>", code=code, headers={"content-type": "text/html"})


def redirect(location: str, code: int = 307) -> Behaviour:
    """To another address."""
    return raw(b"", code=code, headers={"location": location})


def reset() -> Behaviour:
    """RST after the request was read, before any answer."""

    async def act(exchange: Exchange) -> None:
        exchange.reset()

    return act


def close() -> Behaviour:
    """FIN after the request was read, before any answer."""

    async def act(exchange: Exchange) -> None:
        exchange.keep_alive = False

    return act


def reset_in_body() -> Behaviour:
    """RST in the middle of the body."""

    async def act(exchange: Exchange) -> None:
        await exchange.head(200, {"content-type": "application/json", "content-length": "500"})
        await exchange.send(b'{"id": "c1", "choices": [')
        await asyncio.sleep(0.05)
        exchange.reset()

    return act


def stall(seconds: float = FOREVER_S) -> Behaviour:
    """Silence, then a good answer."""

    async def act(exchange: Exchange) -> None:
        await asyncio.sleep(seconds)
        await answer()(exchange)

    return act


def slow_bytes(pause_s: float = 0.05) -> Behaviour:
    """A good answer, one byte at a time."""

    async def act(exchange: Exchange) -> None:
        body = json.dumps(completion()).encode()
        await exchange.head(200, {"content-type": "application/json", "content-length": str(len(body))})
        for byte in body:
            await exchange.send(bytes([byte]))
            await asyncio.sleep(pause_s)

    return act


def endless(piece: bytes = b" " * 65536, head: Headers | None = None) -> Behaviour:
    """A body without an end."""

    async def act(exchange: Exchange) -> None:
        await exchange.head(200, {"content-type": "application/json", **(head or {}), "transfer-encoding": "chunked"})
        while True:
            await exchange.chunk(piece)

    return act


def stream(
    deltas: Sequence[Mapping[str, Any] | float | str | bytes],
    *,
    finish_reason: str | None = "stop",
    usage: Any = USAGE,
    done: bool = True,
    end: str = "clean",
    headers: Headers | None = None,
) -> Behaviour:
    """Server-sent events: a role chunk, then each delta.

    A number pauses, a string is a comment, bytes are sent as they are. `end` is `clean`, `reset`, or `stall`;
    only a clean end sends `finish_reason`, `usage` (if the request asked for it) and `[DONE]`.
    """

    async def act(exchange: Exchange) -> None:
        await exchange.head(200, {**SSE, **(headers or {})})
        for delta in [{"role": "assistant", "content": ""}, *deltas]:
            if isinstance(delta, int | float):
                await asyncio.sleep(delta)
            else:
                await exchange.chunk(_line(delta))
        if end != "clean":
            await asyncio.sleep(0.05 if end == "reset" else FOREVER_S)
            return exchange.reset()
        if finish_reason:
            await exchange.chunk(event({}, finish_reason))
        if usage is not None and (exchange.request.body.get("stream_options") or {}).get("include_usage"):
            await exchange.chunk(event(None, None, usage=usage))
        if done:
            await exchange.chunk(b"data: [DONE]\n\n")
        return await exchange.chunk(b"")

    return act


def comments_forever(pause_s: float = 0.05) -> Behaviour:
    """Keep-alive comments without an end, as OpenRouter sends while it waits."""

    async def act(exchange: Exchange) -> None:
        await exchange.head(200, SSE)
        while True:
            await exchange.chunk(_line("OPENROUTER PROCESSING"))
            await asyncio.sleep(pause_s)

    return act


def event(delta: Mapping[str, Any] | None, finish_reason: str | None = None, **more: Any) -> bytes:
    """One event of a stream; `delta` None has no choices, as the usage event."""
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish_reason}]
    body = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "served", "choices": choices, **more}
    return f"data: {json.dumps(body)}\n\n".encode()


def error_event(message: str = "Provider returned error", code: Any = 502) -> bytes:
    """An error inside a stream, in OpenRouter's shape."""
    return event({"content": ""}, "error", error={"code": code, "message": message})


def _line(delta: Mapping[str, Any] | str | bytes) -> bytes:
    if isinstance(delta, bytes):
        return delta
    return f": {delta}\n\n".encode() if isinstance(delta, str) else event(delta)
