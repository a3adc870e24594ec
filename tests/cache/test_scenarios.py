"""The cache behind a router, in virtual time; with a disk, over real files."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from llm7router import AllProvidersExhaustedError, NoProviderAvailableError, RequestContext, StreamInterruptedError
from llm7router.cache.disk import REST_S
from llm7router.cache.shelves import MemoryShelf
from llm7router.errors import CallerLimitError, StoreError
from llm7router.events import RequestEvent
from llm7router.state.store.plain_disk import DATABASE
from llm7router.testing import Reply
from llm7router.types import CompletionResult, Failure, StreamChunk
from tests.router.scene import HELLO, Scene, model, provider
from tests.virtual import in_virtual_time

ASK = RequestContext(cache=True)
COUNTED = [Reply(f"answer {number}") for number in range(9)]


def scene(**keys: Any) -> Scene:
    """One provider that never says the same twice, and may be asked twice a day."""
    limits = [{"unit": "requests", "window": "day", "max": 2}]
    return Scene({"a": provider(limits=limits)}, {"a/m": COUNTED}, **keys)


async def streamed(one: Scene, context: RequestContext = ASK, **parameters: Any) -> list[StreamChunk]:
    return [chunk async for chunk in one.router.stream(HELLO, context, **parameters)]


@in_virtual_time
async def test_the_same_request_gets_the_stored_answer_and_takes_no_quota() -> None:
    one = scene()
    first = await one.router.complete(HELLO, ASK, temperature=0.7)
    for _ in range(20):
        again = await one.router.complete(HELLO, ASK, temperature=0.7)
    assert (first.content, first.cached) == ("answer 0", False)
    assert (again.content, again.cached, again.deployment) == ("answer 0", True, "a/m")
    assert (again.cost, again.tokens_input, again.tokens_output, again.attempts) == (0, 10, 5, ())
    assert again.request_id != first.request_id
    assert one.called == ["a/m"]
    (limit,) = one.router.stats().deployments[0].limits
    assert limit.used == 1
    await one.router.complete(HELLO, ASK)
    assert one.called == ["a/m", "a/m"], "another temperature is another request"


@in_virtual_time
async def test_a_stored_answer_is_given_when_nobody_could_answer() -> None:
    one = scene()
    for word in ("one", "two"):
        await one.router.complete([{"role": "user", "content": word}], ASK)
    with pytest.raises(NoProviderAvailableError):
        await one.router.complete(HELLO, RequestContext(cache=True, wait_s=0))
    assert (await one.router.complete([{"role": "user", "content": "two"}], ASK)).content == "answer 1"


@in_virtual_time
async def test_an_answer_is_as_old_as_was_said_and_no_older_even_if_the_clock_is_moved() -> None:
    one = Scene({"a": provider()}, {"a/m": COUNTED}, cache={"ttl_s": 60})
    await one.router.complete(HELLO, ASK)
    await asyncio.sleep(59.9)
    assert (await one.router.complete(HELLO, ASK)).cached
    await asyncio.sleep(0.2)
    assert not (await one.router.complete(HELLO, ASK)).cached
    assert (await one.router.complete(HELLO, ASK)).content == "answer 1", "its time begins anew"
    one.clock.jump(-3600)
    assert (await one.router.complete(HELLO, ASK)).content == "answer 2", "one from the future is not trusted"


@in_virtual_time
async def test_nothing_is_stored_or_found_without_opting_in() -> None:
    one = Scene({"a": provider()}, {"a/m": COUNTED})
    for context in (RequestContext(), RequestContext(cache=False), ASK, RequestContext(), RequestContext(cache=False)):
        assert not (await one.router.complete(HELLO, context, temperature=0)).cached
    assert (await one.router.complete(HELLO, ASK, temperature=0)).content == "answer 2"


@in_virtual_time
async def test_a_deployment_that_allows_it_has_its_answers_given_again_at_temperature_0() -> None:
    one = Scene({"a": provider(cache=True)}, {"a/m": COUNTED})
    said = [(await one.router.complete(HELLO, temperature=0)).content for _ in range(3)]
    assert said == ["answer 0"] * 3
    assert not (await one.router.complete(HELLO)).cached
    assert not (await one.router.complete(HELLO, temperature=0.5)).cached
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
    for _ in range(2):
        assert not (await one.router.complete(HELLO, temperature=0, tools=tools)).cached
    assert not (await one.router.complete(HELLO, RequestContext(cache=False), temperature=0)).cached


@in_virtual_time
@pytest.mark.parametrize("kind", ["image_url", "video_url", "file"])
async def test_what_an_address_leads_to_may_change_so_only_who_asks_gets_a_stored_answer(kind: str) -> None:
    sees = model(capabilities=["streaming", "vision"])
    one = Scene({"a": provider(sees, cache=True)}, {"a/m": COUNTED})
    part = {"type": kind, kind: {"url": "https://camera.example/now"}}
    shown = [{"role": "user", "content": [{"type": "text", "text": "What is it?"}, part]}]
    answers = [await one.router.complete(shown, temperature=0) for _ in range(2)]
    assert [answer.content for answer in answers] == ["answer 0", "answer 1"]
    assert not (await one.router.complete(shown, ASK, temperature=0)).cached
    assert (await one.router.complete(shown, ASK, temperature=0)).cached


@in_virtual_time
async def test_the_answer_of_a_deployment_that_does_not_allow_it_is_neither_stored_nor_given() -> None:
    providers = {"a": provider(model(quality={"chat": 5})), "b": provider(model(quality={"chat": 4}), cache=True)}
    one = Scene(providers, {"a/m": ["from a", "from a", Failure.UNREACHABLE, "from a"], "b/m": "from b"})
    for _ in range(2):
        assert (await one.router.complete(HELLO, temperature=0)).content == "from a"
    assert (await one.router.complete(HELLO, temperature=0)).content == "from b"
    again = await one.router.complete(HELLO, temperature=0)
    assert (again.content, again.cached) == ("from b", True)


@in_virtual_time
async def test_what_was_stored_for_one_who_asked_is_for_those_who_ask() -> None:
    one = Scene({"a": provider(), "b": provider(model(quality={"chat": 1}), cache=True)}, {"a/m": COUNTED})
    await one.router.complete(HELLO, ASK, temperature=0)
    assert (await one.router.complete(HELLO, temperature=0)).content == "answer 1"
    assert (await one.router.complete(HELLO, ASK, temperature=0)).content == "answer 0"


@in_virtual_time
async def test_a_model_may_differ_from_its_provider() -> None:
    models = [model("yes", quality={"chat": 5}), model("no", cache=False, quality={"chat": 4})]
    one = Scene({"a": provider(*models, cache=True)})
    assert [d.cache for d in one.router.deployments] == [True, False]


@in_virtual_time
async def test_no_room_means_no_cache() -> None:
    one = scene(cache={"max_mb": 0})
    await one.router.complete(HELLO, ASK)
    assert not (await one.router.complete(HELLO, ASK)).cached


@in_virtual_time
async def test_callers_do_not_get_each_others_answers_unless_that_is_configured() -> None:
    for across, cached in ((False, False), (True, True)):
        one = scene(cache={"across_callers": across})
        await one.router.complete(HELLO, RequestContext(cache=True, caller="x"))
        assert (await one.router.complete(HELLO, RequestContext(cache=True, caller="y"))).cached is cached
        assert (await one.router.complete(HELLO, RequestContext(cache=True, caller="x"))).cached


@in_virtual_time
async def test_a_stored_answer_is_a_request_of_its_callers_without_tokens() -> None:
    limits = [{"unit": "requests", "window": "day", "max": 3}, {"unit": "tokens", "window": "day", "max": 1100}]
    keys = [{"name": "ci", "sha256": "0" * 64, "limits": limits}]
    one = Scene({"a": provider()}, server={"keys": keys})
    ci = RequestContext(cache=True, caller="ci")
    for _ in range(3):
        await one.router.complete(HELLO, ci, max_tokens=1000)  # 1,020 are reserved and 15 used, once
    with pytest.raises(CallerLimitError, match="requests/day"):
        await one.router.complete(HELLO, ci, max_tokens=1000)
    assert one.called == ["a/m"]


@in_virtual_time
async def test_a_stream_is_stored_at_its_end_and_given_as_a_stream() -> None:
    one = scene()
    first = await streamed(one)
    assert len(first) > 2
    again = await streamed(one)
    assert [chunk.content for chunk in again] == ["answer 0", ""]
    opening, last = again[0].opening, again[-1].result
    assert opening is not None
    assert last is not None
    assert (opening.provider, opening.model, opening.cached, again[0].finish_reason) == ("a", "m", True, "stop")
    assert (last.content, last.cached, last.tokens_output, last.cost) == ("answer 0", True, 5, 0)
    whole = await one.router.complete(HELLO, ASK)
    assert (whole.content, whole.cached) == ("answer 0", True), "whole or streamed is the same request"
    assert one.called == ["a/m"]


@in_virtual_time
async def test_a_stream_of_a_whole_answer_that_was_stored_is_the_same() -> None:
    one = scene()
    await one.router.complete(HELLO, ASK)
    chunks = await streamed(one)
    assert "".join(chunk.content for chunk in chunks) == "answer 0"
    assert one.called == ["a/m"]


@in_virtual_time
async def test_a_stream_that_nobody_reads_to_its_end_is_not_stored() -> None:
    one = scene()
    stream = one.router.stream(HELLO, ASK)
    await anext(stream)
    await stream.aclose()
    assert not (await one.router.complete(HELLO, ASK)).cached


@in_virtual_time
async def test_a_stream_that_breaks_off_is_not_stored() -> None:
    one = Scene({"a": provider()}, {"a/m": [Reply("one two three", break_after=2), "ok"]})
    with pytest.raises(StreamInterruptedError):
        await streamed(one)
    assert not (await one.router.complete(HELLO, ASK)).cached


@in_virtual_time
async def test_a_text_that_two_models_wrote_is_not_stored() -> None:
    providers = {"a": provider(model(quality={"chat": 5})), "b": provider(model(quality={"chat": 4}, resume="prefix"))}
    one = Scene(providers, {"a/m": [Reply("one two three", break_after=2), "ok"], "b/m": "three"})
    chunks = await streamed(one)
    assert any(chunk.resumed for chunk in chunks)
    assert not (await one.router.complete(HELLO, ASK)).cached


@in_virtual_time
async def test_a_failure_is_not_stored() -> None:
    one = Scene({"a": provider()}, {"a/m": [Failure.SERVER_ERROR, "ok"]})
    with pytest.raises(AllProvidersExhaustedError):
        await one.router.complete(HELLO, ASK)
    assert (await one.router.complete(HELLO, ASK)).content == "ok"


@in_virtual_time
async def test_the_same_request_at_the_same_time_is_sent_each_time() -> None:
    one = Scene({"a": provider()}, {"a/m": Reply("ok", delay_s=1)})
    await asyncio.gather(*(one.router.complete(HELLO, ASK) for _ in range(3)))
    assert len(one.called) == 3
    assert (await one.router.complete(HELLO, ASK)).cached


@in_virtual_time
async def test_hooks_hear_of_it() -> None:
    heard: list[RequestEvent] = []
    one = scene()
    one.router.hooks.add(heard.append)
    await one.router.complete(HELLO, ASK)
    await one.router.complete(HELLO, ASK)
    await streamed(one)
    assert [event.outcome for event in heard] == ["ok"] * 3
    assert [event.result.cached for event in heard if event.result] == [False, True, True]
    assert [len(event.attempts) for event in heard] == [1, 0, 0]
    assert {event.deployment for event in heard} == {"a/m"}


@in_virtual_time
async def test_messages_at_the_edge_of_what_json_can_hold_are_served(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> str:
        raise RecursionError

    monkeypatch.setattr("llm7router.cache.response_cache.key_of", refused)
    one = scene()
    assert [(await one.router.complete(HELLO, ASK)).content for _ in range(2)] == ["answer 0", "answer 1"]


@pytest.mark.parametrize("value", [1, 0, "yes", 60.0])
async def test_anything_but_yes_or_no_is_a_fault(value: Any) -> None:
    with pytest.raises(TypeError, match="cache must be True, False or None"):
        await scene().router.complete(HELLO, RequestContext(cache=value))


class BrokenShelf(MemoryShelf):
    """One that fails when told to."""

    failing: frozenset[str] = frozenset()

    async def get(self, key: str) -> str | None:
        if "get" in self.failing:
            raise StoreError("the disk is gone")
        return await super().get(key)

    async def put(self, key: str, text: str, keep_s: float) -> None:
        if "put" in self.failing:
            raise StoreError("the disk is full")
        await super().put(key, text, keep_s)


@pytest.mark.parametrize("failing", [("get",), ("put",), ("get", "put")], ids="-".join)
def test_a_shelf_that_fails_is_a_miss_that_is_told_once(failing: set[str], caplog: pytest.LogCaptureFixture) -> None:
    @in_virtual_time
    async def scenario() -> None:
        one = scene_on(BrokenShelf(10_000))
        one.shelf.failing = frozenset(failing)
        for number in range(5):
            assert (await one.router.complete(HELLO, ASK)).content == f"answer {number}"
        assert not (await streamed(one))[-1].result.cached  # type: ignore[union-attr]
        one.shelf.failing = frozenset()
        await one.router.complete(HELLO, ASK)
        assert (await one.router.complete(HELLO, ASK)).cached

    with caplog.at_level(logging.WARNING, "llm7router"):
        scenario()
    assert len([record for record in caplog.records if "answers cannot be stored" in record.message]) == 1


def scene_on(shelf: BrokenShelf) -> Any:
    one = Scene({"a": provider()}, {"a/m": COUNTED})
    one.router._cache._shelf = shelf
    one.shelf = shelf  # type: ignore[attr-defined]
    return one


@pytest.mark.parametrize("text", ["", "{", "null", '{"v": 1}', '{"v": 99, "content": "evil"}'])
async def test_a_stored_text_that_is_no_answer_is_a_miss_and_is_written_over(text: str) -> None:
    one = scene_on(BrokenShelf(10_000))
    await one.router.complete(HELLO, ASK)
    (key,) = one.shelf._texts
    await one.shelf.put(key, text, 60)
    assert (await one.router.complete(HELLO, ASK)).content == "answer 1"
    assert (await one.router.complete(HELLO, ASK)).content == "answer 1"


@pytest.fixture
async def on_disk(tmp_path: Path) -> AsyncIterator[Scene]:
    """A scene whose answers are on disk. Over a real loop: threads know no virtual time."""
    one = disk_scene(tmp_path)
    yield one
    await one.router.aclose()


def disk_scene(tmp_path: Path) -> Scene:
    state = {"store": "memory", "path": str(tmp_path / "state")}
    return Scene({"a": provider()}, {"a/m": COUNTED}, state=state, cache={"store": "disk", "ttl_s": 60})


async def ask(one: Scene) -> CompletionResult:
    return await one.router.complete(HELLO, ASK)


async def test_answers_on_disk_survive_the_router_and_grow_old(on_disk: Scene, tmp_path: Path) -> None:
    assert not (await ask(on_disk)).cached
    await on_disk.router.aclose()
    another = disk_scene(tmp_path)
    assert (await ask(another)).content == "answer 0"
    assert another.called == []
    another.clock.advance(61)
    assert not (await ask(another)).cached
    await another.router.aclose()


async def test_neither_the_prompt_nor_a_key_is_on_disk(on_disk: Scene, tmp_path: Path) -> None:
    secret = [{"role": "user", "content": "a very secret prompt"}]
    await on_disk.router.complete(secret, RequestContext(cache=True, caller="the-name-of-a-caller"))
    await on_disk.router.aclose()
    written = b"".join(path.read_bytes() for path in (tmp_path / "state" / "answers").iterdir())
    assert b"answer 0" in written
    assert b"secret prompt" not in written
    assert b"the-name-of-a-caller" not in written
    assert b"unused" not in written


async def test_a_broken_file_under_a_running_router_fails_no_request(on_disk: Scene, tmp_path: Path) -> None:
    await ask(on_disk)
    assert (await ask(on_disk)).cached
    database = tmp_path / "state" / "answers" / DATABASE
    database.unlink()
    database.write_bytes(b"no database at all" * 500)
    assert not (await ask(on_disk)).cached
    await ask(on_disk)
    assert (await ask(on_disk)).cached


async def test_a_file_that_another_process_holds_keeps_nobody_waiting_for_the_others(
    on_disk: Scene, tmp_path: Path
) -> None:
    await ask(on_disk)
    lock = sqlite3.connect(tmp_path / "state" / "answers" / DATABASE, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    texts = [[{"role": "user", "content": f"text {number}"}] for number in range(30)]
    await asyncio.gather(*(on_disk.router.complete(text, ASK) for text in texts))
    assert time.monotonic() - began < 2, "each of them waits for the lock by itself"
    lock.execute("ROLLBACK")
    lock.close()
    await asyncio.sleep(REST_S)
    assert (await ask(on_disk)).cached


async def test_where_no_thread_can_be_had_requests_are_served(
    on_disk: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", full)
        assert (await ask(on_disk)).content == "answer 0"
    assert "can't start new thread" in caplog.text
    await ask(on_disk)
    assert (await ask(on_disk)).cached


async def test_a_directory_that_cannot_be_made_fails_no_request(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "state").write_text("a file")
    one = disk_scene(tmp_path)
    with caplog.at_level(logging.WARNING, "llm7router"):
        for number in range(3):
            assert (await ask(one)).content == f"answer {number}"
    assert len(caplog.records) == 1
    await one.router.aclose()


def test_without_opting_in_nothing_is_made_on_disk(tmp_path: Path) -> None:
    @in_virtual_time
    async def scenario() -> None:
        one = disk_scene(tmp_path)
        await one.router.complete(HELLO, temperature=0)
        await streamed(one, RequestContext())
        await one.router.aclose()

    scenario()
    assert list(tmp_path.iterdir()) == []
