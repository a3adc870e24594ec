"""What is noticed of a file: every way in which programs write one, and nothing else."""

from __future__ import annotations

import logging
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from llm7router.errors import ConfigError
from llm7router.watching import Watcher, reloading
from tests.upstream import wait_until


class Counted:
    """What the watched file held each time that it was told to have changed."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.seen: list[str | None] = []
        self.watcher = Watcher([file, file.parent / ".env"], self._changed)

    def _changed(self) -> None:
        self.seen.append(self.file.read_text() if self.file.exists() else None)


@pytest.fixture
def counted(tmp_path: Path) -> Iterator[Counted]:
    directory = tmp_path / "watched"
    directory.mkdir()
    file = directory / "router.yaml"
    file.write_text("old")
    counted = Counted(file)
    counted.watcher.start()
    # It watches as soon as it notices something.
    assert wait_until(lambda: _poked(counted), 10)
    yield counted
    counted.watcher.stop()


def _poked(counted: Counted) -> bool:
    os.utime(counted.file)
    done = wait_until(lambda: bool(counted.seen), 0.6)
    counted.seen.clear()
    return done


def test_a_file_that_is_written_in_steps_is_read_once_and_whole(counted: Counted) -> None:
    with counted.file.open("w") as file:
        for piece in ("ne", "w ", "text"):
            file.write(piece)
            file.flush()
            threading.Event().wait(0.06)
    assert wait_until(lambda: bool(counted.seen), 3)
    assert counted.seen == ["new text"]


def test_a_file_that_is_replaced_or_removed_is_noticed(counted: Counted) -> None:
    other = counted.file.with_name("router.yaml.swp")
    other.write_text("replaced")
    other.rename(counted.file)
    assert wait_until(lambda: counted.seen == ["replaced"], 3)
    counted.file.unlink()
    assert wait_until(lambda: counted.seen == ["replaced", None], 3)


def test_keys_that_are_added_are_noticed_and_other_files_are_not(counted: Counted) -> None:
    counted.file.with_name("notes.txt").write_text("nothing of ours")
    counted.file.with_name(".env").write_text("GROQ_API_KEY=x")
    assert wait_until(lambda: bool(counted.seen), 3)
    assert counted.seen == ["old"]


def test_a_log_in_the_same_directory_does_not_feed_itself(counted: Counted, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        for number in range(5):
            counted.file.with_name("app.log").write_text(f"line {number}")
            threading.Event().wait(0.2)
        assert [record.getMessage() for record in caplog.records] == []
        counted.file.write_text("new")
        assert wait_until(lambda: counted.seen == ["new"], 3)
        assert len(caplog.records) == 1, "watchfiles tells of the edit"


def test_a_link_that_is_exchanged_is_noticed_as_in_a_config_map(tmp_path: Path) -> None:
    for name in ("v1", "v2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "router.yaml").write_text(name)
    (tmp_path / "..data").symlink_to("v1")
    (tmp_path / "router.yaml").symlink_to("..data/router.yaml")
    counted = Counted(tmp_path / "router.yaml")
    counted.watcher.start()

    def exchanged() -> bool:
        (tmp_path / "..new").unlink(missing_ok=True)
        (tmp_path / "..new").symlink_to("v2")
        (tmp_path / "..new").rename(tmp_path / "..data")
        return wait_until(lambda: bool(counted.seen), 0.6)

    try:
        assert wait_until(exchanged, 10)
        assert counted.seen == ["v2"]
    finally:
        counted.watcher.stop()


def test_an_edit_of_what_a_link_leads_to_is_noticed(tmp_path: Path) -> None:
    for name in ("home", "dotfiles"):
        (tmp_path / name).mkdir()
    (tmp_path / "dotfiles" / "mine.yaml").write_text("0")
    (tmp_path / "home" / "router.yaml").symlink_to(tmp_path / "dotfiles" / "mine.yaml")
    counted = Counted(tmp_path / "home" / "router.yaml")
    counted.watcher.start()

    def edited() -> bool:
        with (tmp_path / "dotfiles" / "mine.yaml").open("a") as file:
            file.write("1")
        return wait_until(lambda: bool(counted.seen), 0.6)

    try:
        assert wait_until(edited, 10)
    finally:
        counted.watcher.stop()


def test_an_edit_before_the_watch_is_set_up_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "router.yaml").write_text("old")
    counted = Counted(tmp_path / "router.yaml")
    (tmp_path / "router.yaml").write_text("new")
    counted.watcher.start()
    assert wait_until(lambda: counted.seen == ["new"], 10)
    counted.watcher.stop()


def test_a_directory_that_is_made_anew_is_watched_on(counted: Counted) -> None:
    shutil.rmtree(counted.file.parent)
    assert wait_until(lambda: counted.seen == [None], 3)
    counted.file.parent.mkdir()
    for text in ("new", "newer"):
        counted.file.write_text(text)
        assert wait_until(lambda text=text: counted.seen[-1:] == [text], 3)  # type: ignore[misc]


def test_a_link_to_the_directory_may_be_exchanged_as_a_release_is(tmp_path: Path) -> None:
    for name in ("v1", "v2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "router.yaml").write_text(name)
    (tmp_path / "current").symlink_to("v1")
    counted = Counted(tmp_path / "current" / "router.yaml")
    counted.watcher.start()
    try:
        (tmp_path / "next").symlink_to("v2")
        (tmp_path / "next").rename(tmp_path / "current")
        assert wait_until(lambda: counted.seen == ["v2"], 3)
        counted.file.write_text("v2 edited")
        assert wait_until(lambda: counted.seen == ["v2", "v2 edited"], 3)
    finally:
        counted.watcher.stop()


@pytest.mark.parametrize("trouble", [OSError(28, "no space left on device"), RuntimeError("no watches")])
def test_where_the_system_gives_no_watch_edits_are_noticed_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise trouble

    monkeypatch.setattr("watchfiles.watch", refused)
    (tmp_path / "router.yaml").write_text("old")
    counted = Counted(tmp_path / "router.yaml")
    counted.watcher.start()
    (tmp_path / "router.yaml").write_text("new")
    assert wait_until(lambda: counted.seen == ["new"], 3)
    counted.watcher.stop()
    counted.watcher._thread.join(3)
    assert not counted.watcher._thread.is_alive()


def test_a_file_with_faults_is_logged_and_a_fault_of_ours_says_no_more_than_its_kind(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def faulty() -> None:
        raise ConfigError("router.yaml:3: providres: unknown key")

    def broken() -> None:
        raise KeyError("sk-secret")

    with caplog.at_level(logging.ERROR):
        for call in (faulty, broken):
            reloading(call, Path("router.yaml"))()
    assert [record.getMessage() for record in caplog.records] == [
        "router.yaml cannot be used as it is now; what was read before stays in use:\n"
        "router.yaml:3: providres: unknown key",
        "router.yaml was edited and could not be read again: KeyError",
    ]
