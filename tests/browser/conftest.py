"""A gateway in a process of its own, hostile upstreams behind it, and a browser before it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.upstream import Upstream, wait_until

CHROMIUM = os.environ.get("LLM7ROUTER_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
# Nothing that a browser does on its own may go out; a root user's Chromium has no sandbox.
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
MISSING = "no browser driver; pip install 'llm7router[browser]'"
EVIL = "<img src=x onerror=\"window.owned='yes'\">"
READY_S = 20.0

CONFIG = """
version: 1
state: {{store: memory}}
providers:
  good:
    base_url: {url}
    limits_per_model: [{{unit: requests, window: minute, max: 1000}}, {{unit: tokens, window: day, max: 200000}}]
    models: [{{id: m, context_window: 9000, cost: {{input: 0, output: 0}}, capabilities: [streaming, tools],
      quality: {{chat: 5}}}}]
  evil:
    base_url: {url}
    models: [{{id: {evil}, context_window: 8000, cost: {{input: 0, output: 0}}}}]
  scarce:
    base_url: {url}
    limits_per_model: [{{unit: requests, window: day, max: 1}}]
    models: [{{id: m, context_window: 8000, cost: {{input: 0, output: 0}}}}]
  nokey:
    base_url: {url}
    api_key_env: NO_SUCH_KEY
    models: [{{id: one, context_window: 8000}}, {{id: two, context_window: 8000}}]
"""


@dataclass
class Gateway:
    """`llm7router serve` in a process of its own."""

    directory: Path
    url: str = ""
    process: subprocess.Popen[str] | None = None

    @property
    def key(self) -> str:
        """Its key."""
        return (self.directory / "gateway.key").read_text().strip()

    def start(self) -> None:
        """Start, at the same port as before if it ran before."""
        port = self.url.rpartition(":")[2].strip("/") or "0"
        arguments = ["serve", "--config", "router.yaml", "--key-file", "gateway.key", "--port", port]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "llm7router", *arguments],
            cwd=self.directory,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stderr
        banner = []
        for line in self.process.stderr:
            banner.append(line)
            if "dashboard" in line:
                self.url = line.split()[-1]
                break
        if not self.url or not self.wait_ready():
            self.kill()
            raise AssertionError("".join(banner) or "it does not answer")

    def wait_ready(self) -> bool:
        """Whether it answers within some seconds."""

        def answers() -> bool:
            try:
                return httpx.get(f"{self.url}healthz").status_code == 200
            except httpx.HTTPError:
                return False

        return wait_until(answers, READY_S)

    def kill(self) -> None:
        """End at once."""
        assert self.process
        self.process.kill()
        self.process.wait()
        assert self.process.stderr
        self.process.stderr.close()

    def ask(self, model: str = "good", text: str = "Hello", **fields: Any) -> Any:
        """A chat completion's JSON, or its error's."""
        body = {"model": model, "messages": [{"role": "user", "content": text}], **fields}
        headers = {"authorization": f"Bearer {self.key}"}
        return httpx.post(f"{self.url}v1/chat/completions", json=body, headers=headers, timeout=20).json()


@pytest.fixture(scope="module")
def behind() -> Iterator[Upstream]:
    """The upstream of every provider."""
    with Upstream() as running:
        running.always("status", 500, f"broken {EVIL} indeed", model=EVIL)
        yield running


@pytest.fixture(scope="module")
def gateway(behind: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway that all tests of a module share."""
    started = Gateway(tmp_path_factory.mktemp("gateway"))
    config = CONFIG.format(url=behind.base_url, evil=json.dumps(EVIL))
    (started.directory / "router.yaml").write_text(config)
    started.start()
    yield started
    started.kill()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's Chromium, or whatever $LLM7ROUTER_CHROMIUM names."""
    api = pytest.importorskip("playwright.sync_api", reason=MISSING)
    if not CHROMIUM:
        pytest.skip("no Chromium; apt-get install chromium, or set LLM7ROUTER_CHROMIUM")
    with api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield launched
        launched.close()


@dataclass
class Visit:
    """A page, where its requests went, and what went wrong in it."""

    page: Any
    hosts: set[str]
    faults: list[str]


@pytest.fixture
def visit(browser: Any, gateway: Gateway) -> Iterator[Visit]:
    """The dashboard in a fresh browser profile. It talks to the gateway alone and reports no error."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    context.set_default_timeout(8000)
    page = context.new_page()
    made = Visit(page, set(), [])
    page.on("request", lambda request: made.hosts.add(request.url[: len(gateway.url)]))
    page.on("pageerror", lambda error: made.faults.append(str(error)))
    # Chromium reports every status from 400 up and every lost connection, which tests cause.
    page.on(
        "console",
        lambda message: (
            made.faults.append(message.text)
            if message.type in ("error", "warning") and not message.text.startswith("Failed to load resource")
            else None
        ),
    )
    page.goto(gateway.url)
    yield made
    owned = page.evaluate("window.owned ?? null")
    context.close()
    assert made.hosts == {gateway.url}
    assert not made.faults
    assert owned is None


@pytest.fixture
def page(visit: Visit, gateway: Gateway) -> Any:
    """The dashboard after login."""
    visit.page.fill("#key", gateway.key)
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_selector("#cards .deployment")
    return visit.page
