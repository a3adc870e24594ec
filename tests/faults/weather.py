"""What goes wrong, when: spells of trouble for every provider, drawn from one seed before anything happens."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from llm7router.types import Failure


class Spell(NamedTuple):
    """From `start` to `end` (seconds), a call fails as `failure` with probability `share`, hinting a wait or not."""

    start: float
    end: float
    failure: Failure
    share: float
    retry_after_s: float | None = None


class Fate(NamedTuple):
    """What becomes of one call: a failure or none, after `delay_s` (infinite: no answer at all)."""

    failure: Failure | None
    delay_s: float
    retry_after_s: float | None = None


# How often each trouble comes: outages of many kinds, storms of 429s, and what a caller or a key causes.
TROUBLES: Mapping[Failure, int] = {
    Failure.UNREACHABLE: 3,
    Failure.OVERLOADED: 3,
    Failure.SERVER_ERROR: 3,
    Failure.TIMEOUT: 2,
    Failure.BAD_ANSWER: 2,
    Failure.RATE_LIMITED: 4,
    Failure.QUOTA_GONE: 1,
    Failure.KEY_REJECTED: 1,
    Failure.MODEL_GONE: 1,
    Failure.NO_CREDIT: 1,
    Failure.UNSUPPORTED: 1,
}
# Turned away at the door: nothing is generated, so tokens do not count.
AT_THE_DOOR = frozenset(
    {
        Failure.UNREACHABLE,
        Failure.RATE_LIMITED,
        Failure.QUOTA_GONE,
        Failure.KEY_REJECTED,
        Failure.MODEL_GONE,
        Failure.NO_CREDIT,
        Failure.UNSUPPORTED,
        Failure.REQUEST_REJECTED,
    }
)
BACKGROUND = 0.01  # share of calls that fail on the best of days
ODD_REQUESTS = 0.002  # share of calls that the provider rejects as malformed


class Weather:
    """The spells of every provider. `mtbf_s` between troubles on average, `mean_s` their mean length."""

    def __init__(
        self,
        seed: int,
        providers: Iterable[str],
        length_s: float,
        *,
        mtbf_s: float = 6 * 3600,
        mean_s: float = 600,
        troubles: Mapping[Failure, int] = TROUBLES,
        background: float = BACKGROUND,
    ) -> None:
        self._background = background
        self.spells: dict[str, list[Spell]] = {}
        for name in providers:
            rng = random.Random(f"weather {seed} {name}")
            at, found = rng.expovariate(1 / mtbf_s), []
            while at < length_s:
                failure = rng.choices(list(troubles), list(troubles.values()))[0]
                end = at + rng.expovariate(1 / mean_s)
                share = 0.5 if rng.random() < 1 / 3 else 1.0
                hint = rng.choice((None, 1.0, 30.0, 300.0)) if failure is Failure.RATE_LIMITED else None
                found.append(Spell(at, end, failure, share, hint))
                at = end + rng.expovariate(1 / mtbf_s)
            self.spells[name] = found
        self._starts = {name: [spell.start for spell in found] for name, found in self.spells.items()}

    def spell(self, provider: str, at: float) -> Spell | None:
        """The trouble that the provider is in."""
        index = bisect_right(self._starts[provider], at) - 1
        if index < 0:
            return None
        spell = self.spells[provider][index]
        return spell if at < spell.end else None

    def fine(self, provider: str, since: float, until: float) -> bool:
        """No trouble in between."""
        return all(spell.end <= since or spell.start > until for spell in self.spells[provider])

    def fate(self, provider: str, at: float, rng: random.Random) -> Fate:
        """What becomes of a call that arrives at `at`."""
        spell = self.spell(provider, at)
        quick = 0.02 + rng.random() * 0.2
        if spell is not None and rng.random() < spell.share:
            slow = spell.failure is Failure.TIMEOUT
            return Fate(spell.failure, float("inf") if slow else quick, spell.retry_after_s)
        draw = rng.random()
        if draw < self._background:
            return Fate(rng.choice((Failure.SERVER_ERROR, Failure.OVERLOADED, Failure.BAD_ANSWER)), quick)
        if self._background and draw < self._background + ODD_REQUESTS:
            return Fate(Failure.REQUEST_REJECTED, quick)
        return Fate(None, 0.1 + rng.expovariate(1 / 1.5))
