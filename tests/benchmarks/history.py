"""What usage history costs a request, and its thread: `python -m tests.benchmarks.history`."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from timeit import repeat

from llm7router.config.history_models import REFERENCE
from llm7router.events import OK, RequestEvent
from llm7router.history import Key, Usage
from llm7router.history.database import SqliteHistory
from llm7router.history.report import Report, since
from llm7router.testing import START_AT
from llm7router.types import AttemptRecord, CompletionResult, Decision, Request, TaskType
from tests.history.kept import history

TARGET_US = 25
HOUR = int(START_AT)


def event() -> RequestEvent:
    """A request that was answered by the second that was asked."""
    failed = AttemptRecord("groq/openai/gpt-oss-120b", False, None, "", 500, 1.0)
    answered = AttemptRecord("openrouter/x:free", True, None, "", 200, 1.0)
    request = Request("id", TaskType.CHAT, 10, caller="ann")
    decision = Decision(request, (), (), START_AT)
    result = CompletionResult(
        "Hi", "openrouter", "x:free", 0.0, 1.0, 10, 5, "stop", (), None, decision, (failed, answered), "id"
    )
    return RequestEvent(START_AT, request, OK, 2.0, False, decision, (failed, answered), result=result)


def quarter() -> dict[Key, Usage]:
    """90 days of 20 rows an hour."""
    usage = Usage(5, 5, calls=5, tokens_input=500, tokens_output=500, latency=dict.fromkeys(range(60, 75), 1))
    names = [(provider, task) for provider in "abcd" for task in ("chat", "code", "reasoning", "extract", "creative")]
    return {Key(HOUR - ago * 3600, p, "m", task, "ann"): usage for ago in range(90 * 24) for p, task in names}


def main() -> None:
    """Print medians."""
    with tempfile.TemporaryDirectory() as directory:
        kept, given, rounds = history(Path(directory)), event(), 5000
        times = sorted(repeat(partial(kept, given), number=rounds, repeat=9))
        median = times[len(times) // 2] / rounds * 1e6
        print(f"a request of two calls: {median:.1f} us, {median / TARGET_US:.2f} of the {TARGET_US} us target")
        store, rows = SqliteHistory(Path(directory)), quarter()
        few = dict(list(rows.items())[:20])
        store.add(rows, 0)
        print(f"writing 20 rows to a file of {len(rows):,}, in the thread: {_ms(partial(store.add, few, 0)):.1f} ms")
        print(f"reading 90 days, {len(rows):,} rows: {_ms(partial(store.read, 0)):.0f} ms")
        report = Report(store.read(0), since(START_AT, 90 * 24), START_AT, "provider", REFERENCE)
        print(f"grouping them by provider and over time: {_ms(lambda: (report.rows(), report.over_time(30))):.0f} ms")
        print(f"size of the file: {sum(f.stat().st_size for f in Path(directory).iterdir()) / 1e6:.1f} MB")
        kept.close()


def _ms(work: Callable[[], object]) -> float:
    """The median of five, after one that warms up."""
    work()
    times = []
    for _ in range(5):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return sorted(times)[2] * 1000


if __name__ == "__main__":
    main()
