"""What gateway benchmarks share: a fast upstream, a load generator, and the CPU time of other processes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import multiprocessing
import socket
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any


def cpu_s(pid: int) -> float:
    """CPU seconds of a process and of its children that run, by their own clocks: /proc counts in hundredths."""
    total = 0.0
    todo = [pid]
    while todo:
        one = todo.pop()
        with contextlib.suppress(OSError):
            total += time.clock_gettime((~one << 3) | 2)  # clock_getcpuclockid(3), which Python does not have
            todo += [int(child) for child in Path(f"/proc/{one}/task/{one}/children").read_text().split()]
    return total


def rss_mb(pid: int) -> float:
    """Resident memory in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


ANSWER = json.dumps({
    "id": "c1", "object": "chat.completion", "created": 1, "model": "served", "service_tier": "on_demand",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello!"}}],
    "usage": {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12},
}).encode()  # fmt: skip
HEAD = b"HTTP/1.1 %d %s\r\ncontent-type: %s\r\n"


def piece(delta: dict[str, Any], reason: str | None = None, **more: Any) -> bytes:
    """One event of a streamed answer."""
    choices = [{"index": 0, "delta": delta, "finish_reason": reason}]
    chunk = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "served", "choices": choices, **more}
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


class FastUpstream(asyncio.Protocol):
    """Answers as soon as a request is whole; a stream sends `chunks` pieces, `gap_s` apart.

    Every `faults`-th request gets a 500 (0: none).
    """

    chunks, gap_s, faults, seen = 60, 0.0, 0, 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport
        self.kept = b""

    def data_received(self, data: bytes) -> None:
        self.kept += data
        while (end := self.kept.find(b"\r\n\r\n")) >= 0:
            head = self.kept[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self.kept) < end + 4 + length:
                return
            body, self.kept = self.kept[end + 4 : end + 4 + length], self.kept[end + 4 + length :]
            self.answer(body)

    def answer(self, body: bytes) -> None:
        kind = type(self)
        kind.seen += 1
        if kind.faults and kind.seen % kind.faults == 0:
            self.whole(500, b"Error", b'{"error":{"message":"scripted"}}')
        elif b'"stream": true' in body or b'"stream":true' in body:
            task = asyncio.get_running_loop().create_task(self.stream())
            task.add_done_callback(lambda done: done.exception())
        else:
            self.whole(200, b"OK", ANSWER)

    def whole(self, status: int, reason: bytes, body: bytes) -> None:
        head = HEAD % (status, reason, b"application/json")
        self.transport.write(head + b"content-length: %d\r\n\r\n" % len(body) + body)

    async def stream(self) -> None:
        def write(data: bytes) -> None:
            self.transport.write(b"%x\r\n%b\r\n" % (len(data), data))

        self.transport.write(HEAD % (200, b"OK", b"text/event-stream") + b"transfer-encoding: chunked\r\n\r\n")
        for number in range(self.chunks):
            if self.gap_s:
                await asyncio.sleep(self.gap_s)
            write(piece({"content": f"word{number} "}))
        usage = {"prompt_tokens": 7, "completion_tokens": self.chunks, "total_tokens": 7 + self.chunks}
        write(piece({}, "stop") + piece({}, None, usage=usage) + b"data: [DONE]\n\n")
        self.transport.write(b"0\r\n\r\n")


def serve(pipe: Connection, settings: dict[str, Any]) -> None:
    """An upstream, until the pipe closes."""

    async def main() -> None:
        for name, value in settings.items():
            setattr(FastUpstream, name, value)
        loop = asyncio.get_running_loop()
        server = await loop.create_server(FastUpstream, "127.0.0.1", 0, backlog=4096)
        pipe.send(server.sockets[0].getsockname()[1])
        with contextlib.suppress(EOFError):
            await loop.run_in_executor(None, pipe.recv)

    asyncio.run(main())


@contextlib.contextmanager
def upstream(**settings: Any) -> Iterator[str]:
    """Its base URL; it runs in another process."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs, settings), daemon=True)
    process.start()
    theirs.close()
    try:
        yield f"http://127.0.0.1:{ours.recv()}/v1"
    finally:
        ours.close()
        process.join(5)


@dataclass
class Seen:
    """What the load generator saw."""

    statuses: dict[int, int] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    chunks: int = 0
    broken: int = 0
    took_s: float = 0.0

    @property
    def per_s(self) -> float:
        """Requests a second."""
        return len(self.seconds) / self.took_s

    def quantile(self, share: float) -> float:
        """Of the seconds that requests took."""
        return statistics.quantiles(self.seconds, n=100)[round(share * 100) - 1]


async def load(
    url: str, key: str, body: dict[str, Any], *, requests: int, concurrency: int, path: str = "/v1/chat/completions"
) -> Seen:
    """So many requests, so many at a time, over connections that are kept."""
    host, port = url.removeprefix("http://").split("/")[0].split(":")
    content = json.dumps(body).encode()
    request = (
        f"POST {path} HTTP/1.1\r\nhost: {host}:{port}\r\nauthorization: Bearer {key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
    ).encode() + content
    seen, left = Seen(), requests

    async def worker() -> None:
        nonlocal left
        reader = writer = None
        while left > 0:
            left -= 1
            began = time.perf_counter()
            try:
                if writer is None:
                    reader, writer = await asyncio.open_connection(host, int(port))
                writer.write(request)
                assert reader is not None
                status, whole, chunks = await read_answer(reader)
                seen.statuses[status] = seen.statuses.get(status, 0) + 1
                seen.chunks += chunks
                seen.broken += not whole
            except (OSError, asyncio.IncompleteReadError):
                seen.broken += 1
                writer = None
            seen.seconds.append(time.perf_counter() - began)
        if writer is not None:
            writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(concurrency)))
    seen.took_s = time.perf_counter() - began
    return seen


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, bool, int]:
    """Status, whether it is whole, and the number of events of a stream."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    status = int(head.split(b" ", 2)[1])
    if b"transfer-encoding: chunked" not in head:
        length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        await reader.readexactly(length)
        return status, True, 0
    text = b""
    while size := int(await reader.readline(), 16):
        text += (await reader.readexactly(size + 2))[:-2]
    await reader.readline()
    return status, b"data: [DONE]" in text, text.count(b'"content"')


def free_port() -> int:
    """One that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def until_up(url: str, seconds: float = 60) -> None:
    """Wait until something answers there."""
    host, port = url.removeprefix("http://").split("/")[0].split(":")
    end = time.monotonic() + seconds
    while True:
        try:
            _, writer = await asyncio.open_connection(host, int(port))
            writer.close()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            await asyncio.sleep(0.2)
