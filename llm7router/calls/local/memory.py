"""How much memory is left: a model that does not fit would be killed, or would crawl, without a word."""

from __future__ import annotations

import os
from pathlib import Path

from llm7router.calls.local.errors import LocalModelError

_MEMINFO = Path("/proc/meminfo")
_CGROUP_MAX = Path("/sys/fs/cgroup/memory.max")
ADVICE = "use a smaller or more strongly quantised model, lower its context_window, or close other programs"


def check(file: Path) -> None:
    """Raise LocalModelError if the file alone is larger than the memory that is left. Linux only."""
    size, free = file.stat().st_size, available_bytes()
    if free is not None and size > free:
        raise LocalModelError(f"{file}: needs {size / 1e9:.1f} GB of memory, {free / 1e9:.1f} GB are left", ADVICE)


def available_bytes() -> int | None:
    """Bytes that can be had without swapping, no more than the container may use. None if unknown."""
    try:
        lines = _MEMINFO.read_text().splitlines()
        free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError):
        return None
    try:
        return min(free, int(_CGROUP_MAX.read_text()))
    except (OSError, ValueError):  # no container, or "max"
        return free


def usable_bytes() -> int | None:
    """What a model may take: what is available, or half of the machine's memory where that is not told (macOS)."""
    free = available_bytes()
    if free is not None:
        return free
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (AttributeError, OSError, ValueError):  # Windows
        return None
