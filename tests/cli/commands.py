"""Commands on a machine on its first day, in this process or in one of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from llm7router.cli import main


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No keys, no user files: a machine on its first day."""
    for name in list(os.environ):
        if name.endswith(("_API_KEY", "_ACCOUNT_ID", "_TOKEN")) or name.startswith("LLM7ROUTER_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)


def run(*arguments: str, input: str | None = None) -> Result:
    """The command in this process."""
    return CliRunner().invoke(main, arguments, input=input)


def typed(
    *arguments: str, env: dict[str, str] | None = None, input: str | None = None
) -> subprocess.CompletedProcess[str]:
    """The command in its own process, for what starts an event loop."""
    command = [sys.executable, "-m", "llm7router", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **(env or {})}, input=input, timeout=90
    )
