"""A stand-in for the Hugging Face hub and the storage it redirects to, on loopback, with its headers and its faults."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"
REFUSALS = {  # status and X-Error-Code, as the hub answers
    "gated": (403, "GatedRepo"),
    "no such repository": (401, "RepoNotFound"),
    "no such revision": (404, "RevisionNotFound"),
    "no such file": (404, "EntryNotFound"),
    "down": (503, ""),
}


@dataclass
class Hub:
    """Serves `content` as OWNER/REPO/FILE of any name; `fault` and `break_after` spoil it."""

    content: bytes
    fault: str = ""  # one of REFUSALS, or "no checksum"
    break_after: list[int] = field(default_factory=list)  # bytes after which each next download breaks off
    sent: bytes | None = None  # in place of the content, under the content's checksum
    pause_after: int | None = None  # bytes after which a download waits for `go_on`
    resumes: bool = True
    off: int = 0  # bytes by which it resumes elsewhere than asked; less than 0: nor does it say where
    commit: str = COMMIT
    seen: list[tuple[str, str, Mapping[str, str]]] = field(default_factory=list)  # method, path, headers

    def __post_init__(self) -> None:
        self.go_on = threading.Event()

    def __enter__(self) -> Hub:
        handler = type("Handler", (_Handler,), {"hub": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.go_on.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def storage(self) -> str:
        """Another origin, as the hub's storage is: the key must not go there."""
        return f"http://localhost:{self._server.server_port}"

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    def downloads(self) -> list[Mapping[str, str]]:
        """Headers of every request for bytes."""
        return [headers for method, path, headers in self.seen if method == "GET" and path.startswith("/storage/")]


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        hub = self.hub
        hub.seen.append((self.command, self.path, {name.lower(): value for name, value in self.headers.items()}))
        if self.path.startswith("/storage/"):
            with contextlib.suppress(ConnectionError):  # the client left
                self._stored()
        elif hub.fault in REFUSALS:
            status, code = REFUSALS[hub.fault]
            self._head(status, {"X-Error-Code": code} if code else {}, 0)
        else:
            told = {
                "X-Repo-Commit": hub.commit,
                "X-Linked-Size": str(len(hub.content)),
                "X-Linked-Etag": f'"{hub.sha256}"',
            }
            if hub.fault == "no checksum":
                told["X-Linked-Etag"] = '"abc"'
            self._head(302, {**told, "Location": f"{hub.storage}/storage/{hub.sha256}"}, 0)

    def _stored(self) -> None:
        hub = self.hub
        content = hub.content if hub.sent is None else hub.sent
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-")) if hub.resumes else 0
        rest = content[start:]
        told = {"Content-Range": f"bytes {start + hub.off}-{len(content) - 1}/{len(content)}"} if start else {}
        rest = content[start + hub.off :] if start else rest
        self._head(206 if start else 200, told if hub.off >= 0 else {}, len(rest))
        if hub.break_after:
            self.wfile.write(rest[: hub.break_after.pop(0)])
            self.close_connection = True
        elif hub.pause_after is not None:
            self.wfile.write(rest[: hub.pause_after])
            self.wfile.flush()
            hub.go_on.wait(30)
            self.close_connection = True
        else:
            self.wfile.write(rest)

    def _head(self, status: int, headers: Mapping[str, str], length: int) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(length)}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing on stderr."""
