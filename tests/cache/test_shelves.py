"""Where answers are kept: one suite over memory and disk, and what can go wrong with a disk."""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from llm7router.cache.disk import DiskShelf
from llm7router.cache.shelves import MB, MemoryShelf, Shelf, open_shelf
from llm7router.config.models import CacheConfig, StateConfig
from llm7router.errors import StoreError
from llm7router.state.store.plain_disk import DATABASE


@pytest.fixture(params=["memory", "disk"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shelf]:
    opened = open_shelf(CacheConfig(max_mb=1, store=request.param), StateConfig(path=str(tmp_path / "state")), "memory")
    assert opened is not None
    yield opened
    opened.close()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[DiskShelf]:
    opened = DiskShelf(tmp_path / "state", MB)
    yield opened
    opened.close()


def text(size: int, seed: int = 0) -> str:
    return random.Random(seed).randbytes(size // 2).hex()


async def test_a_text_is_found_again_and_replaced_by_the_next_one(shelf: Shelf) -> None:
    assert await shelf.get("a") is None
    await shelf.put("a", "one", 60)
    await shelf.put("b", "other", 60)
    await shelf.put("a", "two", 60)
    assert [await shelf.get("a"), await shelf.get("b"), await shelf.get("c")] == ["two", "other", None]


async def test_it_is_found_again_after_closing(shelf: Shelf) -> None:
    await shelf.put("a", "one", 60)
    shelf.close()
    assert await shelf.get("a") == "one"


async def test_the_oldest_go_when_there_is_no_room(shelf: Shelf) -> None:
    for number in range(60):
        await shelf.put(str(number), text(50_000, number), 60)
    left = [number for number in range(60) if await shelf.get(str(number))]
    assert left == list(range(left[0], 60))
    assert 5 <= len(left) <= 20


async def test_a_text_that_would_push_out_everything_is_not_kept(shelf: Shelf) -> None:
    await shelf.put("small", "one", 60)
    await shelf.put("large", text(MB // 10 + 2), 60)
    assert [await shelf.get("small"), await shelf.get("large")] == ["one", None]


async def test_the_files_stay_as_small_as_was_said(disk: DiskShelf) -> None:
    largest = 0
    for number in range(150):
        await disk.put(str(number), text(random.Random(number).randrange(10, 99_000), number), 60)
        largest = max(largest, sum(path.stat().st_size for path in disk.directory.iterdir() if path.name == DATABASE))
    assert largest <= MB


async def test_replacing_keeps_count_in_memory() -> None:
    shelf = MemoryShelf(10_000)
    for _ in range(100):
        await shelf.put("a", "x" * 900, 60)
    await shelf.put("b", "y" * 900, 60)
    assert await shelf.get("a") is not None


async def test_nothing_is_created_by_looking(disk: DiskShelf) -> None:
    assert await disk.get("a") is None
    assert not disk.directory.exists()
    assert not disk.directory.parent.exists()


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
async def test_answers_are_for_their_owner_only_whoever_made_the_directory(disk: DiskShelf) -> None:
    disk.directory.mkdir(parents=True, mode=0o755)
    disk.directory.chmod(0o755)
    await disk.put("a", "one", 60)
    assert stat.S_IMODE(disk.directory.stat().st_mode) == 0o700


async def test_what_has_expired_is_gone_from_the_disk_when_it_is_opened(disk: DiskShelf) -> None:
    await disk.put("a", "a secret of old", 0.01)
    await disk.put("b", "another", 60)
    disk.close()
    await asyncio.sleep(0.02)
    assert await disk.get("b") == "another"
    disk.close()
    with sqlite3.connect(disk.directory / DATABASE) as database:
        assert database.execute("SELECT key FROM Cache").fetchall() == [("b",)]
    database.close()


@pytest.mark.parametrize("damage", [b"", b"no database at all" * 500], ids=["emptied", "overwritten"])
async def test_a_broken_database_is_a_fault_once_and_then_a_new_one(disk: DiskShelf, damage: bytes) -> None:
    await disk.put("a", "one", 60)
    disk.close()
    for name in ("-wal", "-shm"):
        (disk.directory / (DATABASE + name)).unlink(missing_ok=True)
    (disk.directory / DATABASE).write_bytes(damage)
    if damage:
        with pytest.raises(StoreError, match="answers"):
            await disk.get("a")
    assert await disk.get("a") is None
    await disk.put("a", "two", 60)
    assert await disk.get("a") == "two"


async def test_a_row_that_this_program_did_not_write_is_never_unpickled(disk: DiskShelf) -> None:
    await disk.put("a", "one", 60)
    disk.close()
    with sqlite3.connect(disk.directory / DATABASE) as database:
        database.execute("UPDATE Cache SET mode = 4, value = ?", (b"cos\nsystem\n(S'touch pwned'\ntR.",))
    database.close()
    with pytest.raises(StoreError, match="did not write"):
        await disk.get("a")
    await disk.put("a", "two", 60)
    assert await disk.get("a") == "two"


async def test_a_removed_directory_is_an_empty_one(disk: DiskShelf) -> None:
    await disk.put("a", "one", 60)
    for path in disk.directory.iterdir():
        path.unlink()
    disk.directory.rmdir()
    assert await disk.get("a") is None
    await disk.put("a", "two", 60)
    assert await disk.get("a") == "two"


async def test_a_locked_database_is_a_fault_within_a_third_of_a_second_and_reading_goes_on(disk: DiskShelf) -> None:
    await disk.put("a", "one", 60)
    locker = sqlite3.connect(disk.directory / DATABASE, isolation_level=None)
    locker.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    with pytest.raises(StoreError, match="locked"):
        await disk.put("a", "two", 60)
    assert time.monotonic() - began < 0.5
    assert await disk.get("a") == "one"
    locker.execute("ROLLBACK")
    locker.close()


async def test_a_path_that_is_a_file_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("x")
    shelf = DiskShelf(tmp_path / "state", MB)
    with pytest.raises(StoreError, match="answers"):
        await shelf.put("a", "one", 60)
    shelf.close()


async def test_two_programs_share_what_is_on_disk(disk: DiskShelf) -> None:
    other = DiskShelf(disk.directory.parent, MB)
    await disk.put("a", "one", 60)
    assert await other.get("a") == "one"
    await other.put("a", "two", 60)
    assert await disk.get("a") == "two"
    other.close()


PLACES = [
    ("memory", {}, MemoryShelf),
    ("disk", {}, DiskShelf),
    ("redis", {}, DiskShelf),
    ("disk", {"store": "memory"}, MemoryShelf),
    ("memory", {"store": "disk"}, DiskShelf),
    ("disk", {"max_mb": 0}, type(None)),
]


@pytest.mark.parametrize(("store", "keys", "kind"), PLACES)
def test_answers_are_where_the_state_is_unless_said_otherwise(
    tmp_path: Path, store: str, keys: dict[str, object], kind: type
) -> None:
    shelf = open_shelf(CacheConfig.model_validate(keys), StateConfig(path=str(tmp_path)), store)
    assert type(shelf) is kind
    assert list(tmp_path.iterdir()) == []
