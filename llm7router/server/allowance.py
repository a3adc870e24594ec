"""OpenAI's `x-ratelimit-*` header fields, for callers whose key has limits of its own."""

from __future__ import annotations

import math
from collections.abc import Iterable

from llm7router.admission import Allowance

UNITS = ("requests", "tokens")


def fields(allowances: Iterable[Allowance]) -> dict[str, str]:
    """Of requests and of tokens the limit of which the least is left."""
    found: dict[str, str] = {}
    for left in sorted(allowances, key=lambda allowance: -allowance.left):
        if left.unit in UNITS:
            found |= {
                f"x-ratelimit-limit-{left.unit}": str(left.most),
                f"x-ratelimit-remaining-{left.unit}": str(left.left),
                f"x-ratelimit-reset-{left.unit}": duration(left.resets_s),
            }
    return found


def duration(seconds: float) -> str:
    """As OpenAI writes it: 20ms, 7s, 6m0s, 1h0m5s."""
    if seconds < 1:
        return f"{math.ceil(seconds * 1000)}ms"
    minutes, s = divmod(math.ceil(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes}m{s}s" if hours else f"{minutes}m{s}s" if minutes else f"{s}s"
