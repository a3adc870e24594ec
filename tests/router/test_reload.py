"""An edited router.yaml, between two requests and in the middle of one: state is kept, and faults change nothing."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import threading
from pathlib import Path
from typing import Any

import pytest

from llm7router import LLMRouter, RequestContext
from llm7router import router as router_module
from llm7router.config import load
from llm7router.errors import AllProvidersExhaustedError, CallerLimitError, ConfigError, NoProviderAvailableError
from llm7router.presets import GroqProvider
from llm7router.routing import Routing
from llm7router.state.store.memory import MemoryStore
from llm7router.testing import Reply, Script, ScriptedBackend, VirtualClock
from llm7router.types import Failure
from tests.router import scene
from tests.router.scene import HELLO
from tests.upstream import wait_until
from tests.virtual import in_virtual_time


class Edited:
    """A router over a file."""

    def __init__(self, directory: Path, scripts: dict[str, Script] | None = None, **more: Any) -> None:
        self.file = directory / "router.yaml"
        self.write(scene.ranked("a", "b"))
        self.clock, self.backend = VirtualClock(), ScriptedBackend(scripts or {})
        self.router = LLMRouter(self.file, env={}, backend=self.backend, clock=self.clock, store=MemoryStore(), **more)

    def write(self, providers: dict[str, Any], **keys: Any) -> None:
        self.file.write_text(json.dumps(scene.config(providers, **keys)))

    async def who(self, **context: Any) -> str:
        return (await self.router.complete(HELLO, RequestContext(**context))).provider


async def test_the_next_request_follows_the_edited_file(tmp_path: Path) -> None:
    edited = Edited(tmp_path)
    assert await edited.who() == "a"
    edited.write(scene.ranked("b", "a"), aliases={"quick": {"use": ["a"]}})
    assert await edited.who() == "a"  # nobody has read it yet
    edited.router.reload()
    assert await edited.who() == "b"
    assert set(edited.router.context_for("quick").providers) == {"a"}


async def test_what_was_used_up_and_what_broke_is_still_known(tmp_path: Path) -> None:
    edited = Edited(tmp_path, {"b/m": Failure.SERVER_ERROR})
    limits = [{"unit": "requests", "window": "day", "max": 2}]
    edited.write({"a": scene.provider(limits=limits), "b": scene.provider()})
    edited.router.reload()
    for _ in range(2):
        assert await edited.who() == "a"
    for _ in range(3):
        with pytest.raises(AllProvidersExhaustedError):
            await edited.who(providers=("b",))
    edited.write({"a": scene.provider(limits=limits), "b": scene.provider(title="Other")})
    edited.router.reload()
    with pytest.raises(AllProvidersExhaustedError) as refused:
        await edited.who()
    assert str(refused.value).endswith("1 other could not be tried: 1 over requests/day (free in 1 d)")
    assert refused.value.decision is not None
    assert [s.deployment.id for s in refused.value.decision.last_resort] == ["b/m"], "its breaker is open still"


async def test_a_stream_under_way_ends_with_the_provider_that_began_it(tmp_path: Path) -> None:
    edited = Edited(tmp_path, {"a/m": Reply("one two three")})
    words = []
    async for chunk in edited.router.stream(HELLO):
        if not words:
            edited.write(scene.ranked("b"))
            edited.router.reload()
        words.append(chunk.content)
    assert "".join(words) == "one two three"
    assert await edited.who() == "b"


@pytest.mark.parametrize("text", ["", "version: 1\nproviders: {a: {base_ur", "version: 1\nprovidres: {}", "[]", "\0"])
async def test_a_faulty_or_half_written_file_changes_nothing(tmp_path: Path, text: str) -> None:
    edited = Edited(tmp_path)
    edited.file.write_text(text)
    with pytest.raises(ConfigError):
        edited.router.reload()
    assert await edited.who() == "a"
    edited.file.unlink()
    with pytest.raises(ConfigError, match="no such file"):
        edited.router.reload()
    assert await edited.who() == "a"


@in_virtual_time
async def test_a_call_under_way_is_settled_at_the_price_it_was_made_for_and_the_next_at_the_new_one(
    tmp_path: Path,
) -> None:
    edited = Edited(tmp_path, {"a/m": Reply(output_tokens=1000, delay_s=5)})

    def price(output: float, usd_per_day: float) -> None:
        paid = scene.provider(scene.model(cost={"input": 0, "output": output}))
        edited.write({"a": paid}, budget={"usd_per_request": 1, "usd_per_day": usd_per_day})
        edited.router.reload()

    price(100, 10)
    under_way = asyncio.ensure_future(edited.router.complete(HELLO, max_tokens=2000))
    await asyncio.sleep(1)
    price(1000, 1)
    assert (await under_way).cost == pytest.approx(0.1)
    with pytest.raises(NoProviderAvailableError, match="over budget usd/day"):
        await edited.router.complete(HELLO, max_tokens=901)
    assert (await edited.router.complete(HELLO, max_tokens=900)).provider == "a", "0.1 of 1 USD was spent"


async def test_providers_from_code_stay(tmp_path: Path) -> None:
    edited = Edited(tmp_path)
    edited.router.register_provider(GroqProvider(api_key="k", api_key_env=None))
    edited.write(scene.ranked("b"))
    edited.router.reload()
    assert {d.provider for d in edited.router.deployments} == {"b", "groq"}


def test_an_edit_while_a_provider_is_registered_is_not_undone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edited, made, waiting = Edited(tmp_path), threading.Event(), threading.Event()
    of = Routing.of

    def slow(*given: Any) -> Routing:
        routing = of(*given)
        if not made.is_set():
            made.set()
            waiting.wait(0.3)
        return routing

    monkeypatch.setattr(Routing, "of", slow)
    groq = GroqProvider(api_key="k", api_key_env=None)
    threads = [threading.Thread(target=edited.router.register_provider, args=(groq,))]
    threads[0].start()
    assert made.wait(5)
    edited.write(scene.ranked("b"))
    threads.append(threading.Thread(target=lambda: (edited.router.reload(), waiting.set())))
    threads[1].start()
    for thread in threads:
        thread.join(10)
    assert {d.provider for d in edited.router.deployments} == {"b", "groq"}


async def test_limits_of_callers_are_read_again_and_what_they_used_counts(tmp_path: Path) -> None:
    edited = Edited(tmp_path)

    def most(count: int) -> None:
        key = {"name": "ann", "sha256": "0" * 64, "limits": [{"unit": "requests", "window": "day", "max": count}]}
        edited.write(scene.ranked("a"), server={"keys": [key]})
        edited.router.reload()

    most(2)
    for _ in range(2):
        await edited.who(caller="ann")
    most(3)
    await edited.who(caller="ann")
    with pytest.raises(CallerLimitError, match="ann: over requests/day"):
        await edited.who(caller="ann")


def test_what_only_a_start_can_change_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    edited = Edited(tmp_path)
    edited.write(scene.ranked("a"), state={"store": "disk"}, server={"port": 1})
    with caplog.at_level(logging.WARNING):
        edited.router.reload()
    assert caplog.records[-1].getMessage() == f"{edited.file}: server.port, state takes effect at the next start only"
    caplog.clear()
    edited.write(scene.ranked("a"), state={"store": "disk"})
    edited.router.reload()
    assert caplog.records[-1].getMessage() == f"{edited.file}: state takes effect at the next start only"
    caplog.clear()
    edited.write(scene.ranked("a"))
    edited.router.reload()
    assert not caplog.records, "it is as it was at the start again"


async def test_a_service_that_changes_its_directory_reads_the_same_file_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    edited = Edited(Path())
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    (tmp_path / "router.yaml").write_text(json.dumps(scene.config(scene.ranked("b", "a"))))
    edited.router.reload()
    assert await edited.who() == "b"


def test_a_router_that_was_told_to_notices_edits_by_itself(tmp_path: Path) -> None:
    edited = Edited(tmp_path, reload=True)
    told: list[int] = []
    edited.router.when_reloaded(lambda: told.append(len(edited.router.deployments)))

    def written() -> bool:
        edited.write(scene.ranked("a", "b", "c"))
        return wait_until(lambda: bool(told), 1)

    assert wait_until(written, 10)
    assert told[0] == 3
    edited.router.close()


@pytest.mark.parametrize("loads", [True, False], ids=["loaded by the router", "loaded before"])
def test_an_edit_between_the_reading_and_the_watch_does_not_wait_for_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loads: bool
) -> None:
    file = tmp_path / "router.yaml"
    file.write_text(json.dumps(scene.config(scene.ranked("a"))))
    config = file if loads else load(file, env={})
    opened = router_module.open_store

    def while_it_is_set_up(*arguments: Any) -> Any:
        file.write_text(json.dumps(scene.config(scene.ranked("a", "b"))))
        return opened(*arguments)

    monkeypatch.setattr(router_module, "open_store", while_it_is_set_up)
    router = LLMRouter(config, env={}, backend=ScriptedBackend(), clock=VirtualClock(), reload=True)
    try:
        assert [d.provider for d in router.deployments] == ["a"]
        assert wait_until(lambda: len(router.deployments) == 2, 10)
    finally:
        router.close()


def test_the_watch_over_a_file_ends_with_a_router_that_nobody_closed(tmp_path: Path) -> None:
    edited = Edited(tmp_path, reload=True)
    watcher = edited.router._watcher
    assert watcher is not None
    del edited.router
    gc.collect()
    assert wait_until(lambda: not watcher._thread.is_alive(), 10)


def test_a_configuration_of_no_file_is_not_watched() -> None:
    with pytest.raises(ConfigError, match="comes from no file"):
        LLMRouter(scene.config(scene.ranked("a")), env={}, backend=ScriptedBackend(), reload=True)
    router = LLMRouter(scene.config(scene.ranked("a")), env={}, backend=ScriptedBackend())
    with pytest.raises(ConfigError, match="came from no file"):
        router.reload()
