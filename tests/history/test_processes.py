"""Real processes over one file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.history.kept import rows
from tests.history.workers import FLUSHES, REQUESTS, write
from tests.state.workers import workers

PROCESSES = 4


def test_processes_that_write_at_once_lose_nothing_that_was_flushed(tmp_path: Path) -> None:
    given = [(tmp_path / "state", f"process-{number}") for number in range(PROCESSES)]
    with workers(write, *given) as started:
        failed = []
        for _, pipe in started:
            assert pipe.poll(30)
            failed.append(pipe.recv())
    found = {key.caller: usage for key, usage in rows(tmp_path / "state").items()}
    assert found["all"].requests == PROCESSES * FLUSHES * REQUESTS
    assert {found[name].requests for _, name in given} == {FLUSHES * REQUESTS}
    assert failed == [0] * PROCESSES


def test_a_program_that_closes_nothing_loses_nothing_at_its_end(tmp_path: Path) -> None:
    code = f"""
from tests.router.scene import HELLO, config, ranked
from llm7router import LLMRouter
from llm7router.testing import ScriptedBackend
made = {{**config(ranked("a")), "state": {{"store": "disk", "path": {str(tmp_path / "state")!r}}}}}
router = LLMRouter(made, env={{}}, backend=ScriptedBackend())
for _ in range(3):
    router.complete_sync(HELLO)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert sum(usage.requests for usage in rows(tmp_path / "state").values()) == 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_that_looks_first_neither_hangs_nor_writes_what_its_parent_counted(tmp_path: Path) -> None:
    code = f"""
import os, signal
from pathlib import Path
from tests.history.kept import history
from tests.history.workers import event_of
kept = history(Path({str(tmp_path)!r}))
kept(event_of("ann"))
kept._lock.acquire()  # as if the fork came while the thread was counting
child = os.fork()
if not child:
    signal.alarm(10)
    kept.report(1)
    os._exit(0)
kept._lock.release()
assert os.waitpid(child, 0)[1] == 0
kept.close()
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    assert sum(usage.requests for usage in rows(tmp_path).values()) == 1
