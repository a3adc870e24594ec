"""Usage since it was last written down, in bounded memory. Pure, and not safe for threads by itself."""

from __future__ import annotations

from collections.abc import Mapping

from llm7router.events import CANCELLED, OK, RequestEvent
from llm7router.history import sketch
from llm7router.history.usage import HOUR_S, Key, Usage
from llm7router.hooks import facts
from llm7router.types import Failure, Operation

MOST = 5000  # rows that wait, a few megabytes; only a disk that cannot be written for hours lets them become so many
MOST_OF_AN_HOUR = 500  # rows of one process; then callers are no longer told apart
OTHERS = "(others)"
LONGEST = 100  # characters of a caller's name


class Tally:
    """Rows of usage. `lost` counts requests and calls for which there was no room."""

    def __init__(self, most: int = MOST, most_of_an_hour: int = MOST_OF_AN_HOUR) -> None:
        self._most, self._most_of_an_hour = most, most_of_an_hour
        self._rows: dict[Key, Usage] = {}
        self._hour = 0
        self._known: set[Key] = set()  # of that hour
        self.lost = 0

    def add(self, event: RequestEvent) -> None:
        """Count a request that has ended."""
        request, result = event.request, event.result
        hour = int(event.at // HOUR_S) * HOUR_S
        task = request.task.value if request.operation is Operation.CHAT else request.operation.value
        caller = request.caller or ""
        cached = bool(getattr(result, "cached", False))
        if not cached:
            for attempt in event.attempts:
                if attempt.failure is Failure.REFUSED:  # by our own limits: no call was made
                    continue
                usage = self._of(Key(hour, *facts.provider_and_model(attempt.deployment), task, caller))
                usage.calls += 1
                usage.cost_usd += max(0.0, facts.usd_of(event, attempt))
                if attempt.ok:
                    place = sketch.bucket(attempt.duration_s)
                    usage.latency[place] = usage.latency.get(place, 0) + 1
                elif attempt.failure is not Failure.CANCELLED:
                    usage.failures += 1
        ended_at = (result.provider, result.model) if result else facts.provider_and_model(event.deployment or "")
        usage = self._of(Key(hour, *ended_at, task, caller))
        usage.requests += 1
        usage.answered += event.outcome == OK
        usage.cached += cached
        usage.cancelled += event.outcome == CANCELLED
        if result is not None and not cached:
            usage.tokens_input += result.tokens_input
            usage.tokens_output += result.tokens_output

    def take(self) -> dict[Key, Usage]:
        """What there is; it is no longer here."""
        rows, self._rows = self._rows, {}
        return rows

    def put_back(self, rows: Mapping[Key, Usage]) -> None:
        """Keep rows that could not be written."""
        for key, usage in rows.items():
            self._of(key).add(usage)

    def _of(self, key: Key) -> Usage:
        found = self._rows.get(key)
        return self._new(key) if found is None else found

    def _new(self, key: Key) -> Usage:
        # A lone surrogate cannot be written as UTF-8.
        key = key._replace(caller=key.caller[:LONGEST].encode("utf-8", "replace").decode())
        if key.hour > self._hour:
            self._hour, self._known = key.hour, set()
        if key not in self._known:
            if len(self._known) >= self._most_of_an_hour:
                key = key._replace(caller=OTHERS)
            self._known.add(key)
        if key not in self._rows and len(self._rows) >= self._most:
            self.lost += 1
            return Usage()
        return self._rows.setdefault(key, Usage())
