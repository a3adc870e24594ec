"""A real gateway over hostile upstreams: uvicorn with the settings of `llm7router serve`, in a thread, on a free port.

    with Upstream() as up, Gateway({"alpha": up}) as gateway:
        assert gateway.chat("Hi").json()["choices"][0]["message"]["content"] == "Hello!"
        gateway.raw(b"GET /healthz HTTP/1.1\\r\\n...")

Providers rank as they are given; each has one model, `m`, and the canary as its key.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any

import httpx
import uvicorn

from llm7router import LLMRouter
from llm7router.server.app import create_app
from llm7router.server.run import listen, settings
from llm7router.state.store.memory import MemoryStore
from llm7router.testing import ScriptedBackend
from tests.guard import CANARY
from tests.router import scene
from tests.upstream import Upstream, wait_until

KEY = "sk-llm7-the-key-of-these-tests"
START_S = 30.0  # LiteLLM and FastAPI may have to be imported first
STOP_S = 10.0

Providers = Mapping[str, "Upstream | str | dict[str, Any]"]


def configuration(providers: Providers, **keys: Any) -> dict[str, Any]:
    """router.yaml over upstreams, base URLs, or providers written out."""
    return scene.config(
        {name: _provider(where, 5 - index) for index, (name, where) in enumerate(providers.items())}, **keys
    )


def _provider(where: Upstream | str | dict[str, Any], stars: int) -> dict[str, Any]:
    if isinstance(where, dict):
        return where
    url = where if isinstance(where, str) else where.base_url
    return scene.provider(scene.model(quality={"chat": max(stars, 1)}), base_url=url, api_key=CANARY)


_stopping: list[threading.Thread] = []


class Gateway:
    """Runs while the `with` block does. Further arguments go into router.yaml: `server={...}`, `aliases={...}`."""

    def __init__(
        self,
        providers: Providers,
        *,
        backend: ScriptedBackend | None = None,
        own_key: str = KEY,
        http: str | None = None,  # another protocol of uvicorn's than the gateway's own
        **keys: Any,
    ) -> None:
        self._config = configuration(providers, **keys)
        self._http = http
        self._backend, self._own_key = backend, own_key
        self._failed: BaseException | None = None

    def __enter__(self) -> Gateway:
        self.router = LLMRouter(self._config, env={}, store=MemoryStore(), backend=self._backend)
        self.app = create_app(self.router, own_key=self._own_key)
        self._listening = listen("127.0.0.1", 0)
        self.port: int = self._listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        config = settings(lambda: self.app)
        config.http = self._http or config.http
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="gateway", daemon=True)
        self._thread.start()
        started = wait_until(lambda: self._server.started or not self._thread.is_alive(), START_S)
        assert self._failed is None, self._failed
        assert started
        self.client = httpx.Client(
            base_url=self.url, headers={"authorization": f"Bearer {self._own_key}"}, timeout=20, trust_env=False
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.client.close()
        self._server.should_exit = True
        _stopping.append(self._thread)

    def _run(self) -> None:
        try:
            self._server.run(sockets=[self._listening])
        except BaseException as error:
            self._failed = error

    def post(self, path: str, body: Any = None, **options: Any) -> httpx.Response:
        """A request with a JSON body, or with `content` as it is."""
        if "content" in options:
            options["headers"] = {"content-type": "application/json", **options.get("headers", {})}
            return self.client.post(path, **options)
        return self.client.post(path, json=body, **options)

    def chat(self, text: str = "Hello", *, headers: Mapping[str, str] | None = None, **fields: Any) -> httpx.Response:
        """A chat completion."""
        return self.post("/v1/chat/completions", chat_body(text, **fields), headers=headers)

    @contextlib.contextmanager
    def streaming(self, text: str = "Hello", **fields: Any) -> Iterator[httpx.Response]:
        """A chat completion as a stream that goes on while the block does."""
        body = chat_body(text, stream=True, **fields)
        with self.client.stream("POST", "/v1/chat/completions", json=body) as response:
            yield response

    def events(self, text: str = "Hello", **fields: Any) -> list[Any]:
        """All events of a streamed chat completion: JSON, or the text `[DONE]`."""
        with self.streaming(text, **fields) as response:
            assert response.status_code == 200, response.read()
            return events_of(response.read().decode())

    def stats(self, deployment: str = "alpha/m") -> dict[str, Any]:
        """What the gateway says of a deployment now."""
        found: dict[str, Any] = next(
            d for d in self.client.get("/stats").json()["deployments"] if d["id"] == deployment
        )
        return found

    def idle(self, within_s: float = 1.0) -> bool:
        """Whether no deployment has a call in flight, and no lease, within so many seconds."""
        return wait_until(
            lambda: not any(d["in_flight"] for d in self.client.get("/stats").json()["deployments"]), within_s
        )

    @property
    def connections(self) -> set[Any]:
        """Connections of clients."""
        return self._server.server_state.connections

    def connect(self) -> socket.socket:
        """A connection of the test's own."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def raw(self, data: bytes) -> bytes:
        """What comes back for these bytes, until the gateway closes."""
        with self.connect() as connection:
            connection.sendall(data)
            return read_all(connection)


def all_stopped() -> bool:
    """Whether every gateway that was told to stop has done so, after some time. It takes a fifth of a second each,
    for which no test waits.
    """
    end = time.monotonic() + STOP_S
    for thread in _stopping:
        thread.join(max(0.0, end - time.monotonic()))
    return not any(thread.is_alive() for thread in _stopping)


def chat_body(text: str = "Hello", **fields: Any) -> dict[str, Any]:
    """The body of a chat completion."""
    return {"model": "auto", "messages": [{"role": "user", "content": text}], **fields}


def events_of(text: str) -> list[Any]:
    """Server-sent events: JSON, or the text `[DONE]`. Comments are left out."""
    datas = [block[6:] for block in text.split("\n\n") if block.startswith("data: ")]
    return [data if data == "[DONE]" else json.loads(data) for data in datas]


def said(events: list[Any], index: int = 0) -> str:
    """The content of a choice, joined."""
    choices = [choice for event in events if event != "[DONE]" for choice in event["choices"]]
    return "".join(c["delta"].get("content") or "" for c in choices if c["index"] == index)


def head(method: str = "POST", path: str = "/v1/chat/completions", **headers: str) -> bytes:
    """The head of a request with the right host, key and kind of body, unless told otherwise; `_` stands for `-`."""
    given = {"host": "localhost", "authorization": f"Bearer {KEY}", "content-type": "application/json"}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items() if value)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def read_all(connection: socket.socket, within_s: float = 10.0) -> bytes:
    """Everything that comes until the other side closes."""
    pieces, end = [], time.monotonic() + within_s
    with contextlib.suppress(ConnectionError, TimeoutError):
        while time.monotonic() < end and (piece := connection.recv(65536)):
            pieces.append(piece)
    return b"".join(pieces)


def error_of(response: httpx.Response) -> dict[str, Any]:
    """OpenAI's error object; every error has its four fields, a name, and no word of Python's."""
    error: dict[str, Any] = response.json()["error"]
    assert {"message", "type", "param", "code"} <= set(error), error
    assert response.headers["x-request-id"].startswith("req_")
    assert error["message"]
    assert "Traceback" not in response.text
    return error
