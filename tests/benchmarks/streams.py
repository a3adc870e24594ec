"""Streams: what the gate adds to the first token and to each chunk, and many streams at once through the gateway.

    python -m tests.benchmarks.streams [--rounds 5] [--many 200 1000]

The gate is measured in process, beside the bare `litellm.acompletion(stream=True)`. Many streams run through
`llm7router serve`, beside a process that makes the same calls with LiteLLM alone; memory is the peak of each process.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from tests.benchmarks import load
from tests.benchmarks.gateway import BODY, KEY, gateway, router_yaml

HELLO = [{"role": "user", "content": "Hello!"}]
CHUNKS = 60
Case = Callable[[], AsyncIterator[Any]]


def bare(litellm: Any, base_url: str) -> Case:
    """LiteLLM alone."""

    async def stream() -> AsyncIterator[Any]:
        wrapper = await litellm.acompletion(
            model="hosted_vllm/m0", messages=HELLO, api_base=base_url, api_key="unused", max_tokens=1024, stream=True,
            max_retries=0, num_retries=0, drop_params=True, timeout=300, stream_options={"include_usage": True},
        )  # fmt: skip
        async for chunk in wrapper:
            if chunk.choices and chunk.choices[0].delta.content:
                yield chunk

    return stream


async def gate(base_url: str, rounds: int, streams: int) -> None:
    """Print the ratio of first tokens, and the CPU that each chunk costs more."""
    from llm7router import LLMRouter
    from llm7router.calls import litellm_api

    router = LLMRouter(router_yaml(base_url), env={})

    async def ours() -> AsyncIterator[Any]:
        async for chunk in router.stream(HELLO, max_tokens=1024):
            if chunk.content:
                yield chunk

    cases: dict[str, Case] = {"litellm": bare(await litellm_api.load(), base_url), "llm7router": ours}
    first: dict[str, list[float]] = {name: [] for name in cases}
    cpu: dict[str, list[float]] = {name: [] for name in cases}
    for case in cases.values():
        async for _ in case():
            pass
    for _ in range(rounds):
        for name, case in cases.items():
            began_cpu, count = time.process_time(), 0
            for _ in range(streams):
                began, seen = time.perf_counter(), False
                async for _chunk in case():
                    if not seen:
                        seen = True
                        first[name].append(time.perf_counter() - began)
                    count += 1
            cpu[name].append((time.process_time() - began_cpu) / count)
            assert count == streams * CHUNKS, count
    await router.aclose()
    firsts = {name: statistics.median(values) for name, values in first.items()}
    cpus = {name: statistics.median(values) for name, values in cpu.items()}
    print(f"{'':12} {'first token ms':>15} {'ratio':>6} {'CPU us a chunk':>15} {'more':>6}")
    for name in cases:
        print(
            f"{name:12} {firsts[name] * 1e3:15.2f} {firsts[name] / firsts['litellm']:6.2f} "
            f"{cpus[name] * 1e6:15.0f} {(cpus[name] - cpus['litellm']) * 1e6:6.0f}"
        )


async def alone(base_url: str, count: int) -> None:
    """The same streams with LiteLLM alone; prints the peak memory in MB and how many were whole."""
    from llm7router.calls import litellm_api

    case = bare(await litellm_api.load(), base_url)

    async def one() -> int:
        return sum([1 async for _ in case()])

    found = await asyncio.gather(*(one() for _ in range(count)), return_exceptions=True)
    print(json.dumps([peak_mb("self"), sum(chunks == CHUNKS for chunks in found)]))


def peak_mb(pid: int | str) -> float:
    """The most memory that a process has taken, in MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def many(base_url: str, count: int) -> None:
    """Print what became of so many streams at once."""
    settings = {"server": {"in_flight": count}}
    if count > 500:  # two cores take their time for the first chunk of each
        settings["timeouts"] = {"first_token_s": 120, "attempt_s": 300, "total_s": 300, "between_tokens_s": 120}
    with tempfile.TemporaryDirectory() as directory, gateway(Path(directory), base_url, **settings) as (url, process):
        warm = asyncio.run(load.load(url, KEY, {**BODY, "stream": True}, requests=2, concurrency=1))
        assert not warm.broken, warm.statuses
        seen = asyncio.run(load.load(url, KEY, {**BODY, "stream": True}, requests=count, concurrency=count))
        ours = peak_mb(process.pid)
    whole = seen.statuses.get(200, 0) - seen.broken
    code = f"import asyncio; from tests.benchmarks.streams import alone; asyncio.run(alone({base_url!r}, {count}))"
    theirs, theirs_whole = json.loads(subprocess.check_output([sys.executable, "-c", code]))
    print(
        f"{count} streams of {CHUNKS}: {count - whole} lost, {seen.chunks / seen.took_s:.0f} chunks a second, "
        f"peak {ours:.0f} MB, {ours / theirs:.2f} x LiteLLM alone ({theirs:.0f} MB, {count - theirs_whole} lost)"
    )


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--streams", type=int, default=10)
    parser.add_argument("--many", type=int, nargs="*", default=[200, 1000])
    options = parser.parse_args()
    with load.upstream(chunks=CHUNKS) as base_url:
        asyncio.run(gate(base_url, options.rounds, options.streams))
    for count in options.many:
        with load.upstream(chunks=CHUNKS, gap_s=0.05) as base_url, contextlib.suppress(KeyboardInterrupt):
            many(base_url, count)


if __name__ == "__main__":
    main()
