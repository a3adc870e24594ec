"""What is kept of requests: sums of an hour, for each model, task and caller. No prompt, no answer. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

HOUR_S = 3600


class Key(NamedTuple):
    """Whose usage. Names are as in router.yaml; provider and model are empty when nobody could be asked."""

    hour: int  # its begin in epoch seconds
    provider: str
    model: str
    task: str  # of embeddings: "embeddings"
    caller: str  # empty: did not give a name


@dataclass(slots=True)
class Usage:
    """Sums. A request counts where it ended: at who answered, else at who was tried last.

    A call counts where it was made, so one that failed is a failure of its provider though another answered. An answer
    from the cache is a request and nothing else: no call was made and no token used.
    """

    requests: int = 0
    answered: int = 0
    cached: int = 0  # of those answered
    cancelled: int = 0  # the caller left
    calls: int = 0
    failures: int = 0  # of calls; not those whose caller left
    tokens_input: int = 0  # of answers, as providers count them, or estimated
    tokens_output: int = 0
    cost_usd: float = 0.0  # a failed call with the most that it may have cost
    latency: dict[int, int] = field(default_factory=dict)  # of calls that answered: counts by `sketch.bucket`

    def add(self, other: Usage) -> None:
        """Both together."""
        for name in SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for place, count in other.latency.items():
            self.latency[place] = self.latency.get(place, 0) + count


SUMS = ("requests", "answered", "cached", "cancelled", "calls", "failures", "tokens_input", "tokens_output", "cost_usd")
