"""One backend for all tests of calls: LiteLLM's import and first call take seconds."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from llm7router.calls.backend import LiteLLMBackend
from tests.calls.helpers import PREFIXES, WAYS, call, make
from tests.upstream import Upstream


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def backend() -> AsyncIterator[LiteLLMBackend]:
    """The real call layer, warm: each way was used once, so that short times in tests measure the upstream."""
    running = LiteLLMBackend()
    with Upstream() as upstream:
        for prefix in PREFIXES:
            for way in WAYS:
                assert (await make(running, way, call(upstream, prefix=prefix, timeout_s=60, first_token_s=60))).ok
    yield running
    await running.aclose()


@pytest.fixture(params=PREFIXES)
def prefix(request: pytest.FixtureRequest) -> str:
    """Both of LiteLLM's prefixes that endpoints are called through."""
    return str(request.param)


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    """As a whole or as a stream."""
    return str(request.param)
