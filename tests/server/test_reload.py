"""The gateway while its router.yaml is edited: whoever asks notices nothing but the change."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import pytest

from llm7router import LLMRouter
from llm7router.server.app import create_app
from llm7router.state.store.memory import MemoryStore
from llm7router.testing import ScriptedBackend
from tests.router import scene
from tests.server.gateway import KEY, chat_body, configuration
from tests.server.service import Service
from tests.upstream import Upstream, wait_until

NEW_KEY = "sk-llm7-" + "n" * 43


class Traffic:
    """Requests all the time, one after the other on each of four connections: who answered, and what failed."""

    def __init__(self, service: Service) -> None:
        self._service, self._stop = service, threading.Event()
        self.answered: list[str] = []
        self.failed: list[str] = []
        self._threads = [threading.Thread(target=self._run) for _ in range(4)]

    def __enter__(self) -> Traffic:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        with self._service.client() as client:
            while not self._stop.wait(0.08):  # 50 a second in all
                response = client.post("/v1/chat/completions", json=chat_body())
                if response.status_code == 200:
                    self.answered.append(response.json()["model"])
                else:
                    self.failed.append(response.text)

    def soon(self, model: str) -> bool:
        """Whether that one answers from some request on."""
        return wait_until(lambda: self.answered[-1:] == [model], 40)


@pytest.mark.slow
def test_edits_in_the_middle_of_traffic_take_effect_and_fail_nobody(
    upstream: Upstream, beta: Upstream, tmp_path: Path
) -> None:
    file = tmp_path / "router.yaml"

    def write(*names: str, **keys: Any) -> None:
        upstreams = {"alpha": upstream, "beta": beta}
        file.write_text(json.dumps(configuration({name: upstreams[name] for name in names}, **keys)))

    with Service(tmp_path, configuration({"alpha": upstream, "beta": beta})) as service, Traffic(service) as traffic:
        assert traffic.soon("alpha/m")
        write("beta", "alpha")
        assert traffic.soon("beta/m")
        good = file.read_text()
        for faulty in ("", good[: len(good) // 2], good.replace('"models"', '"modles"')):
            file.write_text(faulty)
            before = service.errors.count("cannot be used as it is now")
            assert wait_until(lambda before=before: service.errors.count("cannot be used as it is now") > before, 15)  # type: ignore[misc]
        before = len(traffic.answered)
        assert wait_until(lambda: len(traffic.answered) > before + 10, 20)
        assert set(traffic.answered[before:]) == {"beta/m"}
        write("alpha")
        assert traffic.soon("alpha/m")
    assert traffic.failed == []
    assert "what was read before stays in use" in service.errors
    assert "modles: unknown key" in service.errors
    assert "Traceback" not in service.errors


async def test_who_was_removed_while_its_body_came_is_not_served_without_its_budget(tmp_path: Path) -> None:
    file, backend = tmp_path / "router.yaml", ScriptedBackend()

    def write(*keys: dict[str, Any]) -> None:
        providers = {"paid": scene.provider(scene.model(cost={"input": 1, "output": 1}))}
        budget = {"usd_per_request": 1, "usd_per_day": 10}
        file.write_text(json.dumps(scene.config(providers, budget=budget, server={"keys": list(keys)})))

    digest = hashlib.sha256(NEW_KEY.encode()).hexdigest()
    write({"name": "ann", "sha256": digest, "budget": {"usd_per_day": 0}})
    router = LLMRouter(file, env={}, backend=backend, store=MemoryStore())
    gateway, statuses = create_app(router, own_key=KEY), []

    async def receive() -> dict[str, Any]:
        write()
        router.reload()
        return {"type": "http.request", "body": json.dumps(chat_body()).encode(), "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        statuses.append(message.get("status"))

    fields = {"host": "localhost", "authorization": f"Bearer {NEW_KEY}", "content-type": "application/json"}
    headers = [(name.encode(), value.encode()) for name, value in fields.items()]
    scope = {"type": "http", "method": "POST", "path": "/v1/chat/completions", "headers": headers}
    await gateway(scope, receive, send)
    assert statuses[0] == 401
    assert backend.calls == []


@pytest.mark.slow
def test_a_key_and_a_host_that_are_added_are_let_in(upstream: Upstream, tmp_path: Path) -> None:
    file = tmp_path / "router.yaml"
    headers = {"authorization": f"Bearer {NEW_KEY}", "host": "gateway.example"}
    with Service(tmp_path, configuration({"alpha": upstream})) as service, service.client() as client:

        def status() -> int:
            return client.post("/v1/chat/completions", json=chat_body(), headers=headers).status_code

        assert status() == 421
        key = {"name": "ann", "sha256": hashlib.sha256(NEW_KEY.encode()).hexdigest()}
        hosts = ["127.0.0.1", "localhost", "gateway.example"]
        began = time.monotonic()
        server = {"keys": [key], "hosts": hosts}
        file.write_text(json.dumps(configuration({"alpha": upstream}, server=server)))
        assert wait_until(lambda: status() == 200, 20), time.monotonic() - began
        assert client.get("/v1/models").status_code == 200  # the owner's key still is one
