"""One request over HTTP: read it, let the router serve it, write the answer, and notice when the client leaves.

Plain ASGI, since this is the path that every request takes.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from functools import cached_property
from typing import Any

from llm7router.config.server_models import ServerConfig
from llm7router.router import LLMRouter
from llm7router.server import allowance, errors
from llm7router.server.body import read_json
from llm7router.server.departure import DEPARTURE, Departure
from llm7router.server.dialects import dialect_of, embeddings
from llm7router.server.dialects.base import Asked, Dialect, Writer
from llm7router.server.dialects.context import read_said
from llm7router.server.errors import ApiError
from llm7router.server.guard import ClientLeftError, Receive, Scope, Send, Visit, last_word
from llm7router.server.keys import Client
from llm7router.server.respond import SAFE, encoded, send_json
from llm7router.types import CompletionResult, EmbeddingResult, Opening, RequestContext, StreamChunk

log = logging.getLogger("llm7router")

SEND_S = 60.0  # for a client to take a piece of its answer: until then provider and lease are held


class Exchange:
    """An ASGI app for one path of the API."""

    def __init__(self, router: LLMRouter, path: str) -> None:
        self._router, self._path = router, path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request. Raises what the guard turns into an answer."""
        visit: Visit = scope["llm7router"]
        assert visit.client is not None, "the guard lets nobody in without a key"
        with in_flight(visit.client):  # from here on, since a body takes memory, too
            body = await read_json(visit, receive, self._router.server_config)
            asked = self._dialect.read(body, visit.id.removeprefix("req_"), int(time.time()))
            check_count(asked, self._router.server_config)
            context = context_of(self._router, visit, asked.model, asked.said)
            with while_connected(scope, receive):
                if asked.stream:
                    await self._stream(asked, context, send, ours=DEPARTURE in scope)
                    return
                result = await self._router.complete(asked.messages, context, **asked.parameters)
                about = about_answer(self._router, context, asked.ignored, result)
                await send_json(send, 200, self._dialect.whole(asked, result), about)

    @cached_property
    def _dialect(self) -> Dialect:
        return dialect_of(self._path)

    async def _stream(self, asked: Asked, context: RequestContext, send: Send, *, ours: bool) -> None:
        chunks = self._router.stream(asked.messages, context, **asked.parameters)
        async with aclosing(chunks):
            first = await anext(chunks)  # nothing is sent before the first content: until here, failover is silent
            opening = first.opening
            assert opening is not None, "the first chunk says who answers"
            about = about_answer(self._router, context, asked.ignored, opening)
            fields = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"x-accel-buffering", b"no"), *SAFE]
            await send({"type": "http.response.start", "status": 200, "headers": fields + encoded(about)})
            await self._write(self._dialect.writer(asked), first, chunks, send, ours=ours)

    async def _write(
        self, writer: Writer, first: StreamChunk, chunks: AsyncIterator[StreamChunk], send: Send, *, ours: bool
    ) -> None:
        last = b""
        try:
            await send_piece(send, writer.chunk(first))
            async for chunk in chunks:
                if chunk.result is not None:
                    last = writer.end(chunk.result)
                else:
                    mark = f": resumed by {chunk.provider}/{chunk.model}\n\n".encode() if chunk.resumed else b""
                    await send_piece(send, mark + writer.chunk(chunk))
        except ClientLeftError:
            raise
        except asyncio.CancelledError:  # our own server stops, or the client has left and takes nothing
            if ours:
                await last_word(send({"type": "http.response.body", "body": writer.failed(errors.stopping())}))
            raise
        except Exception as error:  # the status is gone, so the error becomes the last event
            answer = errors.of(error)
            if answer.status == 500:
                log.error("a stream failed in the gateway: %s", type(error).__name__)
            last = writer.failed(answer)
        await send({"type": "http.response.body", "body": last})


class Embeddings:
    """`/v1/embeddings`, which has no messages and nothing to stream."""

    def __init__(self, router: LLMRouter) -> None:
        self._router = router

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request. Raises what the guard turns into an answer."""
        visit: Visit = scope["llm7router"]
        assert visit.client is not None, "the guard lets nobody in without a key"
        with in_flight(visit.client):
            body = await read_json(visit, receive, self._router.server_config)
            texts = embeddings.read(body)
            context = context_of(self._router, visit, texts.model, read_said(body))
            with while_connected(scope, receive):
                result = await self._router.embed(texts.inputs, context, **texts.parameters)
                about = about_answer(self._router, context, texts.ignored, result)
                await send_json(send, 200, embeddings.whole(result), about)


def check_count(asked: Asked, config: ServerConfig) -> None:
    """Raise ApiError (400) for more messages than are allowed."""
    if len(asked.messages) > config.max_messages:
        most = f"{config.max_messages} messages (server.max_messages in router.yaml)"
        raise ApiError(400, f"more than {most}; send fewer", param="messages")


def context_of(router: LLMRouter, visit: Visit, model: str, said: Mapping[str, Any]) -> RequestContext:
    """What is known beside the content. What the client `said` can only narrow what the configuration allows.

    But it may say for which environment it asks, and how long it would wait for a limit: not at all without a word.

    Raises:
        ApiError: the key may not ask for this model (403), or it is gone (401).
    """
    client = visit.client
    assert client is not None
    if not client.owner and all(key.name != client.name for key in router.server_config.keys):  # so is its budget
        raise ApiError(401, "this key was removed", type="authentication_error", code="invalid_api_key")
    if not client.may_ask_for(model):
        allowed = ", ".join(sorted(client.models))
        raise ApiError(403, f"this key may only ask for {allowed}",
                       type="permission_error", code="model_not_allowed", param="model")  # fmt: skip
    own = {"wait_s": 0, **said, "request_id": visit.id, "caller": client.name}
    return router.context_for(model, RequestContext(**own))


def about_answer(
    router: LLMRouter,
    context: RequestContext,
    ignored: Sequence[str],
    answer: CompletionResult | EmbeddingResult | Opening,
) -> dict[str, str]:
    """Header fields that say who answered and why, and what its caller has left."""
    scored = (*answer.decision.ranking, *answer.decision.last_resort)
    points = next((s.points for s in scored if s.deployment.id == answer.deployment), None)
    fields = {"x-llm7router-provider": answer.deployment, "x-llm7router-attempts": str(len(answer.attempts))}
    if points is not None:
        fields["x-llm7router-score"] = f"{points:.1f}"
    if answer.cached:
        fields["x-llm7router-cached"] = "true"
    if ignored:
        fields["x-llm7router-ignored"] = ",".join(ignored)[:500]
    return fields | allowance.fields(router.allowances(context.caller))


class in_flight:
    """Counts a request of this client while it is under way. Raises ApiError (429) when there are too many."""

    __slots__ = ("_client",)

    def __init__(self, client: Client) -> None:
        self._client = client

    def __enter__(self) -> None:
        client = self._client
        if client.running >= client.in_flight:
            raise ApiError(429, f"{client.running} requests of this key are under way already; wait for one to end",
                           type="rate_limit_error", code="too_many_in_flight", retry_after_s=1)  # fmt: skip
        client.running += 1

    def __exit__(self, *_: object) -> None:
        self._client.running -= 1


@contextmanager
def while_connected(scope: Scope, receive: Receive) -> Iterator[None]:
    """Cancels what is inside as soon as the client leaves, which closes the connection upstream.

    `wire.Connection` tells of it. Another server reports it only to who asks, and a handler that awaits something else
    never would; so there a task asks, which takes time in every request.
    """
    task, left = asyncio.current_task(), False
    assert task is not None

    def leave() -> None:
        nonlocal left
        left = True
        task.cancel()

    async def watch() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        leave()

    departure: Departure | None = scope.get(DEPARTURE)
    watcher = None
    if departure is not None:
        departure.then(leave)
    else:
        watcher = asyncio.create_task(watch())
    try:
        yield
    except asyncio.CancelledError:
        if left and task.uncancel() == 0:
            raise ClientLeftError from None
        raise
    finally:
        if departure is not None:
            departure.then(None)
        if watcher is not None:
            watcher.cancel()


async def send_piece(send: Send, data: bytes) -> None:
    """Raises ClientLeftError if nobody takes it."""
    if data:
        try:
            async with asyncio.timeout(SEND_S):
                await send({"type": "http.response.body", "body": data, "more_body": True})
        except TimeoutError:
            raise ClientLeftError from None
