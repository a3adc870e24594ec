"""Keys and prompts go to one place only: never to another host, an outcome, a log or stdout."""

from __future__ import annotations

import gc
import logging
import subprocess
import sys
from collections.abc import Iterator

import pytest

from llm7router.calls import litellm_api
from llm7router.calls.backend import LiteLLMBackend
from llm7router.types import Outcome
from tests import upstream_behaviours as behave
from tests.calls.helpers import call, deployment, make
from tests.guard import CANARY
from tests.upstream import Upstream

OTHER_KEYS = ("OPENAI_API_KEY", "HOSTED_VLLM_API_KEY", "OPENAI_LIKE_API_KEY", "LITELLM_API_KEY", "GROQ_API_KEY",
              "OPENROUTER_API_KEY")  # fmt: skip


@pytest.fixture
def foreign_keys(monkeypatch: pytest.MonkeyPatch) -> str:
    """Keys of other providers in the environment."""
    for name in OTHER_KEYS:
        monkeypatch.setenv(name, f"foreign-{CANARY}")
    for name in ("OPENAI_ORGANIZATION", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, f"foreign-{CANARY}")
    return "foreign"


async def test_a_provider_without_a_key_gets_nobody_elses(
    backend: LiteLLMBackend, upstream: Upstream, foreign_keys: str, prefix: str, way: str
) -> None:
    for changes in ({"api_key": None}, {"send_authorization": False}, {}):
        await make(backend, way, call(deployment(upstream.base_url, prefix, **changes)))
        assert foreign_keys not in str(upstream.last.headers)
        assert foreign_keys.encode() not in upstream.last.raw
        assert not any(name.startswith("openai-") for name in upstream.last.headers)
    assert [request.headers.get("authorization") for request in upstream.requests] == [
        "Bearer unused", None, f"Bearer {CANARY}",
    ]  # fmt: skip


async def test_a_base_url_in_the_environment_moves_nothing(
    monkeypatch: pytest.MonkeyPatch, backend: LiteLLMBackend, upstream: Upstream, prefix: str, way: str
) -> None:
    with Upstream() as other:
        for name in ("OPENAI_BASE_URL", "OPENAI_API_BASE", "HOSTED_VLLM_API_BASE"):
            monkeypatch.setenv(name, other.base_url)
        await make(backend, way, call(upstream, prefix=prefix))
        assert (upstream.count, other.count) == (1, 0)


@pytest.fixture
def loud() -> Iterator[list[str]]:
    """Everything that any logger says, at any level."""
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield lines
    root.setLevel(level)
    root.removeHandler(handler)


@pytest.mark.parametrize("step", ["answer", "reset", ("status", 401), ("status", 500), "html"])
async def test_keys_are_in_no_log_at_any_level_and_nothing_is_printed(
    backend: LiteLLMBackend, upstream: Upstream, loud: list[str], capfd: pytest.CaptureFixture[str],
    step: str | tuple[str, int], prefix: str, way: str,
) -> None:  # fmt: skip
    upstream.always(step)
    outcome = await make(backend, way, call(upstream, prefix=prefix))
    assert not any(CANARY in line for line in loud)
    assert CANARY not in repr(outcome)
    assert capfd.readouterr().out == ""


async def test_a_failed_call_leaves_no_exception_behind(
    backend: LiteLLMBackend, upstream: Upstream, prefix: str, way: str
) -> None:
    upstream.always("status", 401, f"bad key {CANARY}")
    outcome = await make(backend, way, call(upstream, prefix=prefix))
    gc.collect()
    reachable, todo = set[int](), [outcome]
    while todo:
        one = todo.pop()
        if id(one) not in reachable and not isinstance(one, type):
            reachable.add(id(one))
            todo += gc.get_referents(one)
            assert not isinstance(one, BaseException)
            assert not (isinstance(one, str) and CANARY in one)
    assert isinstance(outcome, Outcome)


async def test_the_prompt_is_in_no_failure(backend: LiteLLMBackend, upstream: Upstream, prefix: str, way: str) -> None:
    prompt = "prompt-6c1d9f"
    for behaviour in (behave.status(400), behave.status(500), behave.html(), behave.reset(), behave.raw(b"{nope")):
        upstream.always(behaviour)
        outcome = await make(
            backend, way, call(upstream, messages=[{"role": "user", "content": prompt}], prefix=prefix)
        )
        assert not outcome.ok
        assert prompt not in repr(outcome)


SCRIPT = """
import asyncio, logging, sys
logging.basicConfig(level=logging.DEBUG)
from llm7router.calls.backend import LiteLLMBackend
from tests.calls.helpers import call, make

async def main():
    backend = LiteLLMBackend()
    for way in ("whole", "stream"):
        for prefix in ("hosted_vllm", "openai"):
            wanted = call(sys.argv[1], prefix=prefix, timeout_s=30, first_token_s=30)
            print((await make(backend, way, wanted)).failure)
    await backend.aclose()

asyncio.run(main())
"""


def test_a_program_that_logs_everything_prints_neither_key_nor_prompt(upstream: Upstream) -> None:
    upstream.script("m", ["answer", ("status", 500), "answer", ("status", 429)])
    ran = subprocess.run([sys.executable, "-c", SCRIPT, upstream.base_url], capture_output=True, text=True, timeout=60)
    assert ran.stdout.split("\n")[:4] == ["None", "server error", "None", "rate limited"], ran.stderr
    assert CANARY not in ran.stdout + ran.stderr
    assert litellm_api.ENVIRONMENT["LITELLM_LOG"] == "ERROR"
