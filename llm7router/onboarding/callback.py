"""The local page to which the browser comes back from a provider: one answer, for this machine only.

Anybody who can make the browser ask for an address can come here, as can every program of this machine. So nothing
but `GET /cb` with the right state has an effect, the answer tells nothing, and what a request may cost is bounded.
"""

from __future__ import annotations

import asyncio
import contextlib
from types import TracebackType

from llm7router.onboarding.pkce import PATH, ConsentError, OtherStateError, Pkce

HEAD_BYTES = 16384  # browsers send 1 to 4 KB, more with large cookies of other programs at localhost
HEAD_WITHIN_S = 5.0
MOST_AT_ONCE = 16  # connections; browsers open two or three

_HEADERS = (
    "Content-Type: text/html; charset=utf-8\r\nCache-Control: no-store\r\nReferrer-Policy: no-referrer\r\n"
    "Content-Security-Policy: default-src 'none'\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n"
)
_DONE = "llm7router has the answer. Close this page and go back to the terminal."
_OTHER = "This is not the answer that llm7router waits for. Go back to the terminal and open the address shown there."


class Callback:
    """Listens on 127.0.0.1 while it is open. `code` is the first that comes with the right state, or the refusal."""

    def __init__(self, pkce: Pkce) -> None:
        self._pkce = pkce
        self._open: set[asyncio.Task[None]] = set()
        self.code: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.port = 0

    async def __aenter__(self) -> Callback:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=HEAD_BYTES)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._server.close()
        _, late = await asyncio.wait(self._open, timeout=0.5) if self._open else ((), set())  # the page is on its way
        for task in late:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        if self.code.done() and not self.code.cancelled():
            self.code.exception()  # looked at, so that nothing is said of it
        self.code.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            if len(self._open) <= MOST_AT_ONCE:
                with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
                    async with asyncio.timeout(HEAD_WITHIN_S):
                        writer.write(await self._answer(reader))
                        await writer.drain()
        finally:
            self._open.discard(task)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader) -> bytes:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        except asyncio.LimitOverrunError:
            return _page("431 Request Header Fields Too Large", "Too long.")
        first, *lines = head.split("\r\n")
        method, _, rest = first.partition(" ")
        path, _, query = rest.rpartition(" ")[0].partition("?")
        hosts = [line.partition(":")[2].strip() for line in lines if line.lower().startswith("host:")]
        if len(hosts) != 1 or hosts[0] not in (f"localhost:{self.port}", f"127.0.0.1:{self.port}"):
            return _page("400 Bad Request", "No.")  # another name that was made to point here
        if path != PATH:
            return _page("404 Not Found", "There is nothing here.")
        if method != "GET":
            return _page("405 Method Not Allowed", "No.")
        return self._take(query)

    def _take(self, query: str) -> bytes:
        if self.code.done():
            return _page("410 Gone", "llm7router has an answer already. Close this page.")
        try:
            self.code.set_result(self._pkce.code_in(query))
        except OtherStateError:
            return _page("400 Bad Request", _OTHER)
        except ConsentError as error:
            self.code.set_exception(error)
        return _page("200 OK", _DONE)


def _page(status: str, text: str) -> bytes:
    body = f"<!doctype html><meta charset=utf-8><title>llm7router</title><p>{text}".encode()
    return f"HTTP/1.1 {status}\r\n{_HEADERS}Content-Length: {len(body)}\r\n\r\n".encode() + body
