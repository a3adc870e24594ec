"""Many requests with faults through one gateway: what it has taken and not given back.

    python -m tests.benchmarks.soak [--requests 100000] [--faults 5]

Every fifth answer upstream is a 500, so of a thousand requests one or two meet four in a row and get a 503; whatever
else is not answered is lost. Memory is compared with that after the first tenth; descriptors and tasks with
those before the first request. Exit code 1 if a request was lost or a bound was passed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import multiprocessing
import os
import sys
import time
from typing import Any

from tests.benchmarks import load
from tests.benchmarks.gateway import BODY, router_yaml
from tests.server.gateway import KEY, Gateway

MOST_MB = 10.0
SPARE = 4  # descriptors and tasks that may come and go by themselves, such as a kept connection


def generate(pipe: Any, url: str, requests: int, stream: bool) -> None:
    """Make requests, and send back what became of them."""
    body = {**BODY, "stream": stream}
    seen = asyncio.run(load.load(url, KEY, body, requests=requests, concurrency=16))
    pipe.send((seen.statuses, seen.broken, seen.took_s))


def made(url: str, requests: int, stream: bool) -> tuple[dict[int, int], int, float]:
    """The same, in a process of its own."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=generate, args=(theirs, url, requests, stream), daemon=True)
    process.start()
    found: tuple[dict[int, int], int, float] = ours.recv()
    process.join()
    return found


def taken() -> tuple[float, int]:
    """Resident memory in MB, and open descriptors."""
    gc.collect()
    return load.rss_mb(os.getpid()), len(os.listdir("/proc/self/fd"))


def soak(gateway: Gateway, requests: int, step: int) -> tuple[int, list[float], float]:
    """How many were lost, memory after each step, and the seconds it took."""
    lost, refused, memory, took = 0, 0, list[float](), 0.0
    for done in range(0, requests, step):
        statuses, broken, seconds = made(gateway.url, step, stream=done // step % 5 == 4)
        refused += statuses.get(503, 0)
        lost += step - statuses.get(200, 0) - statuses.get(503, 0) + broken
        took += seconds
        memory.append(taken()[0])
        print(
            f"{done + step:7} requests: {memory[-1]:.1f} MB, {refused} refused, {lost} lost, {step / seconds:.0f} per s",
            flush=True,
        )
    return lost, memory, took


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--faults", type=int, default=5, help="every so many answers are a 500")
    options = parser.parse_args()
    step = max(1, options.requests // 20)
    with contextlib.ExitStack() as stack:
        base_url = stack.enter_context(load.upstream(faults=options.faults, chunks=5))
        gateway = stack.enter_context(Gateway(router_yaml(base_url)["providers"]))
        loops: list[asyncio.AbstractEventLoop] = []
        gateway.router.hooks.add(lambda _: None if loops else loops.append(asyncio.get_running_loop()))
        made(gateway.url, 50, stream=False)  # LiteLLM is imported by the first
        time.sleep(6)  # kept connections end after five seconds
        _, files = taken()
        tasks = len(asyncio.all_tasks(loops[0]))
        lost, memory, took = soak(gateway, options.requests, step)
        time.sleep(6)  # kept connections end after five seconds
        grown, (_, files_after), tasks_after = memory[-1] - memory[1], taken(), len(asyncio.all_tasks(loops[0]))
    print(f"{options.requests} requests in {took:.0f} s, {lost} lost; {grown:+.1f} MB since the first tenth (at most "
          f"{MOST_MB:g}); descriptors {files} -> {files_after}, tasks {tasks} -> {tasks_after}")  # fmt: skip
    if lost or grown > MOST_MB or files_after > files + SPARE or tasks_after > tasks + SPARE:
        sys.exit(1)


if __name__ == "__main__":
    main()
