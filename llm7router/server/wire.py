"""The HTTP connection: bounds that uvicorn does not have, and one write to the socket for each turn of the loop.

A head and a body, or all the events that one chunk makes, are written one by one; each would be a packet of its own.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from llm7router.server.departure import DEPARTURE, Departure
from llm7router.server.errors import ApiError
from llm7router.server.guard import LONGEST_HEADERS, headers_too_long, new_id
from llm7router.server.respond import dumps

HEAD_S = 10.0  # for a client to send the head of a request
LINGER_S = 5.0  # for what a client still sends or takes when it has its answer
MOST_CONNECTIONS = 4096
ENDLESS = frozenset({"/events"})
MOST_WAITING = 8  # requests of one connection that wait for answers to earlier ones
AT_ONCE = 64 * 1024  # bytes that are not held back any longer


# What a client sends must not fill the log: uvicorn warns of each request that is no HTTP, and of each upgrade.
log = logging.getLogger("uvicorn.error.llm7router")
log.setLevel(logging.ERROR)


class Connection(HttpToolsProtocol):
    """uvicorn's protocol with bounds: on heads in bytes and seconds, on how long it lingers, on how many there are."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.logger = log
        self._head_bytes = 0
        self._aside_bytes = 0  # of a request in chunks since the last of its body: sizes, extensions, trailers
        self._in_head = True
        self._in_body = False
        self._running: RequestResponseCycle | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client is there."""
        super().connection_made(Gathering(transport, self.loop))  # type: ignore[arg-type]
        self._wait(HEAD_S)
        if len(self.connections) > MOST_CONNECTIONS:
            busy = f"{MOST_CONNECTIONS} connections are open already; come back later"
            self._refuse(ApiError(503, busy, type="server_error", code="too_many_connections", retry_after_s=1))

    def connection_lost(self, exc: Exception | None) -> None:
        """It has left. uvicorn tells only the last request that came; the one that runs may be an earlier one."""
        self._forget_timer()
        if self._running is not None and not self._running.response_complete:
            self._running.disconnected = True
            self._running.message_event.set()
            departure: Departure = self._running.scope[DEPARTURE]  # type: ignore[literal-required]
            departure.happened()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """More of a request."""
        if self.transport.is_closing():
            return
        if self._in_head:
            self._head_bytes += len(data)
        elif self._in_body:
            self._aside_bytes += len(data)
        super().data_received(data)
        if self._timer is None and (self._in_head or self._idle()):  # a later head that came whole needs no timer
            self._wait(HEAD_S if self._in_head else self.timeout_keep_alive)
        beside = self._head_bytes if self._in_head else self._aside_bytes if self._in_body else 0
        if beside > LONGEST_HEADERS and not self.transport.is_closing():
            self._refuse(headers_too_long())

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP. `msg` is uvicorn's."""
        self._refuse(ApiError(400, msg, code="invalid_http"))

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        if self.cycle is not None:  # what a later one has time for does not depend on what came before it
            self._forget_timer()
        super().on_message_begin()
        self.scope[DEPARTURE] = Departure()  # type: ignore[literal-required]
        self._in_head = True

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._in_head, self._in_body, self._head_bytes, self._aside_bytes = False, True, 0, 0
        self._forget_timer()
        super().on_headers_complete()
        self.headers = []  # trailers, which come behind the body, are none of what the guard judges
        if len(self.pipeline) > MOST_WAITING:
            self.transport.abort()
        elif self.pipeline:
            self.flow.resume_reading()  # uvicorn stops, and then nobody would hear that the client has left

    def on_body(self, body: bytes) -> None:
        """More of the body, whose length its reader watches."""
        self._aside_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The body is whole."""
        self._in_body = False
        self._forget_timer()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """An answer was written. Who was refused may send the rest of a body, so as to read why, but not for ever."""
        super().on_response_complete()
        if isinstance(self.transport, Gathering):
            self.transport.flush()  # nothing more comes in this turn
        if self._in_body and self._timer is None:
            self._wait(LINGER_S)

    @property
    def busy(self) -> bool:
        """Whether an answer that has an end is under way."""
        return self._answering and not self._endless

    def shutdown(self) -> None:
        """The server stops: what is under way may end, but for a stream without end."""
        super().shutdown()
        if self._answering and self._endless:
            self.transport.close()

    @property
    def _answering(self) -> bool:
        return self._running is not None and not self._running.response_complete

    @property
    def _endless(self) -> bool:
        """Of what runs: `self.scope` may be that of a request whose head is not whole, without a path."""
        return self._running is not None and self._running.scope["path"] in ENDLESS

    def _idle(self) -> bool:
        """Whether nothing is under way. What still comes, such as an empty line, has stopped uvicorn's own timer."""
        return self.cycle is not None and self.cycle.response_complete and not self._in_body

    def _wait(self, seconds: float) -> None:
        self._timer = self.loop.call_later(seconds, self._give_up)

    def _give_up(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()

    def _refuse(self, error: ApiError) -> None:
        """Answer without the app, and close; just close if there is an answer already."""
        if not self._in_head and self.cycle is not None and self.cycle.response_started:
            self.transport.close()
            return
        body = dumps(error.body())
        fields = {
            "content-type": "application/json",
            "content-length": str(len(body)),
            "connection": "close",
            "x-request-id": new_id(),
            **error.headers(),
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self.transport.write(STATUS_LINE[error.status] + lines.encode() + b"\r\n" + body)
        self.transport.close()

    def _forget_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Gathering:
    """A transport that writes what came together at once."""

    def __init__(self, inner: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._inner, self._loop = inner, loop
        self._held: list[bytes] = []
        self._size = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def write(self, data: bytes) -> None:
        """Hold it until the loop has run what is ready."""
        if not self._held:
            self._loop.call_soon(self.flush)
        self._held.append(data)
        self._size += len(data)
        if self._size > AT_ONCE:
            self.flush()

    def close(self) -> None:
        """Write what is held, and close once it is taken; for who takes nothing, not wait for ever."""
        self.flush()
        self._inner.close()
        self._watch()

    def _watch(self) -> None:
        if left := self._inner.get_write_buffer_size():
            self._loop.call_later(LINGER_S, self._check, left)

    def _check(self, before: int) -> None:
        if self._inner.get_write_buffer_size() >= before:
            self._inner.abort()
        else:
            self._watch()

    def flush(self) -> None:
        """Write what is held."""
        held, self._held, self._size = self._held, [], 0
        if held and not self._inner.is_closing():
            self._inner.write(b"".join(held))
