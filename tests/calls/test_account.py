"""Limits that depend on the account: OpenRouter's key endpoint."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm7router import ConfigError, LLMRouter, RequestContext
from llm7router.calls.account import read
from llm7router.config import from_data
from llm7router.types import AccountLimit, Axis, Period, Unit
from tests.e2e.edited import KEYS, stubbed
from tests.upstream import Upstream

HELLO = [{"role": "user", "content": "Hello!"}]
DAILY = Axis(Unit.REQUESTS, Period.DAY)


def told(used: Any = 12, limit: Any = 1000) -> dict[str, Any]:
    return {"data": {"label": "x", "free_model_daily_requests": {"used": used, "limit": limit, "remaining": 0}}}


def test_the_daily_limit_is_read() -> None:
    assert read(told()) == AccountLimit(DAILY, 12, 1000)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
                        ["data", "free_model_daily_requests", "used", "limit"]), inner, max_size=4)))  # fmt: skip
def test_any_answer_is_a_limit_or_nothing(body: Any) -> None:
    found = read(body)
    assert found is None or (found.max > 0 and found.used >= 0)


@pytest.mark.parametrize(
    "body", [told(True), told(-1), told(1.5), told("9"), told(limit=0), told(limit=10**30), [], None], ids=repr
)
def test_nonsense_is_ignored(body: Any) -> None:
    assert read(body) is None


async def daily(router: LLMRouter) -> tuple[int, int]:
    """Used and most of the pool's daily limit."""
    deployment = next(d for d in router.stats().deployments if d.provider == "openrouter")
    limit = next(limit for limit in deployment.limits if limit.name == "requests/day")
    return limit.used, limit.max


async def test_a_richer_account_gets_its_own_limit_and_use_after_the_first_calls(
    tmp_path: Path, upstream: Upstream
) -> None:
    upstream.paths["/v1/key"] = ("json_body", told(12, 1000))
    only = RequestContext(providers=["openrouter"])
    async with LLMRouter(stubbed(tmp_path, openrouter=upstream.base_url), env=KEYS) as router:
        assert await daily(router) == (0, 50)
        for _ in range(20):
            await router.complete(HELLO, only, max_tokens=5)
            if await daily(router) != (0, 50) and (await daily(router))[1] == 1000:
                break
            await asyncio.sleep(0.05)
        used, most = await daily(router)
        assert most == 1000
        assert used >= 12
    asked = [request for request in upstream.others if request.path == "/v1/key"]
    assert len(asked) == 1, "not with every call"
    assert asked[0].headers["authorization"] == f"Bearer {KEYS['OPENROUTER_API_KEY']}"


@pytest.mark.parametrize(
    "answer", [("status", 500), ("html",), ("redirect", "http://127.0.0.1:1/"), ("reset",), ("stall",)], ids=str
)
async def test_an_endpoint_that_fails_changes_nothing_and_delays_nothing(
    tmp_path: Path, upstream: Upstream, answer: tuple[Any, ...]
) -> None:
    upstream.paths["/v1/key"] = answer
    async with LLMRouter(stubbed(tmp_path, openrouter=upstream.base_url), env=KEYS) as router:
        for _ in range(2):
            result = await router.complete(HELLO, RequestContext(providers=["openrouter"]))
            assert result.provider == "openrouter"
        assert await daily(router) == (2, 50)


def test_the_key_goes_to_no_other_host() -> None:
    provider = {"base_url": "https://a.example/v1", "account_url": "https://b.example/key", "models": []}
    with pytest.raises(ConfigError, match="account_url: is at another host than base_url"):
        from_data({"version": 1, "providers": {"a": provider}}, env={})
