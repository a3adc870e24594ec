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
from llm7router.state.windows import EMPTY as UNUSED
from llm7router.state.windows import Window

VERSION = 2


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
BUDGET = "budget"  # the key of the user's own money; `budget/NAME` of a caller's
_CALLERS_BUDGET = f"{BUDGET}/"
LOST = "what was spent is not known"  # the reason of the block there, set at the instant when a store was found broken


def is_budget(key: str) -> bool:
    """The cell counts the user's money."""
    return key == BUDGET or key.startswith(_CALLERS_BUDGET)


_HEAD = f'{{"v":{VERSION}'
_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def dumps(cell: Cell) -> str:
    """One line of JSON, put together by hand: it is written twice a call, and an encoder takes three times as long."""
    windows, leases, block, streak, health, latency = cell
    parts = [_HEAD]
    if windows:
        parts += (',"windows":{', ",".join([_window_text(name, windows[name]) for name in windows]), "}")
    if leases:
        parts += (',"leases":', _encode(dict(leases)))
    if block:
        parts += (',"block":', _encode([block.until, block.reason, block.at]))
    if streak:
        parts.append(f',"streak":{streak}')
    if health is not FRESH:
        parts += (',"health":[', ",".join(map(repr, health)), "]")
    if latency is not UNMEASURED:
        parts += (',"latency":[', ",".join(["null" if value is None else repr(value) for value in latency]), "]")
    parts.append("}")
    return "".join(parts)


def _window_text(name: str, window: Window) -> str:
    """Only as much as there is to say: `"requests/minute":[[897728553,1,1,1]]`; see `Closed.text`."""
    closed, key, held, _, pace, pace_at, cap, cap_at, said = window
    newest = f"{key - closed.last},{held}" if key >= 0 else ""
    slices = f"{_encode(name)}:[[{closed.text}{newest}]"
    if cap or said:
        return f"{slices},{pace!r},{pace_at!r},{cap},{cap_at!r},{said}]"
    return f"{slices},{pace!r},{pace_at!r}]" if pace_at else f"{slices}]"


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


def _window(values: list[Any]) -> Window:
    steps, pace, pace_at, cap, cap_at, said = values + [0] * (6 - len(values))
    slices: dict[int, int] = {}
    key = 0
    for step, amount in zip(steps[::2], steps[1::2], strict=True):
        key += _amount(step)
        slices[key] = slices.get(key, 0) + _amount(amount)
    return UNUSED.with_slices(slices)._replace(
        pace=_instant(pace), pace_at=_instant(pace_at), cap=_amount(cap), cap_at=_instant(cap_at), said=_amount(said)
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
