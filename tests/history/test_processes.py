"""Real processes over one file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

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
