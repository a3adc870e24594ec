"""One contract for every store: memory, disk, and a real Redis."""

from __future__ import annotations

import asyncio
import multiprocessing
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from llm7router.errors import StoreError
from llm7router.state.cells import Cell
from llm7router.state.store.base import Store
from llm7router.state.store.disk import DiskStore
from llm7router.state.store.memory import MemoryStore
from llm7router.state.store.redis import RedisStore
from llm7router.state.store.threaded import ThreadedStore


@pytest.fixture(params=["memory", "disk", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    made: Store
    if request.param == "memory":
        made = MemoryStore()
    elif request.param == "disk":
        made = DiskStore(tmp_path / "state")
    else:
        made = RedisStore(request.getfixturevalue("redis_server").url())
    yield made
    made.close()


def count(cells: Mapping[str, Cell]) -> tuple[int, dict[str, Cell]]:
    streak = cells["a"].streak + 1 if "a" in cells else 1
    return streak, {"a": Cell(streak=streak)}


async def test_what_was_written_is_read(store: Store) -> None:
    result, written = await store.mutate(["a"], count)
    assert result == 1
    assert written == await store.read() == store.read_now() == {"a": Cell(streak=1)}


async def test_an_empty_store_reads_as_empty(store: Store) -> None:
    assert await store.read() == store.read_now() == {}


async def test_a_change_sees_the_one_before(store: Store) -> None:
    assert [(await store.mutate(["a"], count))[0] for _ in range(5)] == [1, 2, 3, 4, 5]


async def test_concurrent_changes_are_each_one_step(store: Store) -> None:
    await asyncio.gather(*(store.mutate(["a"], count) for _ in range(50)))
    assert store.read_now()["a"].streak == 50


async def test_a_change_that_fails_writes_nothing(store: Store) -> None:
    def fail(cells: Mapping[str, Cell]) -> tuple[None, dict[str, Cell]]:
        raise RuntimeError("no")

    await store.mutate(["a"], count)
    with pytest.raises(RuntimeError, match="no"):
        await store.mutate(["a"], fail)
    assert store.read_now()["a"].streak == 1


async def test_a_cancelled_change_is_finished_all_the_same(store: Store) -> None:
    task = asyncio.ensure_future(store.mutate(["a"], count))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert (await store.mutate(["a"], count))[0] == 2


async def test_a_change_that_writes_nothing_sees_the_cells_as_they_are(store: Store) -> None:
    await store.mutate(["a"], count)
    result, written = await store.mutate(["a", "b"], lambda cells: (dict(cells), {}))
    assert (result, written) == ({"a": Cell(streak=1)}, {})
    assert await store.read() == {"a": Cell(streak=1)}


async def test_what_is_written_elsewhere_than_asked_is_kept(store: Store) -> None:
    await store.mutate([], lambda _: (None, {"b": Cell(streak=3)}))
    await store.mutate(["a"], count)
    assert await store.read() == {"a": Cell(streak=1), "b": Cell(streak=3)}


async def test_a_closed_store_opens_again(store: Store) -> None:
    await store.mutate(["a"], count)
    store.close()
    store.close()
    assert (await store.mutate(["a"], count))[0] == 2


async def test_every_thread_and_loop_may_use_it(store: Store) -> None:
    def elsewhere() -> None:
        for _ in range(20):
            asyncio.run(store.mutate(["a"], count))
            store.read_now()

    threads = [threading.Thread(target=elsewhere) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        await asyncio.to_thread(thread.join)
    assert (await store.read())["a"].streak == 80


def in_child(store: Store) -> None:
    asyncio.run(store.mutate(["a"], count))
    store.close()


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
async def test_it_works_on_both_sides_of_a_fork(store: Store) -> None:
    await store.mutate(["a"], count)
    child = multiprocessing.get_context("fork").Process(target=in_child, args=(store,))
    child.start()
    child.join(20)
    assert child.exitcode == 0
    assert (await store.mutate(["a"], count))[0] == (3 if store.shared else 2)


async def test_only_a_server_has_a_clock_of_its_own(store: Store) -> None:
    await store.read()
    now = store.now()
    assert (now is not None) == (store.name == "redis")
    assert now is None or abs(now - time.time()) < 1


class Hanging(ThreadedStore):
    """A store whose work takes as long as it is told."""

    patience_s = 0.1

    def __init__(self, seconds: float) -> None:
        super().__init__("hanging")
        self.seconds = seconds

    def _guarded(self, work):  # type: ignore[no-untyped-def]
        return work()

    def _read(self) -> dict[str, Cell]:
        time.sleep(self.seconds)
        return {}

    def _close(self) -> None:
        pass


async def test_nobody_waits_long_for_work_that_hangs_and_later_callers_not_at_all() -> None:
    store, began = Hanging(0.5), time.monotonic()
    with pytest.raises(StoreError, match="no answer for over"):
        await store.read()
    assert time.monotonic() - began < 0.3
    with pytest.raises(StoreError, match="no answer for over"):
        store.read_now()
    assert time.monotonic() - began < 0.35
    await asyncio.sleep(0.5)
    store.seconds = 0
    assert await store.read() == {}, "usable again when the work has ended"
    store.close()


async def test_waiting_for_work_that_came_earlier_is_no_hanging() -> None:
    store = Hanging(0.06)
    assert await asyncio.gather(*(store.read() for _ in range(5))) == [{}] * 5
    store.close()
