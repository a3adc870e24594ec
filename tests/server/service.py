"""`llm7router serve` as a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

from tests.upstream import wait_until

START_S = 30.0
STOP_S = 20.0


class Service:
    """Runs while the `with` block does. `env` is what it prints to export; `errors` what it wrote to stderr."""

    def __init__(self, directory: Path, config: Mapping[str, Any], *arguments: str) -> None:
        self._directory = directory
        (directory / "router.yaml").write_text(json.dumps(config), encoding="utf-8")
        self._command = [sys.executable, "-m", "llm7router", "serve", "--port", "0", *arguments]

    def __enter__(self) -> Service:
        quiet = {name: value for name, value in os.environ.items() if not name.endswith(("_API_KEY", "_TOKEN"))}
        environment = {**quiet, "XDG_CONFIG_HOME": str(self._directory / "config")}
        self._log = self._directory / "stderr"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(self._command, cwd=self._directory, env=environment, stderr=log)
        try:
            assert wait_until(self._ready, START_S), self.errors
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._end()

    @property
    def errors(self) -> str:
        """All of stderr."""
        return self._log.read_text(encoding="utf-8")

    @property
    def env(self) -> dict[str, str]:
        """The variables that clients need."""
        found = re.search(r'export OPENAI_BASE_URL=(\S+) OPENAI_API_KEY="\$\(cat (.*)\)"', self.errors)
        assert found, self.errors
        (key_file,) = shlex.split(found[2])  # quoted where a shell needs it
        return {"OPENAI_BASE_URL": found[1], "OPENAI_API_KEY": Path(key_file).read_text(encoding="utf-8").strip()}

    @property
    def url(self) -> str:
        """Its address."""
        return self.env["OPENAI_BASE_URL"].removesuffix("/v1")

    def client(self) -> httpx.Client:
        """A client with the key, and connections of its own."""
        headers = {"authorization": f"Bearer {self.env['OPENAI_API_KEY']}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=30, trust_env=False)

    def stop(self, by: signal.Signals = signal.SIGTERM) -> None:
        """Ask it to stop; it is waited for by `exit_code`."""
        self.process.send_signal(by)

    def exit_code(self) -> int:
        """How it ended."""
        return self.process.wait(STOP_S)

    def _ready(self) -> bool:
        assert self.process.poll() is None, self.errors
        if "export OPENAI_BASE_URL" not in self.errors:
            return False
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"{self.url}/healthz", trust_env=False).status_code == 200
        return False

    def _end(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
