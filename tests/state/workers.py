"""What the worker processes of `test_processes` do. Each has its own ledger on the store that all share."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from llm7router.clock import SystemClock
from llm7router.config.models import StateConfig
from llm7router.state.ledger import Ledger
from llm7router.state.quota import LEASE_GRACE_S, Refusal
from llm7router.state.store import Store, open_store, redis_client
from llm7router.types import Deployment, Failure, Limit, Outcome
from tests import make

# A fork server that has imported all this makes a real process, with a process id of its own, in a few milliseconds.
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(
    ["tests.state.workers", "llm7router.router", "llm7router.state.store.disk", "llm7router.state.store.redis"]
)
REQUESTS, TOKENS = 500, 10**9
REQUEST = make.request(prompt_tokens=100, max_tokens=900)  # reserves 1,000 tokens
SEED = 2026


def store_at(place: str) -> Store:
    """The store at a directory, or at a Redis address."""
    if "://" in place:
        return open_store(StateConfig(store=place))
    return open_store(StateConfig(store="disk", path=place))


def deployment(requests: int = REQUESTS) -> Deployment:
    """One deployment with four windows, of which only `requests` a month can become full."""
    limits: tuple[Limit, ...] = (
        make.limit("requests", "month", requests),
        make.limit("requests", "minute", 10**9),
        make.limit("tokens", "minute", TOKENS),
        make.limit("tokens", "day", TOKENS),
    )
    return make.deployment("alpha/one", limits=limits)


def used(place: str, name: str) -> int:
    """What the store says is used of a window."""
    store = store_at(place)
    cells = store.read_now()
    store.close()
    return cells["alpha@0/one"].windows[name].total if "alpha@0/one" in cells else 0


async def take(place: str, tries: int, pipe: Connection) -> None:
    """Reserve so many times, starting together with the others; sends how many were admitted."""
    ledger, model, admitted = Ledger(store_at(place), SystemClock()), deployment(), 0
    await ledger.snapshot(())
    pipe.send("ready")
    pipe.recv()
    for _ in range(tries):
        result = await ledger.reserve(REQUEST, model, lease_s=60)
        admitted += not isinstance(result, Refusal)
    pipe.send((admitted, ledger.trouble))
    ledger.close()


async def settle(place: str, tries: int, pipe: Connection) -> None:
    """Reserve and settle; sends requests and tokens that were really used, and what a refused one met."""
    ledger, model, rng = Ledger(store_at(place), SystemClock()), deployment(), random.Random(SEED + os.getpid())
    await ledger.snapshot(())
    pipe.send("ready")
    pipe.recv()
    requests = tokens = 0
    for _ in range(tries):
        result = await ledger.reserve(REQUEST, model, lease_s=60, ignore_breaker=True)
        if isinstance(result, Refusal):
            continue
        if rng.random() < 0.3:  # never sent: everything is refunded
            await ledger.settle(result, Outcome(Failure.UNREACHABLE))
            continue
        output = rng.randrange(900)
        await ledger.settle(result, Outcome(prompt_tokens=100, output_tokens=output))
        requests, tokens = requests + 1, tokens + 100 + output
    pipe.send(((requests, tokens), ledger.trouble))
    ledger.close()


async def until_killed(place: str, log: Path, pipe: Connection) -> None:
    """Reserve for ever; each acknowledged reservation is one byte in `log`, written before the next begins."""
    ledger, model = Ledger(store_at(place), SystemClock()), deployment(10**9)
    await ledger.snapshot(())
    written = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    pipe.send("ready")
    pipe.recv()
    while True:
        await ledger.reserve(REQUEST, model, lease_s=60)
        os.write(written, b"." if ledger.trouble is None else b"!")


LEASE_S = 2.0  # of the lease that is held, its grace included


def one_at_a_time() -> Deployment:
    """A deployment that takes one request at a time."""
    return make.deployment("alpha/one", limits=(make.limit("concurrent", None, 1),))


async def hold(place: str, pipe: Connection) -> None:
    """Hold the one lease until killed."""
    ledger = Ledger(store_at(place), SystemClock())
    await ledger.snapshot(())
    pipe.send("ready")
    pipe.recv()
    held = await ledger.reserve(REQUEST, one_at_a_time(), lease_s=LEASE_S - LEASE_GRACE_S)
    pipe.send(not isinstance(held, Refusal) and ledger.trouble is None)
    await asyncio.sleep(60)


def run(work: Any, arguments: tuple[Any, ...], pipe: Connection) -> None:
    """The main function of a worker. On a busy machine, an answer may take longer than a request should wait for it."""
    redis_client.ANSWER_S = 10
    asyncio.run(work(*arguments, pipe))


@contextmanager
def workers(work: Any, *arguments: tuple[Any, ...]) -> Iterator[list[tuple[BaseProcess, Connection]]]:
    """One process for each of `arguments`, all waiting at the start; they are ended with the block."""
    started: list[tuple[BaseProcess, Connection]] = []
    for given in arguments:
        ours, theirs = CONTEXT.Pipe()
        process = CONTEXT.Process(target=run, args=(work, given, theirs), daemon=True)
        process.start()
        theirs.close()
        started.append((process, ours))
    try:
        for _, pipe in started:
            assert pipe.poll(30), "a worker did not start"
            assert pipe.recv() == "ready"
        for _, pipe in started:
            pipe.send("go")
        yield started
    finally:
        for process, pipe in started:
            process.kill()
            process.join(10)
            pipe.close()
