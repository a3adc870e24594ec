"""The file with a line for each request."""

from __future__ import annotations

import json
import logging
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from llm7router import ConfigError, RequestContext
from llm7router.hooks.request_log import LONGEST, RequestLog
from llm7router.testing import Reply
from llm7router.types import Failure, Outcome
from tests.hooks import heard
from tests.hooks.heard import ENDINGS
from tests.router.scene import HELLO, Scene, ranked
from tests.virtual import in_virtual_time, run_virtual


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def logging_to(path: Path, scene: Scene, **options: Any) -> Scene:
    return heard.listening(scene, RequestLog(path, **options))


@in_virtual_time
async def test_a_line_says_who_asked_what_was_tried_and_what_it_took(tmp_path: Path) -> None:
    limited = Reply(outcome=Outcome(Failure.RATE_LIMITED, "slow down", status=429), delay_s=1)
    scene = Scene(ranked("a", "b"), {"a/m": limited, "b/m": Reply("Hi", delay_s=2)})
    logging_to(tmp_path / "log", scene)
    await scene.router.complete(HELLO, RequestContext(request_id="r1", caller="ann"))
    [line] = lines(tmp_path / "log")
    points = line.pop("points")
    assert 0 < points < 115
    assert line == {
        "time": "2027-01-15T08:00:00.000Z",
        "id": "r1",
        "caller": "ann",
        "operation": "chat",
        "task": "chat",
        "stream": False,
        "outcome": "ok",
        "deployment": "b/m",
        "cached": False,
        "attempts": [
            {"deployment": "a/m", "failure": "rate limited", "status": 429, "began_s": 0, "duration_s": 1},
            {"deployment": "b/m", "failure": None, "status": None, "began_s": 1, "duration_s": 2},
        ],
        "tokens_input": 10,
        "tokens_output": 5,
        "cost_usd": 0,
        "latency_s": 3,
        "first_token_s": None,
        "error": None,
    }


@in_virtual_time
async def test_a_line_says_that_an_answer_was_stored(tmp_path: Path) -> None:
    scene = logging_to(tmp_path / "log", Scene(ranked("a")))
    for _ in range(2):
        await scene.router.complete(HELLO, RequestContext(cache=True))
    assert [(line["deployment"], line["cached"], len(line["attempts"])) for line in lines(tmp_path / "log")] == [
        ("a/m", False, 1),
        ("a/m", True, 0),
    ]


@pytest.mark.parametrize("outcome", ENDINGS)
def test_every_ending_is_one_line(outcome: str, tmp_path: Path) -> None:
    run_virtual(ENDINGS[outcome](RequestLog(tmp_path / "log")))  # type: ignore[arg-type]
    [line] = lines(tmp_path / "log")
    assert line["outcome"] == outcome


@in_virtual_time
async def test_content_is_written_only_when_asked_for(tmp_path: Path) -> None:
    scene = Scene(ranked("a"), {"a/m": "The answer\nis «42» \udc80"})
    logging_to(tmp_path / "without", scene)
    logging_to(tmp_path / "with", scene, content=True)
    await scene.router.complete([{"role": "user", "content": "The question"}])
    assert "The " not in (tmp_path / "without").read_text()
    [line] = lines(tmp_path / "with")
    assert line["messages"] == [{"role": "user", "content": "The question"}]
    assert line["answer"]["content"] == "The answer\nis «42» \udc80"


@in_virtual_time
async def test_a_very_long_text_is_cut(tmp_path: Path) -> None:
    scene = logging_to(tmp_path / "log", Scene({"a": ranked("a")["a"]}), content=True)
    await scene.router.complete(
        [{"role": "user", "content": "x" * 9}, {"role": "user", "content": "y" * (LONGEST + 7)}]
    )
    [line] = lines(tmp_path / "log")
    assert line["messages"][0]["content"] == "x" * 9
    assert line["messages"][1]["content"] == "y" * LONGEST + "… (7 more characters)"


@in_virtual_time
async def test_only_the_owner_can_read_it_and_what_was_rotated(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        scene = logging_to(tmp_path / "log", Scene(ranked("a")), max_bytes=1000, backups=2)
        for _ in range(12):
            await heard.asked(scene)
    finally:
        os.umask(before)
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["log", "log.1", "log.2"]
    assert {mode(file) for file in files} == {0o600}
    assert all(0 < file.stat().st_size <= 1000 and lines(file) for file in files)


@in_virtual_time
async def test_without_backups_it_starts_anew(tmp_path: Path) -> None:
    scene = logging_to(tmp_path / "log", Scene(ranked("a")), max_bytes=1000, backups=0)
    for _ in range(12):
        await heard.asked(scene)
    assert [file.name for file in tmp_path.iterdir()] == ["log"]
    assert 0 < (tmp_path / "log").stat().st_size <= 1000


@in_virtual_time
async def test_a_file_that_was_moved_away_is_made_again(tmp_path: Path) -> None:
    scene = logging_to(tmp_path / "log", Scene(ranked("a")))
    await heard.asked(scene)
    (tmp_path / "log").rename(tmp_path / "yesterday")
    await heard.asked(scene)
    assert [len(lines(tmp_path / name)) for name in ("yesterday", "log")] == [1, 1]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@in_virtual_time
async def test_a_full_disk_is_said_once_and_no_request_notices(caplog: pytest.LogCaptureFixture) -> None:
    scene = logging_to(Path("/dev/full"), Scene(ranked("a")))
    for _ in range(3):
        assert (await scene.router.complete(HELLO)).content == "ok"
    assert [(r.levelno, r.message) for r in caplog.records] == [
        (
            logging.ERROR,
            "/dev/full: cannot be written (No space left on device); lines are lost until it can be written",
        )
    ]


@in_virtual_time
async def test_it_goes_on_when_the_directory_is_back(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    directory = tmp_path / "logs"
    directory.mkdir()
    scene = logging_to(directory / "log", Scene(ranked("a")))
    shutil.rmtree(directory)
    await heard.asked(scene)
    await heard.asked(scene)
    directory.mkdir()
    await heard.asked(scene)
    assert len(lines(directory / "log")) == 1
    assert ["lost until" in r.message or "2 lines were lost" in r.message for r in caplog.records] == [True, True]


def test_half_a_line_does_not_spoil_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = logging_to(tmp_path / "log", Scene(ranked("a")))
    write = os.write
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda fd, data: write(fd, data[:20]))
        run_virtual(heard.asked(scene))
    run_virtual(heard.asked(scene))
    torn, whole = (tmp_path / "log").read_text().splitlines()
    assert len(torn) == 20
    assert json.loads(whole)["outcome"] == "ok"


@pytest.mark.parametrize(
    "path", ["missing/log", "file/log", "directory"], ids=["no directory", "below a file", "a directory"]
)
def test_a_path_that_cannot_be_used_says_what_to_do(path: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "directory").mkdir()
    with pytest.raises(ConfigError, match=r"cannot be written \(.*\); name a file that you may write"):
        RequestLog(tmp_path / path)


@pytest.mark.parametrize("options", [{"max_bytes": 0}, {"backups": -1}], ids=["no size", "fewer than none"])
def test_numbers_out_of_range_are_refused(options: dict[str, int], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="max_bytes must be 1 or more and backups 0 or more"):
        RequestLog(tmp_path / "log", **options)  # type: ignore[arg-type]


@in_virtual_time
async def test_a_link_stays_and_the_file_behind_it_is_rotated(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "log")
    scene = logging_to(tmp_path / "link", Scene(ranked("a")), max_bytes=1000, backups=1)
    for _ in range(5):
        await heard.asked(scene)
    assert (tmp_path / "link").is_symlink()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["link", "log", "log.1"]


@in_virtual_time
async def test_after_close_the_next_request_opens_it_again(tmp_path: Path) -> None:
    hook = RequestLog(tmp_path / "log")
    scene = heard.listening(Scene(ranked("a")), hook)
    await heard.asked(scene)
    hook.close()
    await heard.asked(scene)
    assert len(lines(tmp_path / "log")) == 2


WRITER = """
import sys
from llm7router.hooks.lines import RotatedLines
lines = RotatedLines(sys.argv[1], 20_000, 200)
for number in range(2000):
    lines.write(f"{sys.argv[2]} {number} " + "x" * 60)
"""


def test_processes_share_a_file_and_lose_no_line_when_it_is_rotated(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path / "log")]
    writers = [subprocess.Popen([*command, name]) for name in ("p", "q", "r")]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    texts = [line.rsplit(" ", 1)[0] for file in tmp_path.iterdir() for line in file.read_text().splitlines()]
    assert sorted(texts) == sorted(f"{name} {number}" for name in "pqr" for number in range(2000))
    assert len(list(tmp_path.iterdir())) > 5
