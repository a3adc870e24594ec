"""Scenarios in virtual time: sleeping costs nothing, and what happens is the same every time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, TypeVar

import async_solipsism

T = TypeVar("T")


def run_virtual(scenario: Coroutine[Any, Any, T]) -> T:
    """Run on a loop whose clock jumps over every wait."""
    with asyncio.Runner(loop_factory=async_solipsism.EventLoop) as runner:
        return runner.run(scenario)


def in_virtual_time(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Make a scenario a test."""

    @wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        run_virtual(test(*args, **kwargs))

    return run
