"""CPU per call against a local upstream: the router, bare LiteLLM by prefix, and litellm.Router.

    python -m tests.benchmarks.calls [--calls 100] [--rounds 5]

The upstream runs in another process, so its CPU does not count. Cases are interleaved; medians over the rounds.
litellm.Router comes last, with the bare call beside it: it registers callbacks for the whole process, and all calls
then have LiteLLM's records made.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from llm7router import LLMRouter
from llm7router.calls import litellm_api
from llm7router.state.store.disk import DiskStore
from llm7router.state.store.memory import MemoryStore
from tests.upstream import Upstream
from tests.upstream_behaviours import completion

HELLO = [{"role": "user", "content": "Hello!"}]
Case = Callable[[], Awaitable[Any]]
BARE = "hosted_vllm/ (bare)"


def serve(pipe: Connection) -> None:
    """An upstream that answers at once, until the pipe closes."""
    with Upstream() as upstream:
        # `groq/` fails on a good answer without a service tier.
        upstream.always("json_body", {**completion("Hello!"), "service_tier": "on_demand"})
        pipe.send(upstream.base_url)
        with contextlib.suppress(EOFError):
            pipe.recv()


@contextlib.contextmanager
def upstream_process() -> Iterator[str]:
    """Its base URL."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs,), daemon=True)
    process.start()
    theirs.close()
    yield ours.recv()
    ours.close()
    process.join(5)


def router(base_url: str, store: Any) -> LLMRouter:
    """Four deployments with four limits each, as a person with a few keys has."""
    limits = [
        {"unit": unit, "window": window, "max": 10**9}
        for unit in ("requests", "tokens")
        for window in ("minute", "day")
    ]
    models = [
        {"id": f"m{i}", "cost": {"input": 0, "output": 0}, "context_window": 32000, "limits": limits} for i in range(4)
    ]
    providers = {"p": {"base_url": base_url, "api_key": "unused", "models": models}}
    return LLMRouter({"version": 1, "providers": providers}, env={}, store=store)


async def cases(base_url: str, directory: Path) -> dict[str, Case]:
    """Every way to make the same call."""
    litellm = await litellm_api.load()
    fixed: dict[str, Any] = {
        "messages": HELLO, "api_base": base_url, "api_key": "unused", "max_tokens": 1024,
        "max_retries": 0, "num_retries": 0, "drop_params": True, "timeout": 40,
    }  # fmt: skip
    memory, disk = router(base_url, MemoryStore()), router(base_url, DiskStore(directory))
    bare = {
        prefix: (lambda prefix=prefix: litellm.acompletion(model=f"{prefix}m0", **fixed))
        for prefix in ("openai/", "groq/", "openrouter/")
    }
    return {
        BARE: lambda: litellm.acompletion(model="hosted_vllm/m0", **fixed),
        "llm7router, memory store": lambda: memory.complete(HELLO),
        "llm7router, disk store": lambda: disk.complete(HELLO),
        **bare,
    }


async def with_their_router(base_url: str, bare: Case) -> dict[str, Case]:
    """The bare call, and litellm.Router over four deployments. Its callbacks stay with the process."""
    litellm = await litellm_api.load()
    theirs = litellm.Router(
        model_list=[
            {
                "model_name": "m",
                "litellm_params": {"model": f"hosted_vllm/m{i}", "api_base": base_url, "api_key": "unused"},
            }
            for i in range(4)
        ],
        num_retries=0,
    )
    return {
        BARE: bare,
        "litellm.Router, 4 deployments": lambda: theirs.acompletion(model="m", messages=HELLO, max_tokens=1024),
    }


async def measure(made: dict[str, Case], calls: int, rounds: int) -> None:
    """Print CPU and wall time per call as ratios to the bare call on the same path."""
    cpu: dict[str, list[float]] = {name: [] for name in made}
    wall: dict[str, list[float]] = {name: [] for name in made}
    for case in made.values():
        for _ in range(10):
            await case()
    for _ in range(rounds):
        for name, case in made.items():
            began_cpu, began = time.process_time(), time.perf_counter()
            for _ in range(calls):
                await case()
            cpu[name].append((time.process_time() - began_cpu) / calls)
            wall[name].append((time.perf_counter() - began) / calls)
    base_cpu, base_wall = statistics.median(cpu[BARE]), statistics.median(wall[BARE])
    print(f"{'':32} {'CPU ms':>8} {'ratio':>6} {'wall ms':>8} {'ratio':>6}")
    for name in made:
        c, w = statistics.median(cpu[name]), statistics.median(wall[name])
        print(f"{name:32} {c * 1e3:8.2f} {c / base_cpu:6.2f} {w * 1e3:8.2f} {w / base_wall:6.2f}")


async def all_of_it(base_url: str, calls: int, rounds: int, directory: Path) -> None:
    """Both tables."""
    made = await cases(base_url, directory)
    await measure(made, calls, rounds)
    await measure(await with_their_router(base_url, made[BARE]), calls, rounds)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with upstream_process() as base_url, tempfile.TemporaryDirectory() as directory:
        asyncio.run(all_of_it(base_url, options.calls, options.rounds, Path(directory) / "state"))


if __name__ == "__main__":
    sys.exit(main())
