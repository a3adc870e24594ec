"""The store of health and used-up limits: permissions, and a real round trip."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from llm7router.clock import Clock
from llm7router.config.models import StateConfig
from llm7router.errors import ConfigError, StoreError
from llm7router.state.cells import EMPTY
from llm7router.state.store import Store, open_store, state_directory
from llm7router.upkeep.findings import Area, Finding, Level, parted

CELL = "doctor"  # written and read back; it holds nothing


async def store(config: StateConfig, clock: Clock) -> Iterator[Finding]:
    """Whether state can be kept where the configuration says."""
    found: list[Finding] = []
    if config.store == "memory":
        message = "kept in memory, so limits are forgotten when a program ends"
        return iter([Finding(Area.STORE, Level.WARNING, message, "set `state.store` to disk")])
    try:
        opened = open_store(config)
    except ConfigError as error:
        return iter([Finding(Area.STORE, Level.FAULT, *parted(str(error)))])
    try:
        where = await _round_trip(opened, clock)
        place = str(state_directory(config)) if config.store == "disk" else opened.name
        found.append(Finding(Area.STORE, Level.OK, f"{place}: written and read back in {where * 1000:.1f} ms"))
    except StoreError as error:
        found.append(Finding(Area.STORE, Level.FAULT, *parted(str(error))))
    finally:
        opened.close()
    if config.store == "disk":
        found += _permissions(state_directory(config))
    return iter(found)


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
