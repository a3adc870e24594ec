"""Every form that a model given as a Python callable can take."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from llm7router.calls.local.engine_callable import CallableEngine
from llm7router.calls.local.errors import LocalContextError, LocalFailedError, LocalModelError
from llm7router.calls.local.worker import Worker
from tests.local.conftest import answer, seconds_until, user

RESPONSE = {
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "length"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4},
}
CALL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"at":"it"}'}}


def chunk(text: str | None = None, finish_reason: str | None = None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": text} if text else {}, "finish_reason": finish_reason}]}


def text(messages: Any) -> str:
    return "Hello"


def response(messages: Any) -> dict[str, Any]:
    return RESPONSE


def texts(messages: Any) -> Iterator[str]:
    yield "Hel"
    yield ""
    yield "lo"


def chunks(messages: Any) -> Iterator[dict[str, Any]]:
    yield chunk("Hel")
    yield chunk("lo", "length")
    yield {"choices": [], "usage": RESPONSE["usage"]}


def text_chunks(prompt: str) -> Iterator[dict[str, Any]]:
    yield {"choices": [{"index": 0, "text": "Hello", "finish_reason": "length"}]}


def a_list(messages: Any) -> list[str]:
    return ["Hel", "lo"]


class Model:
    def __call__(self, messages: Any) -> str:
        return "Hello"


class Dumped:
    def __call__(self, messages: Any) -> Any:
        class Response:
            def model_dump(self) -> dict[str, Any]:
                return RESPONSE

        return Response()


async def async_text(messages: Any) -> str:
    await asyncio.sleep(0)
    return "Hello"


async def async_response(messages: Any) -> dict[str, Any]:
    return RESPONSE


async def async_texts(messages: Any) -> AsyncIterator[str]:
    yield "Hel"
    yield "lo"


async def async_chunks(messages: Any) -> AsyncIterator[dict[str, Any]]:
    for piece in chunks(messages):
        yield piece


async def awaited_iterator(messages: Any) -> Iterator[str]:
    return texts(messages)


async def awaited_async_iterator(messages: Any) -> AsyncIterator[str]:
    return async_texts(messages)


FORMS = [text, response, texts, chunks, text_chunks, a_list, Model(), Dumped(), async_text, async_response]
FORMS += [async_texts, async_chunks, awaited_iterator, awaited_async_iterator]


async def ask(target: Any, messages: Any = None, **parameters: Any) -> Any:
    worker = Worker("mine", lambda: CallableEngine(target))
    try:
        return await answer(worker, messages or user("Hi"), **parameters)
    finally:
        worker.close()


@pytest.mark.parametrize("target", FORMS, ids=lambda target: getattr(target, "__name__", type(target).__name__))
async def test_a_callable_may_return_any_form_of_answer(target: Any) -> None:
    whole = await ask(target)
    assert whole.content == "Hello"
    assert whole.finish_reason in ("stop", "length")
    assert whole.usage in (None, RESPONSE["usage"])


async def test_an_iterator_is_streamed_as_it_yields() -> None:
    def slow(messages: Any) -> Iterator[str]:
        for _ in range(5):
            time.sleep(0.02)
            yield "x"

    worker = Worker("slow", lambda: CallableEngine(slow))
    arrivals = [time.monotonic() async for _ in worker.chunks(user("Hi"), {})]
    worker.close()
    assert arrivals[4] - arrivals[0] > 0.06


async def test_it_gets_those_parameters_that_its_signature_names() -> None:
    seen: dict[str, Any] = {}

    def target(messages: Any, max_tokens: int = 0, *, temperature: float | None = None) -> str:
        seen.update(max_tokens=max_tokens, temperature=temperature)
        return "ok"

    await ask(target, max_tokens=5, temperature=0.5, top_p=1, n=2)
    assert seen == {"max_tokens": 5, "temperature": 0.5}
    await ask(target, max_completion_tokens=6)
    assert seen == {"max_tokens": 6, "temperature": None}


async def test_it_gets_all_parameters_if_it_takes_any() -> None:
    seen: dict[str, Any] = {}

    def target(messages: Any, **parameters: Any) -> str:
        seen.update(parameters)
        return "ok"

    await ask(target, max_tokens=5, top_p=1, stop=None)
    assert seen == {"max_tokens": 5, "top_p": 1}


async def test_it_is_asked_to_stream_if_it_can() -> None:
    def target(messages: Any, stream: bool = False) -> Any:
        return texts(messages) if stream else RESPONSE

    worker = Worker("streams", lambda: CallableEngine(target))
    assert len([piece async for piece in worker.chunks(user("Hi"), {})]) == 3
    worker.close()


@pytest.mark.parametrize(
    ("messages", "given"),
    [
        pytest.param(user("Hi"), "Hi", id="a single question"),
        pytest.param([{"role": "system", "content": "Be brief."}, *user("Hi")], "system: Be brief.\nuser: Hi",
                     id="a conversation"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["prompt", "text"])
async def test_a_callable_that_wants_text_gets_the_conversation_as_text(name: str, messages: Any, given: str) -> None:
    scope: dict[str, Any] = {}
    exec(f"def target({name}): return {name}", scope)  # noqa: S102
    assert (await ask(scope["target"], messages)).content == given


async def test_tool_calls_and_reasoning_come_through() -> None:
    message = {"role": "assistant", "content": None, "reasoning_content": "Hm.", "tool_calls": [CALL]}
    whole = await ask(lambda messages: {"choices": [{"message": message}]})
    assert whole.finish_reason == "tool_calls"
    assert whole.message() == message
    assert whole.reasoning == "Hm."


@pytest.mark.parametrize(
    ("target", "message"),
    [
        pytest.param(lambda messages: 1 / 0, "the callable raised ZeroDivisionError: division by zero", id="raises"),
        pytest.param(lambda messages: None, "the callable gave a NoneType", id="returns nothing"),
        pytest.param(lambda messages: {"answer": "Hello"}, "a mapping without choices", id="returns another mapping"),
        pytest.param(lambda messages: [1], "the callable gave a int", id="yields numbers"),
    ],
)
async def test_a_callable_that_fails_is_told_by_name(target: Any, message: str) -> None:
    with pytest.raises(LocalFailedError, match=message):
        await ask(target)


def leaves(messages: Any) -> str:
    raise SystemExit(3)


def leaves_while_it_yields(messages: Any) -> Iterator[str]:
    yield "Hel"
    raise SystemExit(3)


async def leaves_async(messages: Any) -> str:
    raise SystemExit(3)


async def leaves_while_it_yields_async(messages: Any) -> AsyncIterator[str]:
    yield "Hel"
    await asyncio.sleep(0)
    raise SystemExit(3)


@pytest.mark.parametrize("target", [leaves, leaves_while_it_yields, leaves_async, leaves_while_it_yields_async])
async def test_a_callable_that_wants_to_end_the_program_fails_and_is_asked_again(target: Any) -> None:
    worker = Worker("mine", lambda: CallableEngine(target))
    for _ in range(3):
        with pytest.raises(LocalFailedError, match="the callable raised SystemExit: 3"):
            await asyncio.wait_for(answer(worker, user("Hi")), 2)
    await asyncio.to_thread(worker.close)


async def test_long_error_messages_are_trimmed() -> None:
    def target(messages: Any) -> str:
        raise ValueError("x" * 10_000)

    with pytest.raises(LocalFailedError) as caught:
        await ask(target)
    assert len(str(caught.value)) <= 300


async def test_a_context_error_of_llama_cpp_python_is_recognised() -> None:
    def target(messages: Any) -> str:
        raise ValueError("Requested tokens (3031) exceed context window of 2048")

    with pytest.raises(LocalContextError):
        await ask(target)


async def test_a_callable_without_parameters_is_a_faulty_model() -> None:
    with pytest.raises(LocalModelError, match="takes no messages"):
        await ask(lambda: "Hello")


@pytest.mark.parametrize("kind", ["iterator", "async iterator", "coroutine"])
async def test_leaving_stops_a_callable(kind: str) -> None:
    ended = threading.Event()

    def iterator(messages: Any) -> Iterator[str]:
        try:
            while True:
                time.sleep(0.005)
                yield "x"
        finally:
            ended.set()

    async def async_iterator(messages: Any) -> AsyncIterator[str]:
        try:
            while True:
                await asyncio.sleep(0.005)
                yield "x"
        finally:
            ended.set()

    async def coroutine(messages: Any) -> str:
        try:
            return str(await asyncio.sleep(60))
        finally:
            ended.set()

    targets = {"iterator": iterator, "async iterator": async_iterator, "coroutine": coroutine}
    worker = Worker(kind, lambda: CallableEngine(targets[kind]))
    task = asyncio.ensure_future(answer(worker, user("Hi")))
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await asyncio.to_thread(seconds_until, lambda: worker.depth == 0, 0.5)
    assert ended.is_set()
    worker.close()


async def test_an_async_callable_always_runs_in_the_same_loop() -> None:
    loops = []

    async def target(messages: Any) -> str:
        loops.append(asyncio.get_running_loop())
        return "Hello"

    worker = Worker("loops", lambda: CallableEngine(target))
    await answer(worker, user("Hi"))
    await answer(worker, user("Hi"))
    worker.close()
    assert loops[0] is loops[1]
