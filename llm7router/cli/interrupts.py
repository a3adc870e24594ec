"""What Ctrl-C does while something runs on the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import Coroutine, Iterator
from types import FrameType
from typing import Any, TypeVar

from llm7router.cli.exits import leave

T = TypeVar("T")

GRACE_S = 1.0  # to close connections and to write down what was used


class Loop:
    """One event loop for all turns of a conversation. It runs in the main thread, between the questions."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()

    def run(self, work: Coroutine[Any, Any, T], *, grace_s: float | None = None) -> T:
        """What `work` returns. Ctrl-C cancels it, waits until it has cleaned up and raises KeyboardInterrupt.

        A second Ctrl-C, or `grace_s` seconds after the first, ends the program.
        """
        try:
            loop = self._runner.get_loop()
        except RuntimeError:  # closed already
            work.close()
            raise
        task = loop.create_task(work)
        with _interrupts_cancel(loop, task, grace_s):
            try:
                return loop.run_until_complete(task)
            except asyncio.CancelledError:
                raise KeyboardInterrupt from None

    def close(self) -> None:
        """Close the loop. Waits for LiteLLM if it is being imported."""
        self._runner.close()


def run(work: Coroutine[Any, Any, T]) -> T:
    """What `work` returns, on a loop of its own. Ctrl-C raises KeyboardInterrupt and waits for nothing else."""
    loop = Loop()
    try:
        result = loop.run(work)
    except KeyboardInterrupt:
        raise
    except BaseException:
        loop.close()
        raise
    loop.close()
    return result


@contextlib.contextmanager
def _interrupts_cancel(
    loop: asyncio.AbstractEventLoop, task: asyncio.Task[Any], grace_s: float | None
) -> Iterator[None]:
    pressed = False

    def interrupted(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        if pressed:
            leave()
        pressed = True
        loop.call_soon_threadsafe(task.cancel)  # thread-safe because that wakes the loop up
        if grace_s is not None:
            loop.call_soon_threadsafe(loop.call_later, grace_s, leave)

    in_main_thread = threading.current_thread() is threading.main_thread()
    if not in_main_thread or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield  # whoever started us ignores or handles interrupts
        return
    signal.signal(signal.SIGINT, interrupted)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
