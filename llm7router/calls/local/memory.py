"""How much memory is left: a model that does not fit would be killed, or would crawl, without a word."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from llm7router.calls.local.errors import LocalModelError

_MEMINFO = Path("/proc/meminfo")
_CGROUPS = Path("/sys/fs/cgroup")
# Where versions 2 and 1 of them tell the limit and the use, and which rows of memory.stat are pages of files.
_VERSIONS = (
    ("memory.max", "memory.current", "memory.stat", ("active_file", "inactive_file")),
    (
        "memory/memory.limit_in_bytes",
        "memory/memory.usage_in_bytes",
        "memory/memory.stat",
        ("total_active_file", "total_inactive_file"),
    ),
)
ADVICE = "use a smaller or more strongly quantised model, lower its context_window, or close other programs"


def check(file: Path) -> None:
    """Raise LocalModelError if the file alone is larger than the memory that is left. Linux only."""
    size, free = file.stat().st_size, available_bytes()
    if free is not None and size > free:
        raise LocalModelError(f"{file}: needs {size / 1e9:.1f} GB of memory, {free / 1e9:.1f} GB are left", ADVICE)


def available_bytes() -> int | None:
    """Bytes that can be had without swapping, no more than the container has left. None if unknown."""
    try:
        lines = _MEMINFO.read_text().splitlines()
        free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError):
        return None
    return min([free, *_left_in_container()])


def _left_in_container() -> Iterator[int]:
    """What is left of the container's limit, if it has one."""
    for limit, use, stat, files in _VERSIONS:
        with contextlib.suppress(OSError, ValueError):  # no container, or "max"
            most = int((_CGROUPS / limit).read_text())
            yield max(0, most - _used(_CGROUPS / use, _CGROUPS / stat, files))


def _used(use: Path, stat: Path, files: tuple[str, ...]) -> int:
    """Without pages of files, which the system takes back when memory is wanted; 0 if that is not told."""
    try:
        rows = (line.split() for line in stat.read_text().splitlines())
        return int(use.read_text()) - sum(int(row[1]) for row in rows if row[0] in files)
    except (OSError, ValueError, IndexError):
        return 0


def usable_bytes() -> int | None:
    """What a model may take: what is available, or half of the machine's memory where that is not told (macOS)."""
    free = available_bytes()
    if free is not None:
        return free
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (AttributeError, OSError, ValueError):  # Windows
        return None
