"""How soon an edited router.yaml takes effect under load, and whether any request fails meanwhile.

    python -m tests.benchmarks.reload [--edits 20] [--per-s 50]

`llm7router serve` in a process of its own gets 50 requests a second. Each edit takes away the model that answered and
brings another, so that no measurement outweighs it; every third one before it leaves a file with faults, which must
change nothing. It ends with 1 if a request failed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from tests.benchmarks import load
from tests.benchmarks.gateway import BODY, KEY, gateway, router_yaml

WAIT_STEPS = 2000  # of 5 ms


def configuration(base_url: str, number: int) -> dict[str, Any]:
    """One of the benchmark's deployments alone."""
    config = router_yaml(base_url)
    provider = config["providers"]["p"]
    provider["models"] = [provider["models"][number]]
    return config


async def run(url: str, file: Path, base_url: str, edits: int, per_s: float) -> None:
    """Edit under load, and print."""
    headers = {"authorization": f"Bearer {KEY}"}
    sent: list[tuple[float, float, int, str]] = []  # begin and end in seconds, status, model

    async def ask(client: httpx.AsyncClient) -> None:
        began = time.perf_counter()
        answer = await client.post("/v1/chat/completions", json=BODY, headers=headers)
        model = answer.json().get("model", "") if answer.status_code == 200 else ""
        sent.append((began, time.perf_counter(), answer.status_code, model))

    async def load_forever(client: httpx.AsyncClient, tasks: asyncio.TaskGroup) -> None:
        while True:
            tasks.create_task(ask(client))
            await asyncio.sleep(1 / per_s)

    def write(text: str) -> None:
        file.with_name("edited").write_text(text)
        os.replace(file.with_name("edited"), file)

    effects = []
    async with httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as client, asyncio.TaskGroup() as tasks:
        loading = asyncio.create_task(load_forever(client, tasks))
        await asyncio.sleep(1)
        for number in range(1, edits + 1):
            if number % 3 == 0:
                write('{"version": 1, "providers": ')
                written = time.perf_counter()
                await asyncio.sleep(1)
                if len({model for at, _, _, model in sent if at > written}) > 1:
                    raise SystemExit("a file with faults changed who answers")
            wanted = f"p/m{number % 2}"
            began = time.perf_counter()
            write(json.dumps(configuration(base_url, number % 2)))
            for _ in range(WAIT_STEPS):
                await asyncio.sleep(0.005)
                if done := [at for at, _, _, model in sent if at > began and model == wanted]:
                    break
            else:
                raise SystemExit(f"edit {number} took no effect")
            effects.append(min(done) - began)
        loading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await loading
    failed = [status for _, _, status, _ in sent if status != 200]
    slowest = max(end - began for began, end, _, _ in sent)
    print(f"{edits} edits under {per_s:g} requests a second: {len(sent)} requests, {len(failed)} failed")
    print(f"seconds until an edit took effect: median {statistics.median(effects):.2f}, longest {max(effects):.2f}")
    print(f"slowest request {slowest * 1e3:.0f} ms")
    if failed:
        raise SystemExit(1)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--edits", type=int, default=20)
    parser.add_argument("--per-s", type=float, default=50)
    options = parser.parse_args()
    with load.upstream() as base_url, tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        with gateway(directory, base_url) as (url, _):
            file = directory / "router.yaml"
            load_once = load.load(url, KEY, BODY, requests=20, concurrency=2)
            asyncio.run(load_once)  # LiteLLM is imported by the first
            asyncio.run(run(url, file, base_url, options.edits, options.per_s))


if __name__ == "__main__":
    main()
