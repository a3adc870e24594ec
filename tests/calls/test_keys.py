"""Keys and prompts go to one place only: never to another host, an outcome, a log or stdout."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator

import pytest

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
