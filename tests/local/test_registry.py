"""One model of a kind per process, whoever asks."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from llm7router.calls.local import engines, registry
from llm7router.calls.local.errors import LocalBusyError, LocalFailedError, LocalModelError
from llm7router.types import Kind
from tests.local.conftest import answer, local_deployment, user

pytestmark = pytest.mark.usefixtures("clean_registry")


class Owner:
    """A router's call layer."""


class Chatty:
    def speak(self, messages: Any) -> str:
        return "Hello"


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two files that look like models, and an engine to load them with."""
    monkeypatch.setattr(engines, "candidates", lambda: ["xllamacpp"])
    for name in ("a.gguf", "b.gguf"):
        (tmp_path / name).write_bytes(b"GGUF" + bytes(2000))
    return [str(tmp_path / "a.gguf"), str(tmp_path / "b.gguf")]


def callable_deployment(target: Any, model: str = "mine") -> Any:
    return local_deployment(model, kind=Kind.CALLABLE, path=None, target=target)


def test_the_same_file_and_context_are_one_model(files: list[str]) -> None:
    first = registry.ensure(local_deployment("one", path=files[0]))
    assert registry.ensure(local_deployment("another-name", path=files[0])) == first
    assert registry.ensure(local_deployment("one", path=files[0], context_window=4096)) != first


def test_the_same_id_with_different_files_is_two_models(files: list[str]) -> None:
    assert registry.ensure(local_deployment(path=files[0])) != registry.ensure(local_deployment(path=files[1]))


def test_a_handle_holds_nothing_that_a_model_name_may_not(files: list[str]) -> None:
    assert registry.ensure(local_deployment("my model/v1:ä", path=files[0])).startswith("my-model-v1-.")


def test_the_same_callable_is_one_model() -> None:
    chatty = Chatty()
    first = registry.ensure(callable_deployment(chatty.speak))
    assert registry.ensure(callable_deployment(chatty.speak)) == first
    assert registry.ensure(callable_deployment(Chatty().speak)) != first
    assert registry.ensure(callable_deployment(lambda messages: "")) != first


def test_a_faulty_model_is_told_before_any_call(files: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for faulty in (local_deployment(path=files[0] + "x"), local_deployment(path=None), callable_deployment(None)):
        with pytest.raises(LocalModelError):
            registry.ensure(faulty)
    monkeypatch.undo()
    monkeypatch.setenv(engines.VARIABLE, "none such")
    with pytest.raises(LocalModelError, match="no such engine"):
        registry.ensure(local_deployment(path=files[0]))


async def test_a_full_queue_is_told_before_any_call() -> None:
    gate = threading.Event()
    deployment = callable_deployment(lambda messages: "x" if gate.wait(5) else "")
    worker = registry.worker(registry.ensure(deployment))
    tasks = [asyncio.ensure_future(answer(worker, user("Hi"))) for _ in range(5)]
    await asyncio.sleep(0.05)
    with pytest.raises(LocalBusyError):
        registry.ensure(deployment)
    gate.set()
    await asyncio.gather(*tasks)
    assert registry.ensure(deployment)


async def test_closing_one_owner_leaves_the_models_of_others_open() -> None:
    mine, yours = Owner(), Owner()
    shared, own = callable_deployment(lambda messages: "shared"), callable_deployment(lambda messages: "own")
    handle = registry.ensure(shared, mine)
    assert registry.ensure(shared, yours) == handle
    private = registry.worker(registry.ensure(own, mine))
    await registry.aclose(mine)
    assert (await answer(registry.worker(handle), user("Hi"))).content == "shared"
    with pytest.raises(LocalFailedError, match="was closed"):
        await answer(private, user("Hi"))
    await registry.aclose(yours)
    with pytest.raises(LocalFailedError, match="was closed"):
        registry.worker(handle)


async def test_a_model_can_be_used_again_after_everything_was_closed() -> None:
    deployment = callable_deployment(lambda messages: "Hello")
    old = registry.ensure(deployment)
    await registry.aclose()
    new = registry.ensure(deployment)
    assert new != old
    assert (await answer(registry.worker(new), user("Hi"))).content == "Hello"
