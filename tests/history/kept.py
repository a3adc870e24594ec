"""What tests of the history share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from llm7router.config.history_models import HistoryConfig
from llm7router.history import History, Key, Usage
from llm7router.history.database import SqliteHistory
from llm7router.history.memory import MemoryHistory
from llm7router.state.store.disk import DiskStore
from llm7router.testing import START_AT, Script, VirtualClock
from tests.router.scene import Scene

HOUR = int(START_AT)  # a full hour, at which scenes begin
A, B = Key(HOUR, "a", "m", "chat", "ann"), Key(HOUR, "b", "m", "chat", "ann")


def listening(
    providers: dict[str, Any], scripts: Mapping[str, Script] | None = None, **keys: Any
) -> tuple[Scene, MemoryHistory]:
    """A scene over a memory store, and where its usage is kept when it is flushed."""
    scene = Scene(providers, dict(scripts or {}), **keys)
    assert scene.router.history
    kept = scene.router.history._store
    assert isinstance(kept, MemoryHistory)
    return scene, kept


def on_disk(directory: Path, providers: dict[str, Any], scripts: Mapping[str, Script] | None = None) -> Scene:
    """A scene whose state and usage are in a directory."""
    return Scene(providers, dict(scripts or {}), store=DiskStore(directory))


def flushed(scene: Scene) -> dict[Key, Usage]:
    """Everything that is kept of a scene."""
    assert scene.router.history
    scene.router.history.flush()
    return scene.router.history._store.read(0)


def rows(directory: Path) -> dict[Key, Usage]:
    """Everything that is kept in a directory."""
    return SqliteHistory(directory).read(0)


def history(directory: Path, days: int = 90) -> History:
    """A hook over a directory that writes only when it is told to."""
    return History(SqliteHistory(directory), HistoryConfig(days=days), VirtualClock(), flush_s=3600)
