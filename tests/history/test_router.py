"""A router and its history: on by default, wherever its state is."""

from __future__ import annotations

from pathlib import Path

import pytest

from llm7router import LLMRouter
from llm7router.config.models import StateConfig
from llm7router.history import history_store
from llm7router.history.memory import MemoryHistory
from llm7router.state.store import open_store
from llm7router.state.store.memory import MemoryStore
from llm7router.testing import ScriptedBackend
from tests.history.kept import A, flushed, listening, on_disk, rows
from tests.router.scene import HELLO, Scene, config, ranked
from tests.virtual import in_virtual_time


@in_virtual_time
async def test_usage_is_on_disk_when_the_router_is_closed_and_goes_on_afterwards(tmp_path: Path) -> None:
    scene = on_disk(tmp_path / "state", ranked("a"))
    for requests in (1, 2):
        await scene.router.complete(HELLO)
        await scene.router.aclose()
        assert sum(usage.requests for usage in rows(tmp_path / "state").values()) == requests


@in_virtual_time
async def test_a_second_router_adds_to_what_the_first_kept(tmp_path: Path) -> None:
    for _ in range(2):
        scene = on_disk(tmp_path / "state", ranked("a"))
        await scene.router.complete(HELLO)
        await scene.router.aclose()
    assert rows(tmp_path / "state")[A._replace(caller="")].requests == 2


@in_virtual_time
async def test_switched_off_nothing_is_kept(tmp_path: Path) -> None:
    made = {**config(ranked("a"), history={"enabled": False}), "state": {"path": str(tmp_path / "state")}}
    async with LLMRouter(made, env={}, backend=ScriptedBackend()) as router:
        await router.complete(HELLO)
        assert router.history is None
    assert rows(tmp_path / "state") == {}


@in_virtual_time
async def test_with_a_memory_store_nothing_is_written_and_the_router_itself_remembers(tmp_path: Path) -> None:
    scene, _ = listening(ranked("a"))
    await scene.router.complete(HELLO)
    assert scene.router.history
    report = scene.router.history.report(24)
    assert [row["provider"] for row in report.rows()] == ["a"]
    assert report.total().usage.requests == 1


def test_with_redis_it_is_kept_in_the_state_directory_of_this_machine(tmp_path: Path) -> None:
    state = StateConfig(store="redis://127.0.0.1:9/0", path=str(tmp_path))
    loaded = Scene(ranked("a")).router._routing.loaded.config.model_copy(update={"state": state})
    kept = history_store(loaded, open_store(state))
    assert kept.where == str(tmp_path / "history.db")


def test_memory_forgets_the_oldest_first_and_what_is_too_old() -> None:
    from llm7router.history import Usage

    kept = MemoryHistory(most=3)
    for hour in range(5):
        kept.add({A._replace(hour=hour): Usage(1)}, 0)
    assert [key.hour for key in kept.read(0)] == [2, 3, 4]
    kept.add({A._replace(hour=9): Usage(1)}, 4)
    assert [key.hour for key in kept.read(0)] == [3, 4, 9], "one hour alone, which a wrong clock may have written"
    kept.add({A._replace(hour=9): Usage(1), A._replace(hour=10): Usage(1)}, 5)
    assert [key.hour for key in kept.read(0)] == [4, 9, 10]
    assert [key.hour for key in kept.read(5)] == [9, 10]


def test_a_store_of_ones_own_keeps_it_in_memory() -> None:
    class Own(MemoryStore):
        name = "own"

    scene = Scene(ranked("a"), store=Own())
    assert flushed(scene) == {}
    assert scene.router.history
    assert scene.router.history.where == "memory"


@pytest.mark.parametrize("days", [0, 5000])
def test_days_out_of_range_are_a_fault_of_the_configuration(days: int) -> None:
    from llm7router import ConfigError

    with pytest.raises(ConfigError, match=r"history\.days"):
        LLMRouter(config(ranked("a"), history={"days": days}), env={}, backend=ScriptedBackend())
