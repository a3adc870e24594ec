"""What only the disk store has: restarts, other processes, broken files, pickles."""

from __future__ import annotations

import logging
import os
import pickle
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from diskcache import Cache

from llm7router.errors import StoreError
from llm7router.state.cells import BUDGET, VERSION, Block, Cell
from llm7router.state.store.codec import PREFIX
from llm7router.state.store.disk import DiskStore
from llm7router.state.store.plain_disk import DATABASE
from tests.state.test_stores import count


def test_reading_creates_nothing(tmp_path: Path) -> None:
    DiskStore(tmp_path / "state").read_now()
    assert list(tmp_path.iterdir()) == []


async def test_state_survives_a_restart(tmp_path: Path) -> None:
    first = DiskStore(tmp_path / "state")
    cell = Cell(block=Block(2e9, "rate limited"))
    await first.mutate(["a"], lambda cells: (None, {"a": cell}))
    first.close()
    second = DiskStore(tmp_path / "state")
    assert second.read_now() == {"a": cell}
    second.close()


async def test_another_process_sees_what_was_written(tmp_path: Path) -> None:
    store = DiskStore(tmp_path / "state")
    await store.mutate(["a"], count)
    code = (
        "import sys, pathlib; from llm7router.state.store.disk import DiskStore;"
        "s = DiskStore(pathlib.Path(sys.argv[1])); print(s.read_now()['a'].streak); s.close()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "state")], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "1"
    store.close()


async def test_the_directory_is_for_its_owner_only(tmp_path: Path) -> None:
    store = DiskStore(tmp_path / "state")
    await store.mutate(["a"], count)
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    store.close()


async def test_a_directory_that_others_may_write_into_is_refused_with_the_command_that_helps(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state").chmod(0o777)
    store = DiskStore(tmp_path / "state")
    with pytest.raises(StoreError, match="chmod 700"):
        await store.mutate(["a"], count)
    store.close()


class Bomb:
    """Leaves a mark when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> object:
        return (os.mkdir, (str(self.mark),))


@pytest.mark.parametrize("where", ["value", "key"])
async def test_a_planted_pickle_is_not_run(tmp_path: Path, where: str, caplog: pytest.LogCaptureFixture) -> None:
    store = DiskStore(tmp_path / "state")
    await store.mutate(["a"], count)
    store.close()
    bomb = sqlite3.Binary(pickle.dumps(Bomb(tmp_path / "mark")))
    with sqlite3.connect(tmp_path / "state" / DATABASE) as planted:
        if where == "value":
            planted.execute("UPDATE Cache SET mode = 4, value = ?", (bomb,))
        else:
            planted.execute("UPDATE Cache SET raw = 0, key = ?", (bomb,))
    planted.close()
    with caplog.at_level(logging.WARNING):
        assert set(await store.read()) == {BUDGET}
        assert (await store.mutate(["a"], count))[0] == 1
    assert not (tmp_path / "mark").exists()
    assert len([r for r in caplog.records if "was broken" in r.message]) == 1
    store.close()


async def test_a_planted_file_name_is_not_read(tmp_path: Path) -> None:
    store = DiskStore(tmp_path / "state")
    await store.mutate(["a"], count)
    store.close()
    with sqlite3.connect(tmp_path / "state" / DATABASE) as planted:
        planted.execute("UPDATE Cache SET mode = 3, filename = '/etc/hostname', value = NULL")
    planted.close()
    assert set(await store.read()) == {BUDGET}, "which says that what was spent is not known"
    store.close()


@pytest.mark.parametrize(
    "damage",
    [b"not a database at all, but long enough to have a header" * 40, b""],
    ids=["garbage", "truncated to nothing"],
)
async def test_a_broken_file_is_set_aside_once_and_counting_goes_on(
    tmp_path: Path, damage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    store = DiskStore(tmp_path / "state")
    await store.mutate(["a"], count)
    store.close()
    for file in (tmp_path / "state").iterdir():
        if file.name != DATABASE:
            file.unlink()
    (tmp_path / "state" / DATABASE).write_bytes(damage)
    with caplog.at_level(logging.WARNING):
        assert (await store.mutate(["a"], count))[0] == 1
        assert (await store.mutate(["a"], count))[0] == 2
    asides = [path for path in tmp_path.iterdir() if ".corrupt-" in path.name]
    assert len(asides) == (1 if damage else 0), "an empty file is an empty database to SQLite"
    assert len(caplog.records) == len(asides)
    store.close()


async def test_a_value_that_is_no_cell_sets_the_store_aside(tmp_path: Path) -> None:
    store = DiskStore(tmp_path / "state")
    await store.mutate(["a"], count)
    store.close()
    with sqlite3.connect(tmp_path / "state" / DATABASE) as planted:
        planted.execute("UPDATE Cache SET value = ?", (f'{{"v":{VERSION},"health":"x"}}',))
    planted.close()
    assert set(await store.read()) == {BUDGET}, "which says that what was spent is not known"
    store.close()


async def test_counters_are_never_evicted(tmp_path: Path) -> None:
    store = DiskStore(tmp_path / "state")
    await store.mutate(["a"], count)
    store.close()
    with Cache(str(tmp_path / "state")) as cache:
        assert cache.eviction_policy == "none"
        assert cache.cull_limit == 0
        assert [key for key in cache.iterkeys()] == [PREFIX + "a"]  # noqa: C416


async def test_a_dry_run_leaves_a_broken_state_where_it_is(tmp_path: Path) -> None:
    store = DiskStore(tmp_path / "state")
    await store.mutate(["a"], count)
    store.close()
    with sqlite3.connect(tmp_path / "state" / DATABASE) as planted:
        planted.execute("UPDATE Cache SET value = 'no cell'")
    planted.close()
    with pytest.raises(StoreError, match=r"the state is broken .*; the next call sets it aside"):
        store.read_now()
    assert [path.name for path in tmp_path.iterdir()] == ["state"]
    store.close()
