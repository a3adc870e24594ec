"""State after the wall clock was moved. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from llm7router.state.cells import Cell
from llm7router.state.windows import Window, key_at
from llm7router.types import Limit

JUMP_S = 0.9  # the windows' guard covers a clock that is off by less


class Lead:
    """Of the wall clock over the monotonic one, when last looked at: it tells when the wall clock was moved."""

    def __init__(self) -> None:
        self._s: float | None = None

    def moved_s(self, wall: float, monotonic: float) -> float | None:
        """Seconds by which the wall clock was moved since last time; 0 at the start, None if it was not."""
        lead = wall - monotonic
        if self._s is not None and -JUMP_S < lead - self._s < JUMP_S:
            return None  # small steps add up until they count
        moved_s = lead - self._s if self._s is not None else 0.0
        self._s = lead
        return moved_s


def after_clock_change(
    cells: Mapping[str, Cell], limits: Iterable[Limit], jump_s: float, now: float
) -> dict[str, Cell]:
    """The cells as they must read after the wall clock moved by `jump_s` seconds to `now`; only the changed ones.

    Ahead: what was used moves along, since no time has passed. Back: use that lies in the future moves to now. Leases
    move along both ways.
    """
    changed: dict[str, Cell] = {}
    for limit in limits:
        cell = changed.get(limit.cell) or cells.get(limit.cell)
        if cell is not None and limit.concurrent and cell.leases and jump_s:
            leases = {id: until + jump_s if until > now - jump_s else until for id, until in cell.leases.items()}
            changed[limit.cell] = cell._replace(leases=leases)
            continue
        window = cell.windows.get(limit.name) if cell else None
        if cell is None or window is None:
            continue
        moved = shifted(window, limit, jump_s, now - jump_s) if jump_s > 0 else window
        moved = without_future(moved, limit, now)
        if moved is not window:
            changed[limit.cell] = cell._replace(windows={**cell.windows, limit.name: moved})
    return changed


def without_future(window: Window, limit: Limit, now: float) -> Window:
    """The window with what lies in the future, by a clock that was ahead, moved to now."""
    current = key_at(limit, now)
    if window.key <= current + 1:
        return window
    slices: dict[int, int] = {}
    for key, held in window.slices.items():
        slices[min(key, current)] = slices.get(min(key, current), 0) + held
    moved = window.with_slices(slices)
    return moved._replace(pace_at=min(window.pace_at, now), cap_at=min(window.cap_at, now))


def shifted(window: Window, limit: Limit, jump_s: float, before: float) -> Window:
    """The window after the wall clock jumped ahead from `before` by `jump_s` seconds: no time has passed, so what was
    used until then is moved along. Calendar windows go by the wall clock and stay."""
    if limit.tz is not None or window.key < 0:
        return window
    # Rounded up: what is moved too far is only held a little longer.
    steps, last = math.ceil(jump_s / limit.shape.slice_s), key_at(limit, before)
    newest = key_at(limit, before + jump_s)
    slices: dict[int, int] = {}
    for key, held in window.slices.items():
        moved = min(key + steps, newest) if key <= last else key
        slices[moved] = slices.get(moved, 0) + held
    return window.with_slices(dict(sorted(slices.items())))
