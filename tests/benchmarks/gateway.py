"""The gateway beside litellm[proxy] and beside `LLMRouter.complete` in process, over the same fast upstream.

    python -m tests.benchmarks.gateway [--requests 128] [--rounds 3] [--starts 5]

Every server runs in a process of its own, and its CPU from the process's clock. The proxy is measured if
LLM7ROUTER_PROXY_PYTHON names a Python that has `litellm[proxy]` of the same version; all use the prefix `hosted_vllm/`.
Rounds are interleaved, those in process too; medians, of CPU the median of the ratios within each round. Everything
is started several times: of single starts of the same code, the ratio at one request at a time was from 0.98 to 1.39.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tests.benchmarks import load

KEY = "sk-llm7-" + "k" * 43
BODY = {"model": "auto", "messages": [{"role": "user", "content": "Hello!"}], "max_tokens": 1024}
LEVELS = (1, 16, 64)
LEAST = 8  # requests of each connection, so that what is measured is not how connections begin
# What is measured has a processor of its own, and the load and the upstream another, as if on another machine: three
# programs on two processors push each other's memory out of the caches, which is not what is compared here.
PROCESSORS = sorted(os.sched_getaffinity(0))[:2]
PROXY = "LLM7ROUTER_PROXY_PYTHON"


def router_yaml(base_url: str, **keys: Any) -> dict[str, Any]:
    """Four deployments with four limits each, as a person with a few keys has."""
    limits = [
        {"unit": unit, "window": window, "max": 10**9}
        for unit in ("requests", "tokens")
        for window in ("minute", "day")
    ]
    facts = {"cost": {"input": 0, "output": 0}, "context_window": 32000, "capabilities": ["streaming"]}
    models = [{"id": f"m{index}", "limits": limits, **facts} for index in range(4)]
    providers = {"p": {"base_url": base_url, "api_key": "unused", "models": models}}
    return {"version": 1, "state": {"store": "memory"}, "providers": providers, **keys}


@contextlib.contextmanager
def running(command: list[str], url: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A server of its own process, until the block ends."""
    process = subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    os.sched_setaffinity(process.pid, PROCESSORS[:1])
    try:
        asyncio.run(load.until_up(url, 120))
        yield process
    finally:
        process.terminate()
        process.wait(60)


@contextlib.contextmanager
def gateway(directory: Path, base_url: str, **keys: Any) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """`llm7router serve` over an upstream: its address and its process."""
    file, key = directory / "router.yaml", directory / "gateway.key"
    file.write_text(json.dumps(router_yaml(base_url, **keys)))
    key.write_text(KEY)
    key.chmod(0o600)
    port = load.free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "llm7router", "serve", "--config", str(file), "--key-file", str(key)]
    with running([*command, "--port", str(port)], url) as process:
        yield url, process


@contextlib.contextmanager
def proxy(directory: Path, base_url: str, python: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """litellm's proxy over the same upstream."""
    file = directory / "proxy.yaml"
    parameters = {"model": "hosted_vllm/m0", "api_base": base_url, "api_key": "unused"}
    models = [{"model_name": "auto", "litellm_params": {**parameters, "model": f"hosted_vllm/m{i}"}} for i in range(4)]
    file.write_text(json.dumps({"model_list": models, "general_settings": {"master_key": KEY}}))
    port = load.free_port()
    command = [str(Path(python).with_name("litellm")), "--config", str(file), "--port", str(port)]
    url = f"http://127.0.0.1:{port}"
    with running(command, url, LITELLM_LOCAL_MODEL_COST_MAP="True", LITELLM_LOG="ERROR") as process:
        yield url, process


async def in_process(base_url: str) -> None:
    """For each line `REQUESTS CONCURRENCY` that comes in, CPU milliseconds a call of `LLMRouter.complete`."""
    from llm7router import LLMRouter

    with contextlib.suppress(ImportError):
        import uvloop  # the gateway's loop, if it is there

        assert isinstance(asyncio.get_running_loop(), uvloop.Loop)
    router = LLMRouter(router_yaml(base_url), env={})
    messages = BODY["messages"]

    async def some(count: int) -> None:
        for _ in range(count):
            await router.complete(messages, max_tokens=1024)  # type: ignore[arg-type]

    await some(50)
    for line in sys.stdin:
        requests, level = map(int, line.split())
        began = time.process_time()
        await asyncio.gather(*(some(requests // level) for _ in range(level)))
        print((time.process_time() - began) / (requests // level * level) * 1e3, flush=True)
    await router.aclose()


@contextlib.contextmanager
def bare(base_url: str) -> Iterator[Callable[[int, int], float]]:
    """CPU milliseconds a call of `LLMRouter.complete` in a process that does nothing else, by requests and concurrency."""
    code = f"from tests.benchmarks.gateway import alone; alone({base_url!r})"
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    os.sched_setaffinity(process.pid, PROCESSORS[:1])
    asks, answers = process.stdin, process.stdout
    assert asks is not None
    assert answers is not None

    def measure(requests: int, level: int) -> float:
        print(requests, level, file=asks, flush=True)
        return float(answers.readline())

    try:
        yield measure
    finally:
        asks.close()
        process.wait(60)


def measured(url: str, process: subprocess.Popen[bytes], requests: int, level: int) -> tuple[float, float, float]:
    """Requests a second, CPU milliseconds a request, and the median of their milliseconds."""
    began = load.cpu_s(process.pid)
    seen = asyncio.run(load.load(url, KEY, BODY, requests=requests, concurrency=level))
    if seen.statuses != {200: requests} or seen.broken:
        raise SystemExit(f"{url}: not all were answered: {seen.statuses}, {seen.broken} broken")
    return seen.per_s, (load.cpu_s(process.pid) - began) / requests * 1e3, seen.quantile(0.5) * 1e3


class Figures(NamedTuple):
    """Of one server, or of `complete`, in one round. `ratio` is that of its CPU to `complete`'s in the same round."""

    per_s: float
    cpu_ms: float
    ratio: float
    median_ms: float


IN_PROCESS = "complete() in process"


def start(requests: int, rounds: Iterable[int], python: str | None) -> Iterator[tuple[int, str, Figures]]:
    """Start everything anew and measure it in these rounds, whose numbers say who is the first in each.

    Yields how many were at once, whose figures they are, and these.
    """
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        base_url = stack.enter_context(load.upstream())
        servers = {"llm7router serve": stack.enter_context(gateway(directory, base_url))}
        if python:
            servers["litellm[proxy]"] = stack.enter_context(proxy(directory, base_url, python))
        for url, process in servers.values():
            measured(url, process, 200, 4)  # LiteLLM is imported by the first
        complete = stack.enter_context(bare(base_url))
        complete(200, 4)
        names = (IN_PROCESS, *servers)
        for number in rounds:
            for level in LEVELS:
                found, count = {}, max(requests, LEAST * level)
                for name in (*names[number % len(names) :], *names[: number % len(names)]):
                    if name == IN_PROCESS:
                        found[name] = (0.0, complete(count, level), 0.0)
                    else:
                        found[name] = measured(*servers[name], count, level)
                base = found[IN_PROCESS][1]
                for name, (per_s, cpu_ms, median_ms) in found.items():
                    yield level, name, Figures(per_s, cpu_ms, cpu_ms / base, median_ms)


def compare(requests: int, rounds: int, starts: int) -> None:
    """Print the table."""
    python = os.environ.get(PROXY)
    os.sched_setaffinity(0, PROCESSORS[-1:])
    found: dict[tuple[int, str], list[list[Figures]]] = {}
    for number in range(starts):
        numbers = range(number * rounds, (number + 1) * rounds)
        here: dict[tuple[int, str], list[Figures]] = {}
        for level, name, figures in start(requests, numbers, python):
            here.setdefault((level, name), []).append(figures)
        for key, all_figures in here.items():
            found.setdefault(key, []).append(all_figures)
    print(
        f"{'':22} {'at once':>7} {'per s':>7} {'ratio':>6} {'median ms':>10} {'CPU ms':>7} {'ratio':>6}  of each start"
    )
    for level in LEVELS:
        first = 0.0
        for name in (IN_PROCESS, "llm7router serve", "litellm[proxy]"):
            if (level, name) not in found:
                continue
            by_start = found[level, name]
            per_s, cpu_ms, ratio, median_ms = (
                statistics.median(column) for column in zip(*(one for part in by_start for one in part), strict=True)
            )
            first = first or per_s
            wire = f"{per_s:7.0f} {first / per_s:6.2f} {median_ms:10.2f}" if per_s else f"{'':25}"
            each = " ".join(f"{statistics.median(one.ratio for one in part):.2f}" for part in by_start)
            print(f"{name:22} {level:7} {wire} {cpu_ms:7.2f} {ratio:6.2f}  {each}")
    if not python:
        print(f"litellm[proxy] was not measured: {PROXY} is not set")


def alone(base_url: str) -> None:
    """`in_process` on the loop that the gateway uses."""
    factory = None
    with contextlib.suppress(ImportError):
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(in_process(base_url))


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--starts", type=int, default=5)
    options = parser.parse_args()
    compare(options.requests, options.rounds, options.starts)


if __name__ == "__main__":
    main()
