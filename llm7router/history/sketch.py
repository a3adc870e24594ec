"""Quantiles of durations from counts in fixed buckets. Pure.

The bounds never change, so counts of different hours and processes can be added up: 24 buckets to a factor of ten, from
1 ms to 1,000 s. A duration between those reads at most `ERROR` too long or too short; one outside reads as the nearer
end. As text, which is how a row of the database keeps it, it is `bucket:count` in order, as in `37:4 41:1`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

Counts = Mapping[int, int]  # by bucket

PER_DECADE = 24
LEAST_S, MOST_S = 1e-3, 1e3
LAST = PER_DECADE * round(math.log10(MOST_S / LEAST_S)) - 1
ERROR = 10 ** (0.5 / PER_DECADE) - 1  # 0.0492: from the middle of a bucket to its lower bound
_PAIR = re.compile(r"(\d{1,3}):(\d{1,15})")


def bucket(seconds: float) -> int:
    """Where a duration is counted."""
    if seconds <= LEAST_S:
        return 0
    return LAST if seconds >= MOST_S else min(LAST, int(math.log10(seconds / LEAST_S) * PER_DECADE))


def quantile(counts: Counts, share: float) -> float | None:
    """The duration in seconds that this share (0..1) of them does not exceed, by nearest rank; None without any."""
    total = sum(counts.values())
    rank, seen = max(1, math.ceil(share * total)), 0
    for place in sorted(counts):
        seen += counts[place]
        if seen >= rank:
            return float(LEAST_S * 10 ** ((min(place, LAST) + 0.5) / PER_DECADE))
    return None


def merged(one: Counts, other: Counts) -> dict[int, int]:
    """The counts of both."""
    return {place: one.get(place, 0) + other.get(place, 0) for place in one.keys() | other.keys()}


def dumps(counts: Counts) -> str:
    """As text."""
    return " ".join(f"{place}:{counts[place]}" for place in sorted(counts))


def loads(text: str) -> dict[int, int]:
    """From text; what is no pair of numbers is passed over."""
    return {int(place): int(count) for place, count in _PAIR.findall(text)}
