"""Importing LiteLLM takes seconds, and may fail: a call bears both, and no provider is blamed."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from types import ModuleType

import pytest

from llm7router.calls import litellm_api
from llm7router.calls.backend import LiteLLMBackend
from llm7router.types import Failure
from tests.calls.helpers import call, make
from tests.upstream import Upstream

COLD = """
import asyncio, sys, time
from llm7router.calls.backend import LiteLLMBackend
from tests.calls.helpers import call, make

async def main():
    backend, started = LiteLLMBackend(), time.monotonic()
    for way in ("whole", "stream"):
        outcome = await make(backend, way, call(sys.argv[1], timeout_s=0.3, deadline_s=0.3))
        print(outcome.failure.name, outcome.detail)
    print(time.monotonic() - started < 1.5)
    print((await make(backend, "whole", call(sys.argv[1], timeout_s=60, first_token_s=60))).failure)
    await backend.aclose()

asyncio.run(main())
"""


@pytest.mark.slow
def test_a_short_deadline_holds_while_litellm_is_being_imported(upstream: Upstream) -> None:
    command = [sys.executable, "-c", COLD, upstream.base_url]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
    late = "REFUSED the call layer was not loaded in time"
    assert ran.stdout.splitlines() == [late, late, "True", "None"], ran.stderr
    assert (ran.stderr, upstream.count) == ("", 1)


async def test_a_litellm_that_cannot_be_imported_is_an_outcome(
    way: str, monkeypatch: pytest.MonkeyPatch, upstream: Upstream
) -> None:
    def broken() -> ModuleType:
        raise ImportError("cannot import name 'x' from 'y' (/somewhere/site-packages/y/__init__.py)")

    monkeypatch.setattr(litellm_api, "_loaded", None)
    monkeypatch.setattr(litellm_api, "_import", broken)
    outcome = await make(LiteLLMBackend(), way, call(upstream))
    assert outcome.failure is Failure.SERVER_ERROR
    assert outcome.detail.startswith("LiteLLM cannot be imported: ImportError: cannot import name 'x'")
    assert "/somewhere" not in outcome.detail
    assert upstream.count == 0


async def test_the_import_is_not_the_providers_time_and_is_done_once(
    way: str, monkeypatch: pytest.MonkeyPatch, upstream: Upstream, backend: LiteLLMBackend
) -> None:
    litellm, imports = litellm_api.load_now(), []

    def slow() -> ModuleType:
        imports.append(1)
        time.sleep(0.4)
        return litellm

    monkeypatch.setattr(litellm_api, "_loaded", None)
    monkeypatch.setattr(litellm_api, "_import", slow)
    fresh = [LiteLLMBackend() for _ in range(3)]
    outcomes = await asyncio.gather(*(make(one, way, call(upstream)) for one in fresh))
    assert [outcome.failure for outcome in outcomes] == [None] * 3
    assert max(outcome.duration_s for outcome in outcomes) < 0.4
    assert len(imports) == 1
    for one in fresh:
        await one.aclose()
