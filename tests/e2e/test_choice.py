"""The shipped figures choose as promised, and every choice changes by editing router.yaml alone.

Two real HTTP upstreams stand for Groq and OpenRouter; the local model is the real SmolLM2.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llm7router import LLMRouter, RequestContext, TaskType
from tests.e2e.edited import KEYS, edit, stubbed
from tests.upstream import Upstream

HELLO = [{"role": "user", "content": "Hello!"}]


@pytest.fixture
def openrouter() -> Iterator[Upstream]:
    with Upstream() as running:
        yield running


@pytest.fixture
def path(tmp_path: Path, upstream: Upstream, openrouter: Upstream) -> Path:
    return stubbed(tmp_path, groq=upstream.base_url, openrouter=openrouter.base_url)


HARD = [
    {
        "role": "user",
        "content": "Prove rigorously, in detail and step by step, that no optimal schedule must exist here.",
    }
]


async def ask(
    path: Path, context: RequestContext | None = None, environment: str = "production", messages: Any = HELLO
) -> str:
    """Who answers, by a real call."""
    async with LLMRouter(path, env={**KEYS, "LLM7ROUTER_ENV": environment}) as router:
        return (await router.complete(messages, context, max_tokens=8)).provider


async def test_a_simple_chat_goes_to_groq(path: Path) -> None:
    assert await ask(path) == "groq"


async def test_a_request_that_requires_speed_goes_to_groq(path: Path) -> None:
    assert await ask(path, RequestContext(requires_speed=True)) == "groq"


async def test_hard_reasoning_goes_to_the_better_reasoner_without_being_called_that(path: Path) -> None:
    assert await ask(path, messages=HARD) == "openrouter"


async def test_development_is_answered_on_this_machine(path: Path, upstream: Upstream, openrouter: Upstream) -> None:
    assert await ask(path, environment="development") == "local"
    assert upstream.count == openrouter.count == 0


@pytest.mark.parametrize(
    ("context", "old", "new", "provider"),
    [
        pytest.param(RequestContext(), "    enabled: true  ", "    enabled: false ", "openrouter", id="groq disabled"),
        pytest.param(
            RequestContext(),
            "production: 1.0}   # how welcome",
            "production: 0.1}   # how welcome",
            "openrouter",
            id="groq less welcome in production",
        ),
        pytest.param(
            RequestContext(requires_speed=True),
            "latency: {first_token_s: 1.5, tokens_per_s: 100}",
            "latency: {first_token_s: 0.01, tokens_per_s: 5000}",
            "openrouter",
            id="an openrouter model said to be fast",
        ),
        pytest.param(
            RequestContext(task_type=TaskType.REASONING),
            "    task_match: 15 ",
            "    task_match: 1 ",
            "groq",
            id="task match counts for little",
        ),
    ],
)
async def test_a_choice_changes_by_editing_router_yaml_alone(
    path: Path, context: RequestContext, old: str, new: str, provider: str
) -> None:
    path.write_text(edit(path.read_text(), old, new))
    assert await ask(path, context, messages=HARD if context.task_type == TaskType.REASONING else HELLO) == provider


async def test_development_prefers_hosted_when_the_file_says_so(path: Path) -> None:
    text = path.read_text().replace("{development: 0.1, production", "{development: 1.0, production")
    path.write_text(text)
    assert await ask(path, environment="development") == "groq"


@pytest.mark.parametrize("death", ["reset", "stall_headers", ("status", 500), ("html",), "empty"], ids=str)
async def test_when_the_first_dies_mid_run_no_request_is_lost(
    path: Path, upstream: Upstream, openrouter: Upstream, death: object
) -> None:
    text = edit(path.read_text(), "  attempt_s: 40 ", "  attempt_s: 0.5")
    path.write_text(edit(text, "first_token_s: 15 ", "first_token_s: 0.5"))
    behaviour = {"stall_headers": ("stall",), "empty": ("answer", "")}.get(str(death), death)
    async with LLMRouter(path, env=KEYS) as router:
        before = [(await router.complete(HELLO)).provider for _ in range(3)]
        step, *arguments = behaviour if isinstance(behaviour, tuple) else (behaviour,)
        upstream.always(step, *arguments)
        after = [(await router.complete(HELLO)).provider for _ in range(8)]
    assert before == ["groq"] * 3
    assert after == ["openrouter"] * 8
    assert openrouter.count == 8


@pytest.mark.parametrize(("environment", "winner"), [("development", "local"), ("production", "hosted")])
def test_the_shipped_figures_win_a_chat_by_at_least_3_points(path: Path, environment: str, winner: str) -> None:
    every_key = dict.fromkeys(("GEMINI_API_KEY", "MISTRAL_API_KEY", "ZAI_API_KEY", "LLM7_API_KEY"), "x")
    cloudflare = {"CLOUDFLARE_API_KEY": "x", "CLOUDFLARE_ACCOUNT_ID": "x"}
    router = LLMRouter(path, env={**KEYS, **every_key, **cloudflare, "LLM7ROUTER_ENV": environment})
    points = {s.deployment.id: s.points for s in router.decide(HELLO).ranking}
    router.close()
    local = points.pop("local/smollm2")
    assert len(points) >= 20
    margin = local - max(points.values()) if winner == "local" else min(points.values()) - local
    assert margin >= 3


def test_without_any_key_llm7_comes_before_local_in_production_by_at_least_3_points(path: Path) -> None:
    router = LLMRouter(path, env={})
    ranking = router.decide(HELLO).ranking
    router.close()
    assert [s.deployment.provider for s in ranking] == ["llm7", "llm7", "llm7", "local"]
    assert ranking[-2].points - ranking[-1].points >= 3


async def test_llm7_without_a_key_carries_no_other_providers_key(
    tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "HOSTED_VLLM_API_KEY", "GROQ_API_KEY", "OPENROUTER_API_KEY"):
        monkeypatch.setenv(name, f"canary-{name}")
    path = stubbed(tmp_path, llm7=upstream.base_url)
    async with LLMRouter(path) as router:
        await router.complete(HELLO, RequestContext(providers=["llm7"]))
    assert upstream.count == 1
    assert "canary" not in str(upstream.last.headers)
    assert "canary" not in str(upstream.last.body)
    assert upstream.last.headers["authorization"] == "Bearer unused"


async def test_each_key_reaches_its_own_provider_only(path: Path, upstream: Upstream, openrouter: Upstream) -> None:
    upstream.always("status", 500)
    assert await ask(path) == "openrouter"
    assert upstream.last.headers["authorization"] == "Bearer canary-groq"
    assert openrouter.last.headers["authorization"] == "Bearer canary-openrouter"
