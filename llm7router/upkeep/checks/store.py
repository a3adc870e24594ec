"""The store of health and used-up limits: permissions, and a real round trip."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from llm7router.clock import Clock
from llm7router.config.models import StateConfig
from llm7router.errors import ConfigError, StoreError
from llm7router.state.cells import EMPTY
from llm7router.state.store import Store, open_store, state_directory
from llm7router.upkeep.findings import Area, Finding, Level, parted

CELL = "doctor"  # written and read back; it holds nothing


async def store(config: StateConfig, clock: Clock) -> list[Finding]:
    """Whether state can be kept where the configuration says."""
    if config.store == "memory":
        message = "kept in memory, so limits are forgotten when a program ends"
        return [Finding(Area.STORE, Level.WARNING, message, "set `state.store` to disk")]
    directory = state_directory(config) if config.store == "disk" else None
    try:
        opened = open_store(config)
        try:
            took_ms = await _round_trip(opened, clock) * 1000
        finally:
            opened.close()
    except (ConfigError, StoreError) as error:
        found = [Finding(Area.STORE, Level.FAULT, *parted(str(error)))]
    else:
        place = str(directory or opened.name)
        found = [Finding(Area.STORE, Level.OK, f"{place}: written and read back in {took_ms:.1f} ms")]
    return found if directory is None else [*found, *_permissions(directory)]


async def _round_trip(opened: Store, clock: Clock) -> float:
    """Seconds that it takes to write a cell and read it back.

    A broken database is a StoreError of the first reading, and so nothing is set aside by looking at it.
    """
    opened.read_now()
    began = clock.monotonic()
    await opened.mutate((CELL,), lambda cells: (None, {CELL: EMPTY}))
    if CELL not in await opened.read():
        raise StoreError("what was written is not there when it is read; look at the disk, or at Redis' memory policy")
    return clock.monotonic() - began


def _permissions(directory: Path) -> list[Finding]:
    if os.name != "posix" or not directory.is_dir():
        return []
    mode = stat.S_IMODE(directory.stat().st_mode)
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        message = f"{directory}: others may look into it (mode {mode:o})"
        return [Finding(Area.STORE, Level.WARNING, message, f"chmod 700 {directory}")]
    return []
