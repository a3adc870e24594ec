"""The HTTP transport under LiteLLM's client: says what was never sent, bounds bodies, can leave out the key.

LiteLLM sends a request a second time when the connection was reset after the first was sent, and reports a reset
and a refused connection alike. So every lost connection is raised as one of the errors below, which it passes on.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TypeVar

import aiohttp
import httpx

from llm7router.calls.refusals import Lines
from llm7router.calls.tail import Tail

T = TypeVar("T")

CONNECT_S = 5.0  # a host that does not answer within this is down; the attempt's own time is for the answer
MAX_BODY = 8 * 2**20  # bytes, decoded: of an answer, or of one line of a stream
VECTOR_BODY = 2**17  # bytes more for each text to embed: 4,096 numbers of 25 characters, and room
NO_AUTHORIZATION = "llm7router-sends-no-key"  # as an API key: leave the Authorization header out
SDK_HEADERS = "openai-"  # the OpenAI SDK adds the user's organization and project there, whatever the host
TAIL: ContextVar[Tail | None] = ContextVar("llm7router_tail", default=None)  # where to keep the end of the next answer


_FINISH = re.compile(rb'"finish_reason"\s{0,4}:\s{0,4}"')  # inside of texts the quotes are escaped: these are keys


@dataclass(slots=True)
class Ended:
    """What a whole answer says of its end."""

    unsaid: bool = False  # it came, without a finish reason


ENDED: ContextVar[Ended | None] = ContextVar("llm7router_ended", default=None)  # what to tell of the next answer


@dataclass(slots=True)
class Bulk:
    """An answer of vectors: how long it may be, and its headers, which LiteLLM throws away."""

    max_body: int
    headers: Mapping[str, str] = field(default_factory=dict)


BULK: ContextVar[Bulk | None] = ContextVar("llm7router_bulk", default=None)  # the next answer is one


@contextmanager
def told(variable: ContextVar[T | None], value: T) -> Iterator[T]:
    """Inside, the next answer is read with this value of one of the variables above."""
    token = variable.set(value)
    try:
        yield value
    finally:
        variable.reset(token)


class NeverSentError(httpx.NetworkError):
    """The connection could not be made, so the provider has not seen the request."""


class CutOffError(httpx.NetworkError):
    """The connection was lost after the request had been sent, or while it was."""


class BodyTooLargeError(httpx.NetworkError):
    """The answer is longer than any real one."""


class GuardedTransport(httpx.AsyncBaseTransport):
    """Wraps the transport that LiteLLM would use itself."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self.inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request.

        Raises `NeverSentError` or `CutOffError` for a lost connection, other httpx errors as they are.
        """
        for name in [name for name in request.headers if name.startswith(SDK_HEADERS)]:
            del request.headers[name]
        if request.headers.get("authorization") == f"Bearer {NO_AUTHORIZATION}":
            del request.headers["authorization"]
        timeout = dict(request.extensions.get("timeout") or {})
        timeout["connect"] = min(timeout.get("connect") or CONNECT_S, CONNECT_S)
        request.extensions = {**request.extensions, "timeout": timeout}
        try:
            response = await self.inner.handle_async_request(request)
        except httpx.TransportError as error:
            if lost := _lost(error):
                raise lost from error
            raise
        bounded = _BoundedResponse(
            response.status_code, headers=response.headers, stream=response.stream, extensions=response.extensions
        )
        bounded.tail, bounded.ended = TAIL.get(), ENDED.get()
        if (bulk := BULK.get()) is not None:
            bounded.max_body = bulk.max_body
            bulk.headers = {name.lower(): value for name, value in response.headers.items()}
        return bounded

    async def aclose(self) -> None:
        """Close every connection."""
        await self.inner.aclose()


class _BoundedResponse(httpx.Response):
    tail: Tail | None = None
    ended: Ended | None = None
    max_body = MAX_BODY

    async def aread(self) -> bytes:
        body = await super().aread()
        if self.ended is not None:
            self.ended.unsaid = not _FINISH.search(body)
        return body

    async def aiter_lines(self) -> AsyncIterator[str]:
        """LiteLLM ends a stream at any line with `[DONE]` in it, also in the text of an answer; so that is escaped."""
        async for line in super().aiter_lines():
            inside = "[DONE]" in line and "{" in line
            yield line.replace("[DONE]", "[DONE\\u005d") if inside else line

    async def aiter_bytes(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        by_line = self.headers.get("content-type", "").startswith("text/event-stream")
        size, lines = 0, Lines()
        try:
            async for chunk in super().aiter_bytes(chunk_size):
                size += len(chunk)
                if by_line and (end := chunk.rfind(b"\n")) >= 0:
                    size = len(chunk) - end - 1
                if size > self.max_body:
                    raise BodyTooLargeError(f"the answer is longer than {self.max_body} bytes")
                yield self._told(lines.feed(chunk) if by_line else chunk)
            if by_line:
                yield self._told(lines.end())
        except httpx.ConnectError as error:  # what LiteLLM's transport makes of a reset
            raise CutOffError(str(error)) from error

    def _told(self, data: bytes) -> bytes:
        """The data, of which the tail is told when it is passed on: an end that nobody can read yet is none."""
        if data and self.tail is not None:
            self.tail.feed(data)
        return data


def _lost(error: httpx.TransportError) -> httpx.NetworkError | None:
    cause = error.__cause__
    connecting = isinstance(cause, aiohttp.ClientConnectorError | aiohttp.ClientSSLError | aiohttp.InvalidURL)
    if isinstance(error, httpx.ConnectTimeout) or connecting:
        return NeverSentError(str(error))
    if isinstance(error, httpx.ConnectError):
        # With httpx's own transport this is a failed connect; aiohttp's other errors of this class are resets.
        return CutOffError(str(error)) if isinstance(cause, aiohttp.ClientError) else NeverSentError(str(error))
    if isinstance(error, httpx.ReadError | httpx.RemoteProtocolError):
        return CutOffError(str(error))
    return None
