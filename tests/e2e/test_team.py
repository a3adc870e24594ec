"""examples/team-redis.yaml, as four processes of a team use it at once."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests import checkout
from tests.guard import CANARY
from tests.readme_tables import ROOT
from tests.redis_server import RedisServer
from tests.upstream import Upstream

EXAMPLE = ROOT / "examples" / "team-redis.yaml"
PROCESSES, REQUESTS = 4, 12
LIMITS = {"groq": 30, "openrouter": 20}  # requests a minute, in the example: 50 for the 48 that are made

# A server that loads the program once and then forks its workers, as gunicorn's `preload_app` does.
TEAM = """
import asyncio, json, os, sys
from llm7router import LLMRouter
from llm7router.calls import litellm_api

async def work(path, requests):
    async with LLMRouter(path) as router:
        async def one():
            return (await router.complete([{"role": "user", "content": "Hello!"}], max_tokens=100)).provider
        answers = await asyncio.gather(*(one() for _ in range(requests)))
        stats = router.stats()
        os.write(1, json.dumps([os.getpid(), answers, stats.store, stats.trouble]).encode() + b"\\n")

path, processes, requests = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
litellm_api.load_now()
children = []
for _ in range(processes):
    if not (child := os.fork()):
        asyncio.run(work(path, requests))
        os._exit(0)
    children.append(child)
sys.exit(max(os.waitpid(child, 0)[1] for child in children))
"""


@pytest.mark.slow
def test_four_processes_together_stay_within_the_limits_and_every_request_is_answered(
    redis_server: RedisServer, upstream: Upstream, capsys: pytest.CaptureFixture[str]
) -> None:
    with Upstream() as openrouter:
        env = checkout.environment(
            REDIS_URL=redis_server.url(),
            GROQ_BASE_URL=upstream.base_url,
            OPENROUTER_BASE_URL=openrouter.base_url,
            GROQ_API_KEY=CANARY,
            OPENROUTER_API_KEY=CANARY,
        )
        team = subprocess.run(
            [sys.executable, "-c", TEAM, str(EXAMPLE), str(PROCESSES), str(REQUESTS)],
            env=env, cwd=ROOT, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        arrived = {"groq": upstream.count, "openrouter": openrouter.count}
    assert team.returncode == 0, team.stderr
    reports = [json.loads(line) for line in team.stdout.splitlines()]
    assert len({pid for pid, *_ in reports}) == PROCESSES
    answered = Counter(provider for _, answers, *_ in reports for provider in answers)
    with capsys.disabled():
        print(f"\n{PROCESSES} processes x {REQUESTS} requests: {arrived} arrived, limits {LIMITS} a minute")
    assert [report[2:] for report in reports] == [["redis", None]] * PROCESSES
    assert answered.total() == PROCESSES * REQUESTS
    assert all(arrived[provider] <= limit for provider, limit in LIMITS.items())
    assert arrived == dict(answered), "nothing was sent in vain"
    assert CANARY not in team.stdout + team.stderr
    stored = str([redis_server.admin.hgetall(key) for key in redis_server.admin.keys("{llm7router:*}")])
    assert CANARY not in stored
    assert "Hello!" not in stored


def test_the_example_is_valid_and_asks_for_nothing_but_keys(redis_server: RedisServer, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "llm7router", "validate", "-c", str(EXAMPLE)],
        env=checkout.environment(REDIS_URL=redis_server.url(), GROQ_API_KEY="x", OPENROUTER_API_KEY="x"),
        cwd=tmp_path, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 of 2 deployments" in done.stdout
