"""Time of a reservation and its settlement with four windows, by store, and what the disk store does to the event loop.

    python -m tests.benchmarks.ledger [--rounds 15] [--pairs 100]

Medians of the rounds. Read the ratios to the targets: microseconds are this machine's. Disk and Redis are timed inside
the store's thread, where the work is done; `awaited` is what a request sees. The Redis server has a processor of its
own, as on a machine of its own. Otherwise the scheduler may put both on one, where nobody has to be woken: a PING
takes half of the time there, and the ratio would depend on where they happened to be.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import redis as redis_library

from llm7router.clock import SystemClock
from llm7router.decision import demand
from llm7router.state import quota
from llm7router.state.cells import Cell
from llm7router.state.ledger import Ledger
from llm7router.state.quota import Refusal
from llm7router.state.store.base import Change, Store, T
from llm7router.state.store.disk import DiskStore
from llm7router.state.store.memory import MemoryStore
from llm7router.state.store.redis import RedisStore
from llm7router.types import Deployment, Outcome
from tests import make
from tests.redis_server import RedisServer

FOUR = (("requests", "minute"), ("requests", "day"), ("tokens", "minute"), ("tokens", "day"))  # as Groq's
REQUEST = make.request(prompt_tokens=100, max_tokens=900)
OUTCOME = Outcome(prompt_tokens=100, output_tokens=400, duration_s=1.0, first_token_s=0.2)
SPACING_S = 0.01  # of the calls while the loop's lag is measured: 100 a second


def model() -> Deployment:
    """One deployment with four windows that never fill."""
    limits = tuple(make.limit(unit, period, 10**9) for unit, period in FOUR)
    return make.deployment("alpha/one", limits=limits)


async def lived_in(store: Store) -> None:
    """A minute's window with all of its slices and a day's with half of them, as after a day of use."""
    ledger, clock = Ledger(store, SystemClock()), SystemClock()
    await ledger.snapshot(())
    charges = demand.charges(REQUEST, model(), 900)
    now = (store.now() or clock.now()) - 12 * 3600
    instants = [now + i * 900 for i in range(48)] + [now + 12 * 3600 - 60 + i * 2 for i in range(30)]
    for at in instants:
        await store.mutate(
            model().cells,
            lambda cells, at=at: quota.reserve(cells, model(), charges, id="r", now=at, expires_at=at + 60),
        )


def keep_apart(server: RedisServer) -> None:
    """The server on one processor and this thread on the others, if there are several and the system can do that."""
    processors = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(processors) > 1:
        os.sched_setaffinity(server.admin.info("server")["process_id"], processors[-1:])
        os.sched_setaffinity(0, processors[:-1])


def median_us(work: Callable[[], Any], rounds: int, pairs: int) -> float:
    """Median over the rounds of the time of one call of `work`."""
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        for _ in range(pairs):
            work()
        times.append((time.perf_counter() - began) / pairs * 1e6)
    return statistics.median(times)


async def awaited_us(store: Store, rounds: int, pairs: int) -> float:
    """Median time of `Ledger.reserve` plus `Ledger.settle`, in microseconds."""
    ledger, d, times = Ledger(store, SystemClock()), model(), []
    for _ in range(rounds):
        began = time.perf_counter()
        for _ in range(pairs):
            reservation = await ledger.reserve(REQUEST, d, lease_s=60)
            assert not isinstance(reservation, Refusal)
            await ledger.settle(reservation, OUTCOME)
        times.append((time.perf_counter() - began) / pairs * 1e6)
    assert ledger.trouble is None
    return statistics.median(times)


class Inside:
    """A store as its own thread sees it: no step from thread to thread."""

    def __init__(self, store: DiskStore | RedisStore) -> None:
        self._store, self.name, self.shared, self.now = store, store.name, True, store.now

    def read_now(self) -> dict[str, Cell]:
        return self._store._read()

    async def read(self) -> dict[str, Cell]:
        return self._store._read()

    async def mutate(self, keys: Iterable[str], change: Change[T]) -> tuple[T, Mapping[str, Cell]]:
        return self._store._mutate(tuple(keys), change)

    def close(self) -> None:
        pass


def inside_us(store: DiskStore | RedisStore, rounds: int, pairs: int) -> float:
    """The same, run in the store's own thread."""
    return store._submit(lambda: asyncio.run(awaited_us(Inside(store), rounds, pairs))).result()


async def lag_us(store: Store | None, seconds: float) -> float:
    """Median lateness of a 1 ms timer while a pair is made every 10 ms (or nothing, without a store)."""
    late, stop = [], time.perf_counter() + seconds
    ledger, d = Ledger(store or MemoryStore(), SystemClock()), model()

    async def traffic() -> None:
        while time.perf_counter() < stop:
            if store is not None:
                reservation = await ledger.reserve(REQUEST, d, lease_s=60)
                assert not isinstance(reservation, Refusal)
                await ledger.settle(reservation, OUTCOME)
            await asyncio.sleep(SPACING_S)

    task = asyncio.ensure_future(traffic())
    while time.perf_counter() < stop:
        began = time.perf_counter()
        await asyncio.sleep(0.001)
        late.append((time.perf_counter() - began - 0.001) * 1e6)
    await task
    return statistics.median(late)


def show(what: str, measured: float, target: float, unit: str) -> None:
    """One line."""
    print(f"{what:44} {measured:8.2f} {unit:5} {measured / target:5.2f} of the target {target:g}")


async def of_stores(rounds: int, pairs: int, directory: Path, server: RedisServer, used: bool) -> None:
    """Print what a pair costs on each store, with fresh windows or with used ones."""
    print("after a day of use:" if used else "fresh windows:")
    memory, disk, redis = MemoryStore(), DiskStore(directory), RedisStore(server.url())
    for store in (memory, disk, redis) if used else ():
        await lived_in(store)
    show("  memory: reserve + settle", await awaited_us(memory, rounds, pairs * 5), 25, "us")
    show("  disk: reserve + settle, in its thread", inside_us(disk, rounds, pairs), 600, "us")
    print(f"{'    awaited':44} {await awaited_us(disk, rounds, pairs):8.2f} us")
    client = redis_library.Redis(port=server.port)  # an ordinary one, as the round trip of an ordinary program
    redis._submit(lambda: keep_apart(server)).result()
    pings, inside = [], []
    for _ in range(rounds):  # in turns, so that both see the same machine
        pings.append(redis._submit(lambda: median_us(client.ping, 1, pairs)).result())
        inside.append(inside_us(redis, 1, pairs))
    ratio = statistics.median(pair / ping for pair, ping in zip(inside, pings, strict=True))
    show("  Redis: reserve + settle, in its thread", ratio, 4, "PINGs")
    print(f"{'    the same, and a PING':44} {statistics.median(inside):8.2f} {statistics.median(pings):.2f} us")
    print(f"{'    awaited':44} {await awaited_us(redis, rounds, pairs):8.2f} us")
    for opened in (disk, redis, client):
        opened.close()


async def of_the_loop(directory: Path) -> None:
    """Print how late a timer is while the disk store works."""
    disk = DiskStore(directory)
    idle, busy = [], []
    for _ in range(5):
        idle.append(await lag_us(None, 0.6))
        busy.append(await lag_us(disk, 0.6))
    show("event loop's lag with disk", statistics.median(busy) / statistics.median(idle), 1.5, "idle")
    print(f"{'  lag idle, with disk':44} {statistics.median(idle):8.2f} {statistics.median(busy):.2f} us")
    disk.close()


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--pairs", type=int, default=100)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, RedisServer("--appendonly", "no") as server:
        for used in (False, True):
            asyncio.run(of_stores(options.rounds, options.pairs, Path(directory) / f"{used}", server, used))
        asyncio.run(of_the_loop(Path(directory) / "lag"))


if __name__ == "__main__":
    main()
