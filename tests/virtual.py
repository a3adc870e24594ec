"""Scenarios in virtual time: sleeping costs nothing, and what happens is the same every time."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import async_solipsism

T = TypeVar("T")


def run_virtual(scenario: Coroutine[Any, Any, T]) -> T:
    """Run on a loop whose clock jumps over every wait."""
    with asyncio.Runner(loop_factory=async_solipsism.EventLoop) as runner:
        return runner.run(scenario)
