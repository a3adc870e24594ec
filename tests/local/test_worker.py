"""The thread and the queue of a model, with an engine that does as it is told."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from llm7router.calls.local.answers import delta
from llm7router.calls.local.engines import Emit
from llm7router.calls.local.errors import LocalBusyError, LocalFailedError, LocalModelError
from llm7router.calls.local.worker import Worker
from tests.local.conftest import answer, seconds_until, user


class FakeEngine:
    """Writes one token each `pause_s`, without end unless the request has `tokens`; holds on while `gate` is shut."""

    def __init__(self, pause_s: float = 0.002) -> None:
        self.pause_s = pause_s
        self.gate = threading.Event()
        self.gate.set()
        self.load_errors: list[Exception] = []
        self.events: list[str] = []
        self.threads: set[int] = set()

    def load(self) -> None:
        self.events.append("load")
        self.threads.add(threading.get_ident())
        if self.load_errors:
            raise self.load_errors.pop()

    def generate(self, messages: Sequence[Mapping[str, Any]], parameters: Mapping[str, Any], emit: Emit) -> None:
        self.events.append(f"generate {messages[0]['content']}")
        self.threads.add(threading.get_ident())
        while not self.gate.wait(0.01):
            if emit(None):
                return
        for _ in range(parameters.get("tokens", 10**9)):
            time.sleep(self.pause_s)
            if emit(delta({"content": "x"})):
                self.events.append("stopped")
                return
        if "error" in parameters:
            raise parameters["error"]

    def close(self) -> None:
        self.events.append("close")


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def worker(engine: FakeEngine):
    worker = Worker("fake", lambda: engine)
    yield worker
    engine.gate.set()
    worker.close()


async def test_the_model_is_loaded_at_first_use_and_kept_in_one_thread(engine: FakeEngine, worker: Worker) -> None:
    assert engine.events == []
    assert (await answer(worker, user("a"), tokens=3)).content == "xxx"
    assert (await answer(worker, user("b"), tokens=1)).content == "x"
    assert engine.events == ["load", "generate a", "generate b"]
    assert len(engine.threads) == 1
    assert threading.get_ident() not in engine.threads


async def test_the_event_loop_stays_free_while_the_model_works(engine: FakeEngine, worker: Worker) -> None:
    engine.pause_s = 0.02
    task = asyncio.ensure_future(answer(worker, user("a"), tokens=10))
    longest, last = 0.0, time.monotonic()
    while not task.done():
        await asyncio.sleep(0.001)
        now = time.monotonic()
        longest, last = max(longest, now - last), now
    assert longest < 0.1


async def test_four_requests_may_wait_and_a_fifth_is_refused_at_once(engine: FakeEngine, worker: Worker) -> None:
    engine.gate.clear()
    running = asyncio.ensure_future(answer(worker, user("0"), tokens=1))
    await asyncio.to_thread(seconds_until, lambda: "generate 0" in engine.events, 1.0)
    waiting = [asyncio.ensure_future(answer(worker, user(f"{number}"), tokens=1)) for number in range(1, 5)]
    await asyncio.sleep(0)
    assert worker.depth == 5
    with pytest.raises(LocalBusyError, match="4 requests wait"):
        await answer(worker, user("5"), tokens=1)
    engine.gate.set()
    await asyncio.gather(running, *waiting)
    assert engine.events == ["load", *(f"generate {number}" for number in range(5))]  # in the order they came


async def test_a_cancelled_request_that_waits_gives_its_place_up_and_is_never_begun(
    engine: FakeEngine, worker: Worker
) -> None:
    engine.gate.clear()
    running = asyncio.ensure_future(answer(worker, user("0"), tokens=1))
    waiting = asyncio.ensure_future(answer(worker, user("1"), tokens=1))
    await asyncio.sleep(0.05)
    assert worker.depth == 2
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert worker.depth == 1
    engine.gate.set()
    await running
    assert "generate 1" not in engine.events


@pytest.mark.parametrize("how", ["cancelled", "closed", "timed out", "dropped"])
async def test_a_reader_that_leaves_stops_the_generation(engine: FakeEngine, worker: Worker, how: str) -> None:
    chunks = worker.chunks(user("endless"), {})
    await anext(chunks)
    if how == "closed":
        await chunks.aclose()
    elif how == "dropped":
        del chunks
        gc.collect()
        await asyncio.sleep(0.01)  # the loop's hook closes it
    elif how == "timed out":
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(_exhaust(chunks), 0.02)
    else:
        task = asyncio.ensure_future(_exhaust(chunks))
        await asyncio.sleep(0.02)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await asyncio.to_thread(seconds_until, lambda: worker.depth == 0, 0.2)
    assert engine.events[-1] == "stopped"


def test_a_loop_that_was_closed_stops_the_generation(engine: FakeEngine, worker: Worker) -> None:
    loop = asyncio.new_event_loop()
    chunks = worker.chunks(user("endless"), {})
    loop.run_until_complete(anext(chunks))
    loop.close()
    seconds_until(lambda: worker.depth == 0, 0.2)


def test_one_model_serves_several_event_loops(engine: FakeEngine, worker: Worker) -> None:
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(asyncio.run(answer(worker, user("a"), tokens=5)).content))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == ["xxxxx"] * 3


async def test_an_error_of_the_engine_ends_its_request_only(worker: Worker) -> None:
    with pytest.raises(LocalFailedError, match="fake: ZeroDivisionError: by zero"):
        await answer(worker, user("a"), tokens=1, error=ZeroDivisionError("by zero"))
    assert (await answer(worker, user("b"), tokens=1)).content == "x"


@pytest.mark.parametrize(
    "error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit(), asyncio.CancelledError()], ids=repr
)
async def test_a_model_that_wants_to_end_the_program_ends_its_request_only(
    worker: Worker, error: BaseException
) -> None:
    with pytest.raises(LocalFailedError, match=f"fake: {type(error).__name__}"):
        await asyncio.wait_for(answer(worker, user("a"), tokens=1, error=error), 2)
    assert (await asyncio.wait_for(answer(worker, user("b"), tokens=1), 2)).content == "x"


async def test_loading_is_tried_again_after_it_failed(engine: FakeEngine, worker: Worker) -> None:
    engine.load_errors.append(LocalModelError("no such file", "correct the path"))
    with pytest.raises(LocalModelError, match="no such file; correct the path"):
        await answer(worker, user("a"), tokens=1)
    assert (await answer(worker, user("b"), tokens=1)).content == "x"
    assert engine.events == ["load", "close", "load", "generate b"]


async def test_closing_stops_what_runs_refuses_what_waits_and_frees_the_model(
    engine: FakeEngine, worker: Worker
) -> None:
    tasks = [asyncio.ensure_future(answer(worker, user(f"{number}"))) for number in range(2)]
    await asyncio.to_thread(seconds_until, lambda: "generate 0" in engine.events, 1.0)
    await asyncio.to_thread(worker.close)
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result) for result in results] == [LocalFailedError, LocalFailedError]
    assert engine.events == ["load", "generate 0", "stopped", "close"]
    with pytest.raises(LocalFailedError, match="was closed"):
        await answer(worker, user("2"))


async def _exhaust(chunks: Any) -> None:
    async for _ in chunks:
        pass
