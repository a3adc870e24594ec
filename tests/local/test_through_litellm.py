"""Local models as LiteLLM sees them: the handler's contract with `litellm.acompletion`."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from llm7router.calls.local import engines, errors, registry
from llm7router.types import Deployment, Kind
from tests.local.conftest import local_deployment, needs_model, seconds_until, user
from tests.local.test_callables import CALL, RESPONSE, chunk
from tests.local.test_engine_contract import SCHEMA

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),  # LiteLLM's logging does not like a loop per test
    pytest.mark.filterwarnings("ignore:.*ReadOnly:UserWarning"),  # of LiteLLM's own types, by pydantic
]

OPTIONS: dict[str, Any] = {"max_retries": 0, "num_retries": 0, "drop_params": True, "_skip_mcp_handler": True}
STREAM: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def provider() -> AsyncIterator[Any]:
    """The handler, registered as the call layer does it."""
    os.environ |= {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_MODE": "PRODUCTION", "LITELLM_LOG": "ERROR"}
    import litellm

    from llm7router.calls.local.handler import LOCAL_PROVIDER, LocalHandler

    litellm.suppress_debug_info = True
    item = {"provider": LOCAL_PROVIDER, "custom_handler": LocalHandler()}
    litellm.custom_provider_map.append(item)
    yield litellm
    litellm.custom_provider_map.remove(item)
    await registry.aclose()


@pytest.fixture
def real(engine_name: str, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """The real model on each engine in turn; a context of its own keeps the two apart in the registry."""
    monkeypatch.setenv(engines.VARIABLE, engine_name)
    return local_deployment(context_window={"llama_cpp": 2048, "xllamacpp": 2304}.get(engine_name, 2560))


def made_of(target: Any) -> Deployment:
    return local_deployment("mine", kind=Kind.CALLABLE, path=None, target=target)


async def call(deployment: Deployment, messages: Any = None, **parameters: Any) -> Any:
    import litellm

    model = f"llm7router_local/{registry.ensure(deployment)}"
    return await litellm.acompletion(model=model, messages=messages or user("Say hello."), **OPTIONS, **parameters)


async def failure(deployment: Deployment, messages: Any = None, **parameters: Any) -> BaseException:
    """What it raises, at the call or while streaming."""
    try:
        response = await call(deployment, messages, **parameters)
        if parameters.get("stream"):
            async for _ in response:
                pass
    except Exception as error:
        return error
    raise AssertionError("it did not fail")


@needs_model
async def test_a_whole_answer_has_text_finish_reason_and_usage(real: Deployment) -> None:
    response = await call(real, max_tokens=6, temperature=0)  # with chance it may say less, or emoji of several tokens
    assert response.choices[0].message.content
    assert response.choices[0].finish_reason == "length"
    assert (response.usage.prompt_tokens, response.usage.completion_tokens) == (33, 6)


@needs_model
async def test_a_stream_has_tokens_finish_reason_and_usage(real: Deployment) -> None:
    pieces, arrivals, finish, usage = [], [], None, None
    async for part in await call(real, max_tokens=12, temperature=0, **STREAM):
        if part.choices and part.choices[0].delta.content:
            pieces.append(part.choices[0].delta.content)
            arrivals.append(time.monotonic())
        finish = (part.choices and part.choices[0].finish_reason) or finish
        usage = getattr(part, "usage", None) or usage
    assert len(pieces) >= 6
    assert arrivals[-1] - arrivals[0] > 0.02
    assert finish == "length"
    assert (usage.prompt_tokens, usage.completion_tokens) == (33, 12)


@needs_model
async def test_response_format_passes_through(real: Deployment) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "city", "schema": SCHEMA}}
    response = await call(real, user("Describe Paris."), response_format=form, max_tokens=80, temperature=0)
    assert set(json.loads(response.choices[0].message.content)) == {"city", "people"}


@needs_model
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_prompt_too_long_is_litellms_context_error(real: Deployment, provider: Any, stream: bool) -> None:
    error = await failure(real, user("Hello " * 3000), stream=stream)
    assert isinstance(error, provider.exceptions.ContextWindowExceededError)
    assert isinstance(errors.find(error), errors.LocalContextError)


@needs_model
@pytest.mark.parametrize("how", ["cancelled", "closed"])
async def test_leaving_stops_the_model(real: Deployment, how: str) -> None:
    worker = registry.worker(registry.ensure(real))
    await call(real, max_tokens=1)  # loads it, which cannot be stopped
    if how == "cancelled":
        task = asyncio.ensure_future(call(real, user("Count to a thousand, in words."), max_tokens=1500))
        await asyncio.sleep(0.3)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    else:
        response = await call(real, user("Count to a thousand, in words."), max_tokens=1500, **STREAM)
        await anext(response)
        await response.aclose()
    await asyncio.to_thread(seconds_until, lambda: worker.depth == 0, 3.0)


def unusable(messages: Any) -> str:
    raise errors.LocalModelError("no such file", "correct the path")


def broken(messages: Any) -> str:
    raise ZeroDivisionError("by zero")


async def breaks_off(messages: Any) -> AsyncIterator[str]:
    yield "Hel"
    raise ZeroDivisionError("by zero")


def busy(messages: Any) -> str:
    raise errors.LocalBusyError("4 requests wait")


def refuses(messages: Any) -> str:
    raise errors.LocalRequestError("the model takes text only")


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(
    ("target", "kind"),
    [
        (unusable, errors.LocalModelError),
        (busy, errors.LocalBusyError),
        (refuses, errors.LocalRequestError),
        (broken, errors.LocalFailedError),
        (breaks_off, errors.LocalFailedError),
    ],
)
async def test_every_local_error_can_be_found_in_what_litellm_raises(target: Any, kind: type, stream: bool) -> None:
    found = errors.find(await failure(made_of(target), stream=stream))
    assert type(found) is kind
    assert "Traceback" not in str(found)


async def test_a_model_closed_meanwhile_is_a_failure_not_a_crash(provider: Any) -> None:
    with pytest.raises(Exception, match="was closed") as caught:
        await provider.acompletion(model="llm7router_local/gone.1", messages=user("Hi"), **OPTIONS)
    assert isinstance(errors.find(caught.value), errors.LocalFailedError)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_tool_calls_reasoning_and_usage_survive(stream: bool) -> None:
    message = {"role": "assistant", "content": None, "reasoning_content": "Hm.", "tool_calls": [CALL]}
    deployment = made_of(lambda messages: {"choices": [{"message": message}], "usage": RESPONSE["usage"]})
    response = await call(deployment, **(STREAM if stream else {}))
    if stream:
        import litellm

        response = litellm.stream_chunk_builder([part async for part in response])
    got = response.choices[0]
    assert got.finish_reason == "tool_calls"
    assert got.message.reasoning_content == "Hm."
    assert got.message.tool_calls[0].function.arguments == CALL["function"]["arguments"]
    assert response.usage.total_tokens == 4


async def test_a_model_that_repeats_itself_is_not_cut_off() -> None:
    deployment = made_of(lambda messages: (chunk("again ") for _ in range(350)))
    texts = [part.choices[0].delta.content or "" async for part in await call(deployment, stream=True)]
    assert "".join(texts) == "again " * 350


async def test_the_synchronous_calls_work_too(provider: Any) -> None:
    model = f"llm7router_local/{registry.ensure(made_of(lambda messages: iter(['Hel', 'lo'])))}"

    def in_a_thread() -> None:
        whole = provider.completion(model=model, messages=user("Hi"), **OPTIONS)
        assert whole.choices[0].message.content == "Hello"
        parts = provider.completion(model=model, messages=user("Hi"), stream=True, **OPTIONS)
        assert "".join(part.choices[0].delta.content or "" for part in parts) == "Hello"

    await asyncio.to_thread(in_a_thread)
