"""A configured `hf:` model before and after it was fetched, through the router, with the real model behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from llm7router import LLMRouter
from llm7router.calls.local import hub_fetch, registry
from llm7router.calls.local.hub_cache import HubFile
from tests.local.conftest import MODEL_PATH, needs_model, user
from tests.local.hub import Hub

WANTED = HubFile("someone/some-model", "some-model-q4.gguf")


def config(tmp_path: Path) -> dict[str, Any]:
    facts = {"context_window": 1024, "capabilities": ["streaming"], "cost": {"input": 0, "output": 0}}
    models = [
        {"id": "fetched", "path": str(WANTED), "quality": {"chat": 5}, **facts},
        {"id": "packaged", "path": MODEL_PATH, "quality": {"chat": 1}, **facts},
    ]
    return {"version": 1, "state": {"store": "memory"}, "providers": {"local": {"kind": "llama_cpp", "models": models}}}


@pytest.mark.slow
@needs_model
@pytest.mark.asyncio(loop_scope="session")
async def test_it_gives_way_until_it_is_fetched_and_then_answers_offline(
    tmp_path: Path, model_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    async with LLMRouter(config(tmp_path), env={}) as router:
        before = await router.complete(user("Say hello."), max_tokens=4)
        assert before.deployment == "local/packaged"
        assert before.attempts[0].deployment == "local/fetched"
        assert f"not fetched; llm7router local fetch {WANTED}" in before.attempts[0].detail

        with Hub(model_file.read_bytes()) as hub:
            hub_fetch.fetch(WANTED, env={"HF_ENDPOINT": hub.url, "HF_HUB_CACHE": str(tmp_path / "hub")})
        after = await router.complete(user("Say hello."), max_tokens=4)
        assert after.deployment == "local/fetched", "the same router notices, and the hub is gone"
        assert len(after.attempts) == 1
    await registry.aclose()
