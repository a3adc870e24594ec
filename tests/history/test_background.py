"""The thread that writes: requests do not wait for it, and nothing ends it but its end."""

from __future__ import annotations

import sqlite3
import threading
import time
from pathlib import Path

import pytest

from llm7router.clock import SystemClock
from llm7router.config.history_models import HistoryConfig
from llm7router.history import History, Usage
from llm7router.history.background import Background
from llm7router.history.database import FILE, SqliteHistory
from tests.history.kept import A, rows
from tests.history.workers import event_of
from tests.upstream import wait_until


def test_requests_do_not_wait_for_a_file_that_another_process_holds(tmp_path: Path) -> None:
    SqliteHistory(tmp_path).add({A: Usage(1)}, 0)
    lock = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    kept = History(SqliteHistory(tmp_path), HistoryConfig(), SystemClock(), flush_s=0.001)
    slowest = 0.0
    for _ in range(200):
        began = time.perf_counter()
        kept(event_of("ann"))
        slowest = max(slowest, time.perf_counter() - began)
        time.sleep(0.001)
    assert slowest < 0.1, "SQLite waits for a second"
    lock.execute("ROLLBACK")
    lock.close()
    kept.close()
    assert sum(usage.requests for key, usage in rows(tmp_path).items() if key.provider == "a") == 200 + 1


def test_work_that_fails_is_done_again_the_next_time() -> None:
    done: list[int] = []

    def work() -> None:
        done.append(len(done))
        if len(done) == 1:
            raise ValueError("once")

    background = Background(work, 0.001, "of-this-test")
    for times in (1, 2):
        background.wake()
        assert wait_until(lambda times=times: len(done) == times, 5)  # type: ignore[misc]


def test_there_is_a_thread_only_while_there_is_something_to_do() -> None:
    background = Background(lambda: None, 0.001, "of-that-test")

    def running() -> bool:
        return any(thread.name == "of-that-test" for thread in threading.enumerate())

    background.wake()
    assert wait_until(lambda: not running(), 5)
    background.wake()
    assert background.close(5)
    assert not running()


def test_where_no_thread_can_be_had_now_one_is_had_later(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    done = threading.Event()
    background = Background(done.set, 0.001, "of-another-test")
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", full)
        with pytest.raises(RuntimeError):
            background.wake()
    assert background.close(5)
    background.wake()
    assert done.wait(5)
