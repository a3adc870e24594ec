"""A cell: everything kept under one key of the store, immutable, with its JSON form.

There is one for each deployment, each pool, each provider and the budget, so that a reservation touches two to
four of them and a store needs nothing but an atomic read-modify-write over a few keys.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from llm7router.state.health import FRESH, Health
from llm7router.state.latency import UNMEASURED, Latency
from llm7router.state.windows import Window

VERSION = 1


class Block(NamedTuple):
    """Not to be used until `until`, for `reason` ("rate limited", "key rejected"); set at `at`. Epoch seconds."""

    until: float
    reason: str
    at: float = 0.0


class Cell(NamedTuple):
    """State under one key. `streak` counts 429s in a row that named no wait."""

    windows: Mapping[str, Window] = MappingProxyType({})  # by limit name
    leases: Mapping[str, float] = MappingProxyType({})  # reservation id -> when it expires, for `concurrent`
    block: Block | None = None
    streak: int = 0
    health: Health = FRESH
    latency: Latency = UNMEASURED


EMPTY = Cell()
_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def dumps(cell: Cell) -> str:
    """One line of JSON."""
    data: dict[str, Any] = {"v": VERSION}
    if cell.windows:
        data["windows"] = {name: _window_data(window) for name, window in cell.windows.items()}
    if cell.leases:
        data["leases"] = dict(cell.leases)
    if cell.block:
        data["block"] = [cell.block.until, cell.block.reason, cell.block.at]
    if cell.streak:
        data["streak"] = cell.streak
    if cell.health is not FRESH:
        data["health"] = list(cell.health)
    if cell.latency is not UNMEASURED:
        data["latency"] = list(cell.latency)
    return _encode(data)


MOST = 10**15  # a state file is as hostile as whoever can write it


def _instant(value: Any) -> float:
    """A number of 0 or more that arithmetic can stand."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MOST:
        raise ValueError("a number out of range")
    return float(value)


def _amount(value: Any) -> int:
    """A whole number of 0 or more that arithmetic can stand."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST:
        raise ValueError("an amount out of range")
    return value


def _window_data(window: Window) -> list[Any]:
    learned = [window.pace, window.pace_at, window.cap, window.cap_at, window.said]
    return [list(window.slices), list(window.slices.values()), *learned]  # flat lists are quicker than pairs


def _window(values: list[Any]) -> Window:
    keys, amounts, pace, pace_at, cap, cap_at, said = values
    slices = dict(zip(map(_amount, keys), map(_amount, amounts), strict=True))
    return Window(
        slices, sum(slices.values()), _instant(pace), _instant(pace_at), _amount(cap), _instant(cap_at), _amount(said)
    )


def _health(values: list[Any]) -> Health:
    successes, failures, at, in_a_row, trips, tripped_at, open_until, probe_until = values
    return Health(
        _instant(successes), _instant(failures), _instant(at), _amount(in_a_row), _amount(trips),
        _instant(tripped_at), _instant(open_until), _instant(probe_until),
    )  # fmt: skip


def _latency(values: list[Any]) -> Latency:
    first, per_token, at = values
    return Latency(
        None if first is None else _instant(first), None if per_token is None else _instant(per_token), _instant(at)
    )


def loads(text: str) -> Cell:
    """The cell of a JSON text.

    Raises:
        ValueError: the text is not a cell of this version.
    """
    try:
        data = json.loads(text)
        if data["v"] != VERSION:
            raise ValueError(f"cell version {data['v']!r}, not {VERSION}")
        windows = {str(name): _window(value) for name, value in data.get("windows", {}).items()}
        block = data.get("block")
        return Cell(
            windows=windows,
            leases={str(k): _instant(v) for k, v in data.get("leases", {}).items()},
            block=Block(_instant(block[0]), str(block[1]), _instant(block[2])) if block else None,
            streak=_amount(data.get("streak", 0)),
            health=_health(data["health"]) if "health" in data else FRESH,
            latency=_latency(data["latency"]) if "latency" in data else UNMEASURED,
        )
    except (KeyError, TypeError, AttributeError, IndexError, RecursionError, OverflowError) as error:
        raise ValueError(f"not a cell: {type(error).__name__}") from None
