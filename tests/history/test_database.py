"""Usage on disk: real SQLite files."""

from __future__ import annotations

import logging
import os
import sqlite3
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from llm7router.errors import StoreError
from llm7router.history import Usage, hook
from llm7router.history.database import BUSY_S, FILE, VERSION, SqliteHistory
from llm7router.history.memory import MemoryHistory
from llm7router.history.tally import MOST_OF_AN_HOUR, OTHERS
from tests.history.kept import HOUR, A, B, history, on_disk, rows
from tests.router.scene import HELLO, ranked
from tests.virtual import in_virtual_time

ONE = Usage(1, 1, calls=1, tokens_input=10, tokens_output=5, cost_usd=0.25, latency={40: 1, 72: 2})
DAY_S = 86400


def test_rows_of_one_hour_are_added_up(tmp_path: Path) -> None:
    for _ in range(3):
        SqliteHistory(tmp_path).add({A: ONE}, 0)
    SqliteHistory(tmp_path).add({A: Usage(failures=1, latency={40: 1}), B: ONE}, 0)
    assert rows(tmp_path) == {A: Usage(3, 3, 0, 0, 3, 1, 30, 15, 0.75, {40: 4, 72: 6}), B: ONE}


def test_callers_without_number_fill_no_file_however_many_processes_write(tmp_path: Path) -> None:
    for process in range(3):
        named = {A._replace(caller=f"{process}-{n}"): ONE for n in range(MOST_OF_AN_HOUR - 1)}
        SqliteHistory(tmp_path).add(named, 0)
        SqliteHistory(tmp_path).add({A._replace(caller="0-1"): ONE}, 0)
    found = rows(tmp_path)
    assert len(found) == MOST_OF_AN_HOUR + 1
    assert found[A._replace(caller="0-1")].requests == 4, "who is known already still is"
    assert sum(usage.requests for usage in found.values()) == 3 * MOST_OF_AN_HOUR
    assert sum(usage.latency[40] for usage in found.values()) == 3 * MOST_OF_AN_HOUR
    assert found[A._replace(caller=OTHERS)].requests == 3 * MOST_OF_AN_HOUR - (MOST_OF_AN_HOUR + 3)
    SqliteHistory(tmp_path).add({A._replace(hour=HOUR + 3600, caller="9-9"): ONE}, 0)
    assert rows(tmp_path)[A._replace(hour=HOUR + 3600, caller="9-9")] == ONE, "the next hour has room again"


def test_only_the_hours_asked_for_are_read(tmp_path: Path) -> None:
    later = A._replace(hour=HOUR + 3600)
    SqliteHistory(tmp_path).add({A: ONE, later: ONE}, 0)
    assert list(SqliteHistory(tmp_path).read(HOUR + 1)) == [later]


def test_directory_and_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    directory = tmp_path / "state"
    SqliteHistory(directory).add({A: ONE}, 0)
    with sqlite3.connect(directory / FILE) as held:  # while another is open, there are more files
        held.execute("SELECT * FROM usage").fetchone()
        SqliteHistory(directory).add({A: ONE}, 0)
        assert len(list(directory.iterdir())) > 1
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
        assert {stat.S_IMODE(file.stat().st_mode) for file in directory.iterdir()} == {0o600}
    held.close()


def test_reading_creates_nothing(tmp_path: Path) -> None:
    assert rows(tmp_path / "state") == {}
    assert list(tmp_path.iterdir()) == []


@in_virtual_time
async def test_what_is_older_than_the_days_to_keep_is_forgotten(tmp_path: Path) -> None:
    scene = on_disk(tmp_path / "state", ranked("a"))
    assert scene.router.history
    before = HOUR - 3600  # the second newest hour counts: the newest may be a wrong clock's
    oldest = before - 90 * DAY_S + 3600
    SqliteHistory(tmp_path / "state").add({A._replace(hour=hour): ONE for hour in (oldest - 3600, oldest, before)}, 0)
    await scene.router.complete(HELLO)
    await scene.router.aclose()
    assert sorted(key.hour for key in rows(tmp_path / "state")) == [oldest, before, HOUR]


@pytest.mark.parametrize("make", [SqliteHistory, lambda _: MemoryHistory()], ids=["file", "memory"])
def test_a_clock_that_was_far_ahead_for_once_forgets_nothing(
    tmp_path: Path, make: Callable[[Path], SqliteHistory | MemoryHistory]
) -> None:
    kept, ahead = make(tmp_path), HOUR + 4000 * DAY_S
    for hour in (HOUR - 3600, HOUR, ahead, ahead, HOUR + 3600):
        kept.add({A._replace(hour=hour): ONE}, hour - 90 * DAY_S + 3600)
    assert sorted(key.hour for key in kept.read(0)) == [HOUR - 3600, HOUR, HOUR + 3600, ahead]


@in_virtual_time
async def test_a_broken_file_is_set_aside_once_and_counting_begins_afresh(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / FILE).write_bytes(b"no database, and long enough to be taken for a damaged one" * 20)
    with pytest.raises(StoreError, match=r"broken .*; the next request sets it aside"):
        rows(tmp_path)
    scene = on_disk(tmp_path, ranked("a"))
    for _ in range(2):
        await scene.router.complete(HELLO)
        assert scene.router.history
        scene.router.history.flush()
    await scene.router.aclose()
    assert sum(usage.requests for usage in rows(tmp_path).values()) == 2
    assert len([record for record in caplog.records if "begins afresh" in record.message]) == 1
    (aside,) = (path for path in tmp_path.iterdir() if ".corrupt-" in path.name)
    assert aside.read_bytes().startswith(b"no database")


@in_virtual_time
async def test_a_file_of_a_newer_version_is_left_alone_and_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    SqliteHistory(tmp_path).add({A: ONE}, 0)
    with sqlite3.connect(tmp_path / FILE) as connection:
        connection.execute(f"PRAGMA user_version={VERSION + 1}")
    connection.close()
    before = (tmp_path / FILE).read_bytes()
    says = rf"{FILE}: .* newer llm7router \(version {VERSION + 1}, not {VERSION}\); upgrade this one, or move the file"
    with pytest.raises(StoreError, match=says):
        rows(tmp_path)
    scene = on_disk(tmp_path, ranked("a"))
    for _ in range(3):
        await scene.router.complete(HELLO)
        assert scene.router.history
        scene.router.history.flush()
    await scene.router.aclose()
    assert (tmp_path / FILE).read_bytes() == before
    assert len([record for record in caplog.records if "newer llm7router" in record.message]) == 1


@in_virtual_time
async def test_where_nothing_can_be_written_requests_go_on_and_nothing_is_lost_when_it_can_be_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    directory = tmp_path / "state"
    scene = on_disk(directory, ranked("a"))
    assert scene.router.history
    (directory / FILE).mkdir(parents=True)
    for _ in range(3):
        assert (await scene.router.complete(HELLO)).content == "ok"
        scene.router.history.flush()
    said = [record.message for record in caplog.records if FILE in record.message]
    assert len(said) == 1
    assert "the usage history cannot be used" in said[0]
    assert "requests are answered all the same" in said[0]
    (directory / FILE).rmdir()
    await scene.router.complete(HELLO)
    await scene.router.aclose()
    assert sum(usage.requests for usage in rows(directory).values()) == 4
    assert "is written again; 0 counts were lost" in caplog.text


def test_a_locked_file_does_not_hold_up_the_end_and_is_written_when_it_is_free(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hook, "CLOSE_S", 0.1)  # far less than SQLite waits
    SqliteHistory(tmp_path).add({A: ONE}, 0)
    lock = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    kept = history(tmp_path)
    with kept._lock:
        kept._tally.put_back({A: ONE})
    kept._background.wake()
    began = time.monotonic()
    kept.close()
    assert time.monotonic() - began < BUSY_S
    assert "may be lost" in caplog.text
    lock.execute("ROLLBACK")
    lock.close()
    deadline = time.monotonic() + 10  # the thread that was left behind finishes its work
    while rows(tmp_path)[A].requests < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert rows(tmp_path)[A].requests == 2


def test_a_file_that_is_removed_while_in_use_is_made_again(tmp_path: Path) -> None:
    kept = SqliteHistory(tmp_path)
    kept.add({A: ONE}, 0)
    (tmp_path / FILE).unlink()
    kept.add({B: ONE}, 0)
    assert list(rows(tmp_path)) == [B]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_writes_its_own_and_not_its_parents(tmp_path: Path) -> None:
    """The parent has rows that it has not written when it forks."""
    from tests.history.workers import event_of

    kept = history(tmp_path)
    kept(event_of("parent"))
    child = os.fork()
    if not child:
        logging.disable()
        kept(event_of("child"))
        kept.close()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert {key.caller for key in rows(tmp_path)} == {"child"}
    kept.close()
    assert {key.caller: usage.requests for key, usage in rows(tmp_path).items()} == {"child": 1, "parent": 1}


def test_a_locked_file_is_said_to_be_held_by_another_process(tmp_path: Path) -> None:
    SqliteHistory(tmp_path).add({A: ONE}, 0)
    lock = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreError, match=r"another process has held it for over 1 s"):
        SqliteHistory(tmp_path).add({A: ONE}, 0)
    lock.close()
    assert rows(tmp_path)[A] == ONE
