"""examples/team-redis.yaml, as four processes of a team use it at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter

import pytest

from tests.guard import CANARY
from tests.readme_tables import ROOT
from tests.redis_server import RedisServer
from tests.upstream import Upstream

EXAMPLE = ROOT / "examples" / "team-redis.yaml"
PROCESSES, REQUESTS = 4, 12
LIMITS = {"groq": 30, "openrouter": 20}  # requests a minute, in the example: 50 for the 48 that are made

MEMBER = """
import asyncio, json, sys
from llm7router import LLMRouter
from llm7router.calls import litellm_api

litellm_api.load_now()  # seconds of work, so that all begin at the same time

async def main(path, requests):
    async with LLMRouter(path) as router:
        async def one():
            return (await router.complete([{"role": "user", "content": "Hello!"}], max_tokens=100)).provider
        router.stats()
        print("ready", flush=True)
        sys.stdin.readline()
        answers = await asyncio.gather(*(one() for _ in range(requests)))
        print(json.dumps([answers, router.stats().store, router.stats().trouble]))

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


def member(env: dict[str, str]) -> subprocess.Popen[str]:
    """One process of the team."""
    return subprocess.Popen(
        [sys.executable, "-c", MEMBER, str(EXAMPLE), str(REQUESTS)],
        env=env, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_four_processes_together_stay_within_the_limits_and_every_request_is_answered(
    redis_server: RedisServer, upstream: Upstream, capsys: pytest.CaptureFixture[str]
) -> None:
    with Upstream() as openrouter:
        env = {
            "PATH": os.environ["PATH"],
            "REDIS_URL": redis_server.url(),
            "GROQ_BASE_URL": upstream.base_url,
            "OPENROUTER_BASE_URL": openrouter.base_url,
            "GROQ_API_KEY": CANARY,
            "OPENROUTER_API_KEY": CANARY,
        }
        team = [member(env) for _ in range(PROCESSES)]
        for process in team:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in team:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        ended = [process.communicate(timeout=60) for process in team]
        arrived = {"groq": upstream.count, "openrouter": openrouter.count}
    said = "".join(err for _, err in ended)
    assert [process.returncode for process in team] == [0] * PROCESSES, said
    reports = [json.loads(out) for out, _ in ended]
    answered = Counter(provider for answers, _, _ in reports for provider in answers)
    with capsys.disabled():
        print(f"\n{PROCESSES} processes x {REQUESTS} requests: {arrived} arrived, limits {LIMITS} a minute")
    assert [report[1:] for report in reports] == [["redis", None]] * PROCESSES
    assert answered.total() == PROCESSES * REQUESTS
    assert all(arrived[provider] <= limit for provider, limit in LIMITS.items())
    assert arrived == dict(answered), "nothing was sent in vain"
    assert CANARY not in said + "".join(out for out, _ in ended)
    stored = str([redis_server.admin.hgetall(key) for key in redis_server.admin.keys("{llm7router:*}")])
    assert CANARY not in stored
    assert "Hello!" not in stored


def test_the_example_is_valid_and_asks_for_nothing_but_keys(tmp_path: os.PathLike[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "llm7router", "validate", "-c", str(EXAMPLE)],
        env={"PATH": os.environ["PATH"], "GROQ_API_KEY": "x", "OPENROUTER_API_KEY": "x"},
        cwd=tmp_path, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert "skipped" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
