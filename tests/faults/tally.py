"""What a run counted: figures to print, and violations, each under the name of an invariant."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Tally:
    """Counts by name. A violation is a sentence; the first few are kept, all are counted."""

    counts: Counter[str] = field(default_factory=Counter)
    violations: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._hash = hashlib.sha256()

    def count(self, name: str, by: int = 1) -> None:
        """Something happened."""
        self.counts[name] += by

    def violate(self, invariant: str, example: str) -> None:
        """Something happened that must not."""
        self.violations[invariant] += 1
        kept = self.examples.setdefault(invariant, [])
        if len(kept) < 3:
            kept.append(example)

    def trace(self, *event: object) -> None:
        """Add an event to the trace hash."""
        self._hash.update(repr(event).encode())

    @property
    def hash(self) -> str:
        """Of every event so far."""
        return self._hash.hexdigest()

    def add(self, other: Tally) -> None:
        """Take over the figures of another run."""
        self.counts += other.counts
        self.violations += other.violations
        for invariant, found in other.examples.items():
            self.examples.setdefault(invariant, []).extend(found[: 3 - len(self.examples.get(invariant, []))])

    def must_hold(self, *invariants: str) -> None:
        """Raise AssertionError with examples if one of the invariants was violated."""
        bad = {name: (self.violations[name], self.examples[name]) for name in invariants if self.violations[name]}
        assert not bad, f"violated: {bad}"

    def line(self, *names: str) -> str:
        """`requests 1000, calls 800`."""
        return ", ".join(f"{name} {self.counts[name]}" for name in names)
