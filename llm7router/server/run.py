"""Serving the gateway with uvicorn, in one process or several."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import socket
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType
from typing import TYPE_CHECKING, Any, cast

import uvicorn
from uvicorn.supervisors import Multiprocess

from llm7router.calls import litellm_api
from llm7router.errors import ConfigError
from llm7router.server import wire
from llm7router.server.guard import LAST_S

if TYPE_CHECKING:
    from llm7router.router import LLMRouter

KEEP_ALIVE_S = 75  # longer than clients keep a connection (5 s in httpx): one that both end at once loses a request
DRAIN_S = 30  # for requests under way when the server is told to stop
COLLECT_AFTER = (10_000, 20, 20)  # new objects, and generations; 700, 10 and 10 are Python's
MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"


@dataclass
class Factory:
    """Makes the app in the process that serves it. It travels to worker processes, so it holds plain values only."""

    config: str
    key: str = field(repr=False)

    def __call__(self) -> Any:
        """The app, over a router of this process."""
        from llm7router.router import LLMRouter
        from llm7router.server.app import create_app

        router = LLMRouter(self.config, reload=True)
        app = create_app(router, own_key=self.key)
        threading.Thread(target=warm, args=(router,), name="llm7router warm").start()
        router.when_reloaded(lambda: print(f"{self.config} was read again, with .env", file=sys.stderr))  # noqa: T201
        return app


def warm(router: LLMRouter) -> None:
    """Make ready for the first request, which would otherwise wait for LiteLLM to be imported: 3 s.

    What is there then stays to the end, so the garbage collector need not look at it: some 300,000 objects, for which
    it would hold up every answer now and then. It runs less often, too; both save a thirtieth of a request's CPU time.
    Only for a process that does nothing else, since this is of the whole process.
    """
    if any(d.off is None and not d.local for d in router.deployments):
        litellm_api.load_now()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        ConfigError: the address cannot be used.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(2048)
        listening.set_inheritable(True)
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"cannot listen on {host}:{port}: {why}; choose another with --port or --host") from None
    return listening


def serve(listening: socket.socket, factory: Callable[[], Any], workers: int) -> None:
    """Serve until told to stop."""
    config = settings(factory, workers)
    if workers == 1:
        Server(config).run(sockets=[listening])
        return
    with tempfile.TemporaryDirectory(prefix="llm7router-metrics-") as directory:
        os.environ.setdefault(MULTIPROCESS, directory)
        Multiprocess(config, sockets=[listening]).run()


class Server(uvicorn.Server):
    """uvicorn's, which says what it waits for when it is told to stop, and does not wait when it is told twice.

    Of one process; several are uvicorn's own, which say nothing.
    """

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Told to stop by a signal."""
        super().handle_exit(sig, frame)
        if self.force_exit:  # then everything is broken off, of which uvicorn would tell as of faults
            wire.log.disabled = logging.getLogger("uvicorn.error").disabled = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop, once what is under way has ended or `DRAIN_S` are over."""
        connections = cast("set[wire.Connection]", self.server_state.connections)
        if count := sum(connection.busy for connection in connections):
            answers = "an answer" if count == 1 else f"{count} answers"
            print(f"Stopping: {answers} under way may take {DRAIN_S} s more; Ctrl-C again ends them now.",  # noqa: T201
                  file=sys.stderr)  # fmt: skip
        forced = asyncio.create_task(self._end_if_forced())
        try:
            await super().shutdown(sockets)
            if self.force_exit:  # each has a last word, for which it has `LAST_S`
                await forced
        finally:
            forced.cancel()

    async def _end_if_forced(self) -> None:
        """From Python 3.12 on, uvicorn waits for all connections even then."""
        while not self.force_exit:  # noqa: ASYNC110 - uvicorn sets it in a signal handler
            await asyncio.sleep(0.05)
        if tasks := list(self.server_state.tasks):
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=2 * LAST_S)


def settings(factory: Callable[[], Any], workers: int = 1) -> uvicorn.Config:
    """How uvicorn serves the app that `factory` makes."""
    return uvicorn.Config(
        factory,
        factory=True,
        http="llm7router.server.wire:Connection",  # bounds the number of connections, too
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        workers=workers,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=DRAIN_S,
    )


def url_of(listening: socket.socket) -> str:
    """Where clients find it from this machine."""
    host, port = listening.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "::1": "[::1]"}.get(host, host)  # noqa: S104 - not bound here
    return f"http://{shown}:{port}"
