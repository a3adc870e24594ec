"""A hostile upstream: a real HTTP server on loopback that speaks OpenAI's chat completions and embeddings.

It can misbehave:

    with Upstream() as up:
        up.always("status", 429, headers={"retry-after": "2"})       # every model
        up.always("answer", "hi", model="m")                         # one model
        up.script("m", ["reset", ("status", 500), "answer"])         # in turn; then what `always` says
        call(up.base_url); up.requests[0].body

It runs in a thread with its own event loop, so sync code, any event loop and other processes can call it.
Behaviours are the functions of `tests.upstream_behaviours`, by name or by value.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
import struct
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from tests import upstream_behaviours as behaviours
from tests.upstream_behaviours import Behaviour

Step = str | tuple[Any, ...] | Behaviour
RESET = struct.pack("ii", 1, 0)  # SO_LINGER 0: closing sends RST


@dataclass
class Request:
    """A request as it arrived. `at` and `closed_at` are on the clock of `time.monotonic`."""

    method: str
    path: str
    headers: Mapping[str, str]  # names in lower case
    raw: bytes
    at: float
    closed_at: float | None = None  # when the client closed the connection before the answer was complete
    body: Any = None

    @property
    def model(self) -> str:
        """The model asked for."""
        return str(self.body.get("model", "")) if isinstance(self.body, dict) else ""


@dataclass
class Exchange:
    """What a behaviour answers with."""

    request: Request
    writer: asyncio.StreamWriter
    keep_alive: bool = True

    async def send(self, data: bytes) -> None:
        """Write bytes as they are."""
        self.writer.write(data)
        await self.writer.drain()

    async def head(self, status: int, headers: Mapping[str, str]) -> None:
        """Write the status line and headers; `content-length` or chunked encoding are the behaviour's business."""
        lines = [f"HTTP/1.1 {status} Some Reason", *(f"{name}: {value}" for name, value in headers.items())]
        await self.send("\r\n".join([*lines, "", ""]).encode())

    async def respond(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        """A complete answer."""
        await self.head(status, {"content-type": "application/json", "content-length": str(len(body)), **headers})
        await self.send(body)

    async def chunk(self, data: bytes) -> None:
        """One piece of a chunked body; an empty one ends it."""
        await self.send(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def reset(self) -> None:
        """Send RST."""
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.writer.transport.abort()
        self.keep_alive = False


@dataclass
class Upstream:
    """The server. `requests` are the chat completions and embeddings it got, in order; `others` all other requests."""

    models: Sequence[str] = ("m",)
    requests: list[Request] = field(default_factory=list)
    others: list[Request] = field(default_factory=list)
    paths: dict[str, Step] = field(default_factory=dict)  # what other requests get, by path
    tls: ssl.SSLContext | None = None
    connections: int = 0
    _scripts: dict[str, deque[Step]] = field(default_factory=lambda: defaultdict(deque))
    _fixed: dict[str | None, Step] = field(default_factory=dict)

    def always(self, step: Step, *arguments: Any, model: str | None = None, **options: Any) -> None:
        """Answer so from now on: for one model, or for every model that has nothing of its own."""
        self._fixed[model] = _behaviour(step, *arguments, **options)

    def script(self, model: str, steps: Sequence[Step]) -> None:
        """Answer the next requests for a model so, in turn."""
        self._scripts[model].extend(steps)

    @property
    def base_url(self) -> str:
        """As a provider's `base_url`."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def last(self) -> Request:
        """The latest request for an answer or for vectors."""
        return self.requests[-1]

    @property
    def count(self) -> int:
        """How many requests for answers or vectors came."""
        return len(self.requests)

    def wait_closed(self, request: Request | None = None, within_s: float = 1.0) -> bool:
        """Whether the client closed the connection of a request (the last one) within so many seconds."""
        return wait_until(lambda: (request or self.last).closed_at is not None, within_s)

    def __enter__(self) -> Upstream:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="upstream", daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result()
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _start(self) -> asyncio.Server:
        self._tasks: set[asyncio.Task[None]] = set()
        return await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.tls)

    async def _stop(self) -> None:
        await _turns(5)  # connections that were just accepted begin to be served, so that they can be ended
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await _turns(5)  # aborted connections close their sockets

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            while request := await _read(reader):
                exchange = Exchange(request, writer)
                await self._answer(exchange, reader)
                if not exchange.keep_alive or request.closed_at:
                    break
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            if self._server.is_serving():
                writer.close()
            else:
                writer.transport.abort()

    async def _answer(self, exchange: Exchange, reader: asyncio.StreamReader) -> None:
        request = exchange.request
        if not request.path.endswith(("/chat/completions", "/embeddings")):
            self.others.append(request)
            listing: Step = ("listing", list(self.models)) if request.path.endswith("/models") else ("status", 404)
            step = self.paths.get(request.path, listing)
        else:
            self.requests.append(request)
            step = self._next(request.model)
        act = asyncio.ensure_future(_behaviour(step)(exchange))
        left = asyncio.ensure_future(_client_left(reader))
        try:
            await asyncio.wait({act, left}, return_when=asyncio.FIRST_COMPLETED)
            if not act.done():
                request.closed_at = time.monotonic()
            elif (error := act.exception()) and not isinstance(error, ConnectionError):
                raise error
            elif error:
                request.closed_at = time.monotonic()
        finally:
            act.cancel()
            left.cancel()

    def _next(self, model: str) -> Step:
        if self._scripts[model]:
            return self._scripts[model].popleft()
        return self._fixed.get(model, self._fixed.get(None, "answer"))


def _behaviour(step: Step, *arguments: Any, **options: Any) -> Behaviour:
    if callable(step):
        return step
    name, *given = (step,) if isinstance(step, str) else step
    made: Behaviour = getattr(behaviours, name)(*given, *arguments, **options)
    return made


async def _read(reader: asyncio.StreamReader) -> Request | None:
    try:
        if (start := await reader.readexactly(1)) == b"\x16":  # a TLS handshake
            return None
        head = (start + await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.strip().split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    raw = await reader.readexactly(int(headers.get("content-length", 0)))
    request = Request(method, path, headers, raw, time.monotonic())
    with contextlib.suppress(ValueError):
        request.body = json.loads(raw)
    return request


async def _turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def _client_left(reader: asyncio.StreamReader) -> None:
    while not reader.at_eof() and reader.exception() is None:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


def wait_until(condition: Callable[[], bool], within_s: float) -> bool:
    """Whether the condition became true within so many seconds."""
    end = time.monotonic() + within_s
    while not (met := condition()) and time.monotonic() < end:
        time.sleep(0.01)
    return met


@contextlib.contextmanager
def refusing_url() -> Iterator[str]:
    """A base URL whose port refuses connections for as long as the context lasts."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{holder.getsockname()[1]}/v1"
