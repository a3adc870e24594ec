"""Cells in one Redis hash: shared by the processes of several machines.

The arithmetic of windows, health and latency stays in one place, Python: the same arithmetic in Lua would be a
second program to keep equal to the first, and the simulations would not test it. So Redis only compares and swaps.
This process keeps the cells that it saw last with their versions, makes the change on those, and one script writes
the result if nobody else wrote in between; otherwise it returns what is there now and the change is made again on
that. While nobody interferes, a reservation is one round trip and a settlement is one. A refusal is compared in the
same way before it is returned, so it is never made on outdated cells. Of many processes that write the same cells at
once, one that was overtaken is let go first, so none starves.

The server's clock is everybody's: machines need not agree on the time.
"""

from __future__ import annotations

import hashlib
import logging
import random
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

from llm7router.errors import StoreError
from llm7router.state.cells import Cell, dumps, is_budget
from llm7router.state.store import redis_client
from llm7router.state.store.base import Change, T
from llm7router.state.store.lost_budgets import LostBudgets
from llm7router.state.store.one_thread import R
from llm7router.state.store.redis_scripts import READ, SWAP, Held, cells_of, held, swap_arguments
from llm7router.state.store.server_clock import ServerClock
from llm7router.state.store.threaded import ThreadedStore

log = logging.getLogger("llm7router")

BUSY_S = 0.25  # most that is waited for others who write the same cells
PAUSE_S = 0.003  # longest pause while another has the turn; drawn, so that waiting processes do not march in step
TURN_S, TURN_MAX_S = 0.02, 0.1  # for how long a write that was overtaken is let go first, and with slow connections
UNSEEN = "-"  # a `seq` that no server has: everything is transferred


class RedisStore(ThreadedStore):
    """Cells in the Redis at `address`: redis://, rediss:// or unix://, `?name=` tells routers apart.

    Raises:
        ConfigError: redis-py is not installed, or the address has no such shape.
    """

    name = "redis"

    def __init__(self, address: str) -> None:
        self._address = redis_client.parse(address)
        super().__init__(self._address.where)
        self._connection = redis_client.connection(self._address)
        self._errors = redis_client.errors()
        self._sha = {script: hashlib.sha1(script.encode()).hexdigest() for script in (READ, SWAP)}  # noqa: S324 - its name
        self._clock = ServerClock()
        self._round_trip_s = 0.0
        self._warned = False
        self._seen: dict[str, Held] = {}
        self._seq = UNSEEN  # of the last read, and of own writes right after it
        self._lost = LostBudgets()

    def now(self) -> float | None:
        """The server's clock; None before its first reply."""
        return self._clock.now()

    def _guarded(self, work: Callable[[], R]) -> R:
        try:
            return work()
        except self._errors as error:
            self._connection.disconnect()
            raise redis_client.explain(error, self._address) from None

    def read_now(self) -> dict[str, Cell]:
        """Every cell, for a dry run: what is to be written because budgets were lost is only shown."""
        return self._wait(self._submit(self._look))

    def _look(self) -> dict[str, Cell]:
        _, seq, _, everything = self._run_script(READ, [self._seq])
        if everything:
            found, born = cells_of(everything[0], self.where)
            self._lost.compare(self._seen, found, born)
            self._seen, self._seq = found, seq
            self._warn_of_unreadable()
        readable = {key: seen.cell for key, seen in self._seen.items() if seen.cell is not None}
        return {**readable, **self._lost.written_back(self._seen, self.now() or 0.0)}

    def _read(self) -> dict[str, Cell]:
        cells = self._look()
        if self._lost:
            self._mutate((), lambda _: (None, {}))
        return cells

    def _mutate(self, keys: tuple[str, ...], change: Change[T]) -> tuple[T, Mapping[str, Cell]]:
        name, deadline = secrets.token_urlsafe(6), time.monotonic() + BUSY_S
        while True:
            if self._lost:
                outcome = self._write_back()
            else:
                seen = [(key, self._seen[key].cell) for key in keys if key in self._seen]
                result, written = change({key: cell for key, cell in seen if cell is not None})
                outcome = self._swap(name, tuple(dict.fromkeys((*keys, *written))), written)
                if outcome in ("done", "again"):
                    return result, written
            if time.monotonic() > deadline:
                raise StoreError(f"{self.where}: others wrote in between for over {BUSY_S} s; there are too many")
            if outcome == "wait":
                time.sleep(random.random() * PAUSE_S)  # noqa: S311 - no secret

    def _write_back(self) -> str:
        """Block what may still be spent of budgets that were lost, before anything else is written."""
        written = self._lost.written_back(self._seen, self.now() or 0.0)
        outcome = self._swap(secrets.token_urlsafe(6), tuple(written), written)
        if outcome in ("done", "again"):
            self._lost.clear()
            log.warning(
                "%s: what was spent was lost; what costs money waits for the next day or month of its budget",
                self.where,
            )  # fmt: skip
        return outcome

    def _swap(self, name: str, keys: tuple[str, ...], written: Mapping[str, Cell]) -> str:
        """Write the cells if all are as this process saw them; if not, what they are is seen now."""
        texts = {key: dumps(cell) for key, cell in written.items()}
        turn_s = min(TURN_S + 2 * self._round_trip_s, TURN_MAX_S)
        arguments = swap_arguments(name, turn_s, keys, self._seen, texts)
        outcome, seq, version, rest = self._run_script(SWAP, arguments)
        if outcome == "other":
            born, *fields = rest
            found = {key: held(text, self.where) for key, text in zip(keys, fields, strict=True) if text}
            before = {key: self._seen.pop(key) for key in keys if key in self._seen}
            self._lost.compare(before, found, born)
            self._seen.update(found)
        elif outcome == "again":  # it was done before its reply was lost; which versions it got is not known
            for key in written:
                self._seen.pop(key, None)
            self._seq = UNSEEN
        elif outcome == "done" and written:
            self._seen.update((key, Held(version, cell)) for key, cell in written.items())
            if seq == self._seq:  # nobody else wrote since the last read, so the mirror is complete still
                self._seq = version
        return outcome

    def _run_script(self, script: str, arguments: list[str]) -> tuple[str, str, str, list[Any]]:
        """Outcome, `seq` before, the new version, and what follows; the server's time is noted."""
        asked_at = time.monotonic()
        line, rest = redis_client.run(self._connection, script, self._sha[script], self._address.key, arguments)
        answered_at = time.monotonic()
        outcome, seconds, microseconds, seq, version = line.split(" ")
        self._clock.heard(int(seconds) + int(microseconds) / 1e6, asked_at, answered_at)
        self._round_trip_s = answered_at - asked_at
        return outcome, seq, version, rest

    def _warn_of_unreadable(self) -> None:
        broken = [key for key, seen in self._seen.items() if seen.cell is None and not is_budget(key)]
        if broken and not self._warned:
            self._warned = True
            log.warning("%s: %d cells cannot be read and count as unused (%s)", self.where, len(broken), broken[0])

    def _close(self) -> None:
        self._connection.disconnect()
        self._forget()

    def _forked(self) -> None:
        self._connection = redis_client.connection(self._address)
        self._forget()

    def _forget(self) -> None:
        self._seen, self._seq = {}, UNSEEN
