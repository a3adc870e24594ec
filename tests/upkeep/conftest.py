"""A machine on its first day, and vendors on loopback."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.upkeep.vendors import vendors
from tests.upstream import Upstream


@pytest.fixture
def up() -> Iterator[Upstream]:
    """Vendors whose lists say what the stand-in router.yaml says."""
    with vendors() as running:
        yield running


@pytest.fixture
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No keys, no user files."""
    for name in list(os.environ):
        if name.endswith(("_API_KEY", "_ACCOUNT_ID", "_TOKEN")) or name.startswith("LLM7ROUTER_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
