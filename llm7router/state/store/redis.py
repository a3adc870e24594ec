"""Cells in one Redis hash: shared by the processes of several machines.

The arithmetic of windows, health and latency stays in one place, Python: the same arithmetic in Lua would be a
second program to keep equal to the first, and the simulations would not test it. So Redis only compares and swaps.
This process keeps the cells that it saw last with their versions, makes the change on those, and one script writes
the result if nobody else wrote in between; otherwise it returns what is there now and the change is made again on
that. While nobody interferes, a reservation is one round trip and a settlement is one. A refusal is compared in the
same way before it is returned, so it is never made on outdated cells.

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
from llm7router.state.cells import Cell, dumps
from llm7router.state.store import redis_client
from llm7router.state.store.base import Change, T
from llm7router.state.store.redis_scripts import READ, SWAP, Held, cells_of, held, swap_arguments
from llm7router.state.store.server_clock import ServerClock
from llm7router.state.store.threaded import R, ThreadedStore

log = logging.getLogger("llm7router")

TRIES = 50
FREE_TRIES = 2  # the first tries follow each other at once; then pauses grow, drawn, up to the longest
PAUSE_S, PAUSE_MAX_S = 0.0005, 0.008
UNSEEN = "-"  # a `seq` that no server has: everything is transferred


class RedisStore(ThreadedStore):
    """Cells in the Redis at `address`: redis://, rediss:// or unix://, `?name=` tells routers apart.

    Raises:
        ConfigError: redis-py is not installed, or the address has no such shape.
    """

    name = "redis"
    patience_s = 0.3

    def __init__(self, address: str) -> None:
        self._address = redis_client.parse(address)
        super().__init__(self._address.where)
        self._client = redis_client.connect(self._address)
        self._errors = redis_client.errors()
        self._sha = {script: hashlib.sha1(script.encode()).hexdigest() for script in (READ, SWAP)}  # noqa: S324 - its name
        self._clock = ServerClock()
        self._warned = False
        self._forget()

    def now(self) -> float | None:
        """The server's clock; None before its first reply."""
        return self._clock.now()

    def _guarded(self, work: Callable[[], R]) -> R:
        try:
            return work()
        except self._errors as error:
            self._client.connection_pool.disconnect()
            raise redis_client.explain(error, self._address) from None

    def _read(self) -> dict[str, Cell]:
        seq, *hash_reply = self._run_script(READ, [self._seq])
        if hash_reply:
            self._seen, self._seq = cells_of(hash_reply[0], self.where), seq
            self._warn_of_unreadable()
        return {key: seen.cell for key, seen in self._seen.items() if seen.cell is not None}

    def _mutate(self, keys: tuple[str, ...], change: Change[T]) -> tuple[T, Mapping[str, Cell]]:
        name = secrets.token_urlsafe(6)
        for attempt in range(TRIES):
            if attempt > FREE_TRIES:
                time.sleep(random.random() * min(PAUSE_S * attempt, PAUSE_MAX_S))  # noqa: S311 - no secret
            cells = {key: self._seen[key].cell for key in keys if key in self._seen}
            result, written = change({key: cell for key, cell in cells.items() if cell is not None})
            if self._swap(name, tuple(dict.fromkeys((*keys, *written))), written):
                return result, written
        raise StoreError(f"{self.where}: others wrote in between {TRIES} times; it is too busy for this many routers")

    def _swap(self, name: str, fields: tuple[str, ...], written: Mapping[str, Cell]) -> bool:
        """Whether the cells were as this process saw them, and are written; if not, what they are is seen now."""
        texts = {key: dumps(cell) for key, cell in written.items()}
        outcome, seq, *rest = self._run_script(SWAP, swap_arguments(name, fields, self._seen, texts))
        if outcome == "other":
            for key, text in zip(fields, rest, strict=True):
                if text:
                    self._seen[key] = held(text, self.where)
                else:
                    self._seen.pop(key, None)
            return False
        if outcome == "again":  # it was done before its reply was lost; which versions it got is not known
            for key in written:
                self._seen.pop(key, None)
            self._seq = UNSEEN
        elif written:
            self._seen.update((key, Held(rest[0], cell)) for key, cell in written.items())
            if seq == self._seq:  # nobody else wrote since the last read, so the mirror is complete still
                self._seq = rest[0]
        return True

    def _run_script(self, script: str, arguments: list[str]) -> list[Any]:
        """The reply without the server's time, which is noted."""
        asked_at = time.monotonic()
        seconds, microseconds, *reply = redis_client.run(
            self._client, script, self._sha[script], self._address.key, arguments
        )
        self._clock.heard(int(seconds) + int(microseconds) / 1e6, asked_at, time.monotonic())
        return reply

    def _warn_of_unreadable(self) -> None:
        if not self._warned and (broken := [key for key, seen in self._seen.items() if seen.cell is None]):
            self._warned = True
            log.warning("%s: %d cells cannot be read and count as unused (%s)", self.where, len(broken), broken[0])

    def _close(self) -> None:
        self._client.close()
        self._forget()

    def _forked(self) -> None:
        self._client = redis_client.connect(self._address)
        self._forget()

    def _forget(self) -> None:
        self._seen: dict[str, Held] = {}
        self._seq = UNSEEN
