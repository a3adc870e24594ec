"""What a process with a local model does beyond answering: print nothing, end cleanly, survive a fork."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from llm7router.calls.local import engines, errors, registry
from llm7router.calls.local.worker import Worker
from tests.local.conftest import CONTEXT, answer, local_deployment, needs_model, user

pytestmark = needs_model

BEGIN = """
import asyncio, contextlib, os, sys, threading, warnings
from llm7router.calls.local import errors, registry
from tests.local.conftest import answer, local_deployment, user

async def say(**parameters):
    worker = registry.worker(registry.ensure(local_deployment()))
    return (await answer(worker, user("Say hello."), **parameters)).content
"""


def run(script: str, engine: str) -> str:
    """The script's stdout; it must end well, without a word on stderr."""
    code = BEGIN + textwrap.dedent(script)
    environment = os.environ | {engines.VARIABLE: engine}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True, text=True, timeout=60, env=environment, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize(
    "script",
    [
        pytest.param("print(len(asyncio.run(say(max_tokens=4))) > 0)", id="after an answer"),
        pytest.param(
            """
            async def leave():
                chunks = registry.worker(registry.ensure(local_deployment())).chunks(user("Count."), {})
                await anext(chunks)
                print(True)
                sys.exit(0)  # in the middle of an answer
            asyncio.run(leave())
            """,
            id="in the middle of an answer",
        ),
        pytest.param(
            """
            def leave():
                with contextlib.suppress(errors.LocalFailedError):  # "was closed"
                    asyncio.run(say())
            threading.Thread(target=leave, daemon=True).start()
            while not registry._registry.by_handle:
                pass
            print(True)
            """,
            id="while the model is being loaded",
        ),
    ],
)
def test_the_interpreter_ends_silently_and_leaves_nothing_behind(
    engine_name: str, script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert run(script, engine_name) == "True\n"
    assert not [*tmp_path.iterdir()]  # no socket


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_starts_anew_and_the_parent_goes_on(engine_name: str) -> None:
    script = """
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking with threads, from Python 3.12 on
        first = asyncio.run(say(max_tokens=4, temperature=0))
        if (child := os.fork()) == 0:
            assert asyncio.run(say(max_tokens=4, temperature=0)) == first
            sys.exit(7)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        print(asyncio.run(say(max_tokens=4, temperature=0)) == first)
    """
    assert run(script, engine_name) == "True\n"


async def test_nothing_is_printed_and_nothing_of_others_is_lost(
    engine_name: str, model_file: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    import asyncio

    monkeypatch.setenv(engines.VARIABLE, engine_name)
    worker = Worker("quiet", lambda: engines.create(model_file, CONTEXT))
    task = asyncio.ensure_future(answer(worker, user("Say hello."), max_tokens=8))
    lines = 0
    while not task.done():  # loading and answering included
        os.write(1, b"line\n")
        lines += 1
        await asyncio.sleep(0.02)
    with pytest.raises(errors.LocalContextError):
        await answer(worker, user("Hello " * 3000))
    with pytest.raises(errors.LocalRequestError):
        await answer(worker, user("Hello"), temperature="hot")
    worker.close()
    assert capfd.readouterr() == ("line\n" * lines, "")


@pytest.mark.parametrize("kind", ["cut off in the middle", "all zeros after its first bytes"])
async def test_a_damaged_model_is_told_silently(
    engine_name: str, kind: str, model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd
) -> None:
    monkeypatch.setenv(engines.VARIABLE, engine_name)
    with model_file.open("rb") as good:
        (tmp_path / "bad.gguf").write_bytes(
            good.read(5_000_000) if kind == "cut off in the middle" else b"GGUF\3" + bytes(9000)
        )
    worker = registry.worker(registry.ensure(local_deployment(path=str(tmp_path / "bad.gguf"))))
    with pytest.raises(errors.LocalModelError, match=r"bad\.gguf: llama\.cpp cannot load this model.*damaged"):
        await answer(worker, user("Hi"))
    await registry.aclose()
    assert capfd.readouterr() == ("", "")
