"""The disk store under faults: locked, removed, full, read-only, written by a newer program, on a network mount."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from diskcache import Cache

from llm7router.errors import StoreError
from llm7router.state.cells import VERSION, Cell
from llm7router.state.store.codec import PREFIX
from llm7router.state.store.disk import DiskStore
from llm7router.state.store.mounts import network_mount
from llm7router.state.store.plain_disk import DATABASE
from tests.state.test_stores import count


async def test_a_locked_database_is_a_store_error_within_a_third_of_a_second(tmp_path: Path) -> None:
    store = DiskStore(tmp_path / "state")
    await store.mutate(["a"], count)
    locker = sqlite3.connect(tmp_path / "state" / DATABASE, isolation_level=None)
    locker.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    with pytest.raises(StoreError, match="another process holds"):
        await store.mutate(["a"], count)
    assert time.monotonic() - began < 0.4
    assert store.read_now() == {"a": Cell(streak=1)}, "reading goes on"
    locker.execute("ROLLBACK")
    locker.close()
    assert (await store.mutate(["a"], count))[0] == 2
    store.close()


async def test_a_path_that_is_a_file_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("x")
    store = DiskStore(tmp_path / "state")
    with pytest.raises(StoreError, match="cannot be used"):
        await store.mutate(["a"], count)
    store.close()


async def test_opening_a_locked_database_does_not_wait_for_a_minute(tmp_path: Path) -> None:
    first = DiskStore(tmp_path / "state")
    await first.mutate(["a"], count)
    first.close()
    locker = sqlite3.connect(tmp_path / "state" / DATABASE, isolation_level=None)
    locker.execute("BEGIN IMMEDIATE")
    store, began = DiskStore(tmp_path / "state"), time.monotonic()
    with pytest.raises(StoreError, match="another process holds"):
        await store.mutate(["a"], count)
    assert time.monotonic() - began < 0.9
    locker.close()
    assert (await store.mutate(["a"], count))[0] == 2
    store.close()


@pytest.mark.parametrize("replaced", [False, True], ids=["removed", "replaced by another"])
async def test_a_directory_that_goes_away_while_in_use_is_noticed_and_opened_again(
    tmp_path: Path, replaced: bool, caplog: pytest.LogCaptureFixture
) -> None:
    store, other = DiskStore(tmp_path / "state"), DiskStore(tmp_path / "other")
    await store.mutate(["a"], count)
    for _ in range(7):
        await other.mutate(["a"], count)
    other.close()
    (tmp_path / "state").rename(tmp_path / "gone")
    if replaced:
        (tmp_path / "other").rename(tmp_path / "state")
    with caplog.at_level(logging.WARNING):
        assert store.read_now() == ({"a": Cell(streak=7)} if replaced else {})
        assert (await store.mutate(["a"], count))[0] == (8 if replaced else 1)
    assert [r.message for r in caplog.records if "removed or replaced" in r.message]
    assert len(caplog.records) == 1
    store.close()
    again = DiskStore(tmp_path / "state")
    assert again.read_now() == {"a": Cell(streak=8 if replaced else 1)}
    again.close()


async def test_a_store_of_a_newer_version_is_left_alone_and_said(tmp_path: Path) -> None:
    store = DiskStore(tmp_path / "state")
    await store.mutate(["a"], count)
    newer = f'{{"v":{VERSION + 1},"what":"ever"}}'
    with sqlite3.connect(tmp_path / "state" / DATABASE) as planted:
        planted.execute("UPDATE Cache SET value = ?", (newer,))
    planted.close()
    with pytest.raises(StoreError, match=r"written by a newer llm7router .*upgrade"):
        store.read_now()
    with pytest.raises(StoreError, match="written by a newer llm7router"):
        await store.mutate(["a"], count)
    assert [path.name for path in tmp_path.iterdir()] == ["state"], "not set aside"
    store.close()
    with Cache(str(tmp_path / "state")) as cache:
        assert cache.get(PREFIX + "a") == newer, "not written over"


async def test_only_the_cells_asked_for_are_read_in_a_transaction(tmp_path: Path) -> None:
    store = DiskStore(tmp_path / "state")
    await store.mutate([], lambda _: (None, {"a": Cell(streak=1), "b": Cell(streak=2)}))
    seen, _ = await store.mutate(["b"], lambda cells: (dict(cells), {}))
    assert seen == {"b": Cell(streak=2)}
    store.close()


@pytest.fixture
def full(tmp_path: Path) -> Iterator[DiskStore]:
    """A store whose database may not grow, as on a full disk."""
    store = DiskStore(tmp_path / "state")
    store._submit(lambda: store._open()._sql("PRAGMA max_page_count = 20")).result()
    yield store
    store.close()


async def test_a_full_disk_is_said_and_nothing_is_lost(full: DiskStore) -> None:
    await full.mutate(["a"], count)
    many = {str(i): Cell(leases={"x" * 1000: 1.0}) for i in range(200)}
    with pytest.raises(StoreError, match="the disk is full; free some space"):
        await full.mutate([], lambda _: (None, many))
    assert (await full.mutate(["a"], count))[0] == 2, "usable again once there is space"


async def test_a_read_only_database_is_said_and_used_again_once_it_is_writable(tmp_path: Path) -> None:
    store = DiskStore(tmp_path / "state")
    await store.mutate(["a"], count)
    store._submit(lambda: store._open()._sql("PRAGMA query_only = 1")).result()
    with pytest.raises(StoreError, match="read-only; make it writable"):
        await store.mutate(["a"], count)
    assert (await store.mutate(["a"], count))[0] == 2
    store.close()


MOUNTS = """\
/dev/sda1 / ext4 rw,relatime 0 0
server:/export /home nfs4 rw,vers=4.2 0 0
tmpfs /home/me/scratch tmpfs rw 0 0
//nas/team /mnt/team\\040files cifs rw 0 0
me@host:/ /mnt/ssh fuse.sshfs rw 0 0
portal /run/user/1000/doc fuse.portal rw 0 0
C: /mnt/c 9p rw 0 0
none /srv nfs rw 0 0
/dev/sdb1 /srv ext4 rw 0 0
not a mount
"""


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/var/lib/x", None),
        ("/home/me/state", "nfs4 at /home"),
        ("/home", "nfs4 at /home"),
        ("/homes/me", None),
        ("/home/me/scratch/state", None),
        ("/mnt/team files/state", "cifs at /mnt/team files"),
        ("/mnt/ssh/state", "fuse.sshfs at /mnt/ssh"),
        ("/run/user/1000/doc/x", None),
        ("/mnt/c/Users", "9p at /mnt/c"),
        ("/srv/state", None),
    ],
)
def test_a_network_mount_is_recognised(path: str, found: str | None) -> None:
    assert network_mount(Path(path), MOUNTS) == found


async def test_a_network_mount_is_refused_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llm7router.state.store.disk.network_mount", lambda _: "nfs4 at /home")
    store = DiskStore(tmp_path / "state")
    with pytest.raises(StoreError, match=r"network mount \(nfs4 at /home\).*set state.path"):
        await store.mutate(["a"], count)
    assert list(tmp_path.iterdir()) == []
    store.close()
