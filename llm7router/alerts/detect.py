"""What there is to tell after a request. Pure: what was told before is a part of the state that is looked at.

It is a cell of the store: the leases in it are alerts, each held until it may be told again. So what one process told
no other one tells again, and no restart does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from llm7router.alerts.alert import Alert, Kind
from llm7router.decision.demand import MICRO, is_budget
from llm7router.decision.explain import duration
from llm7router.decision.failures import POLICIES
from llm7router.state import health, periods, quota, refusals, windows
from llm7router.state.cells import EMPTY, Cell
from llm7router.types import Deployment, Failure, Limit, Period, Snapshot, Unit

ALERTS = "alerts"  # the cell
HELD_S = 30 * 86400.0  # what has no window of its own is told again after so long, if it lasts
LONG_S = 60.0  # a hosted deployment that is free again sooner is not down
_LONG = (Period.DAY, Period.MONTH)
DOWN = "down"


class Found(NamedTuple):
    """An alert, unless the first of `keys` is held already. All of them are held until `until` from then on."""

    keys: tuple[str, ...]
    until: float
    alert: Alert


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of one request: what was tried, who answered, and what else has limits (the caller)."""

    tried: Sequence[tuple[Deployment, Failure | None]] = ()
    callers: Sequence[Deployment] = ()

    @property
    def answered(self) -> Deployment | None:
        """Who answered, if anybody did."""
        return self.tried[-1][0] if self.tried and self.tried[-1][1] is None else None


def detect(seen: Seen, snapshot: Snapshot, shares: Sequence[float]) -> tuple[list[Found], list[str]]:
    """What to tell, and the keys of what is over and will be told when it happens again."""
    cell = snapshot.cells.get(ALERTS, EMPTY)
    found = [*_shares(seen, snapshot, shares), *_failures(seen, snapshot)]
    return [each for each in found if not held(cell.leases, each, snapshot.now)], list(_over(seen, snapshot, cell))


def held(leases: Mapping[str, float], found: Found, now: float) -> bool:
    """It was told, and may not be told again yet. What is held for longer than from now was told by a clock ahead."""
    return now < leases.get(found.keys[0], 0.0) <= found.until + 1


def claim(
    leases: Mapping[str, float], found: Iterable[Found], over: Collection[str], now: float
) -> tuple[list[Alert], dict[str, float]]:
    """The alerts that nobody told yet, and what is held from now on."""
    kept = {key: until for key, until in leases.items() if until > now and key not in over}
    told: list[Alert] = []
    for each in found:
        if not held(kept, each, now):
            told.append(each.alert)
            kept |= dict.fromkeys(each.keys, each.until)
    return told, kept


def _shares(seen: Seen, snapshot: Snapshot, shares: Sequence[float]) -> Iterator[Found]:
    """The highest share that each budget and each long limit has reached."""
    now = snapshot.now
    holders = (*seen.callers, *(d for d, _ in seen.tried))
    limits = [(one, limit) for one in holders for limit in one.limits if limit.period in _LONG]
    for d, limit in [(one, limit) for one, limit in limits if not limit.counts_only]:
        window = snapshot.cells.get(limit.cell, EMPTY).windows.get(limit.name)
        if window is None:
            continue
        used, top = windows.used(window, limit, now), windows.most(window, limit, now)
        reached = sorted((share for share in shares if used >= share * top), reverse=True) if top else []
        if reached:
            # With the limit's size, so that shares of one that was raised meanwhile are told, too.
            keys = tuple(f"share {limit.cell} {limit.name} {limit.max} {share:g}" for share in reached)
            yield Found(keys, _until(limit, now), _share(limit, d, reached[0], used, top, now))


def _until(limit: Limit, now: float) -> float:
    """When the window that counts now is over; a rolling one a whole length from now."""
    if limit.tz is None:
        return now + limit.shape.span_s
    assert limit.period is not None
    guard_s = windows.CALENDAR_GUARD_S
    return periods.bounds(limit.period, limit.tz, now - guard_s)[1] + guard_s


def _share(limit: Limit, d: Deployment, share: float, used: int, top: int, now: float) -> Alert:
    scale = MICRO if limit.unit is Unit.USD else 1
    subject = "budget" if is_budget(limit) else d.provider if limit.shared else d.id
    what = limit.name if is_budget(limit) else f"{subject}: {limit.name}"
    unit = "USD" if limit.unit is Unit.USD else limit.unit.value
    free = f", over in {duration(_until(limit, now) - now)}" if limit.tz else ""
    text = f"{what}: {used / top:.0%} used, {used / scale:g} of {top / scale:g} {unit}{free}"
    return Alert(Kind.SHARE, subject, text, now, limit.name, share, used / scale, top / scale)


def _failures(seen: Seen, snapshot: Snapshot) -> Iterator[Found]:
    now, until = snapshot.now, snapshot.now + HELD_S
    for d, failure in seen.tried:
        state = snapshot.cells.get(d.cell, EMPTY).health
        if failure and POLICIES[failure].health and state.open_until:
            again = duration(health.available_at(state, now) - now)
            alert = Alert(Kind.BREAKER, d.id, f"{d.id}: breaker open after {failure}; probe in {again}", now)
            yield Found((_breaker(d),), until, alert)
        if failure is Failure.KEY_REJECTED:
            advice = f"; correct {d.key_name}" if d.key_name else ""
            alert = Alert(Kind.KEY, d.provider, f"{d.provider}: the key was rejected{advice}", now)
            yield Found((_key(d),), until, alert)
    answered = seen.answered
    if answered is None or answered.local:
        remotes = [d for d in snapshot.deployments if _could(d)]
        if remotes and all(_down(d, snapshot) for d in remotes):
            count = f"{len(remotes)} hosted deployment{'s' * (len(remotes) != 1)}"
            instead = f"{answered.id} answers" if answered else "a request had no answer"
            yield Found((DOWN,), until, Alert(Kind.DOWN, "all", f"none of {count} can be used; {instead}", now))


def _could(d: Deployment) -> bool:
    """A hosted deployment that the configuration lets be used."""
    return not d.local and d.off is None and not any(is_budget(limit) and not limit.max for limit in d.limits)


def _down(d: Deployment, snapshot: Snapshot) -> bool:
    """Behind a breaker that no probe has closed, or kept away by a block or a limit for a while."""
    cells, now = snapshot.cells, snapshot.now
    if cells.get(d.cell, EMPTY).health.open_until:
        return True
    one_each = tuple(quota.Charge(limit, 1) for limit in d.limits)
    found = (refusals.find_block(cells, d, now), refusals.find_refusal(cells, one_each, now))
    return any(refusal is not None and refusal.free_at - now >= LONG_S for refusal in found)


def _over(seen: Seen, snapshot: Snapshot, cell: Cell) -> Iterator[str]:
    """Keys of what an answer has ended."""
    answered = seen.answered
    if not cell.leases or answered is None or answered.local:
        return
    yield from (key for key in (DOWN, _key(answered)) if key in cell.leases)
    if _breaker(answered) in cell.leases and not snapshot.cells.get(answered.cell, EMPTY).health.open_until:
        yield _breaker(answered)


def _breaker(d: Deployment) -> str:
    return f"breaker {d.cell}"


def _key(d: Deployment) -> str:
    return f"key {d.provider_cell}"
