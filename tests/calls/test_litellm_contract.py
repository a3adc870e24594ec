"""What is relied on inside of LiteLLM. Run on each of its releases: a failure here says what moved."""

from __future__ import annotations

import asyncio
import inspect
import os
import subprocess
import sys
from typing import Any

import httpx
import pytest

from llm7router.calls import litellm_api
from llm7router.calls.arguments import ALWAYS, arguments
from llm7router.calls.backend import LiteLLMBackend
from llm7router.calls.reply import chain, reply_of
from tests import upstream_behaviours as behave
from tests.calls.helpers import HELLO, call
from tests.upstream import Upstream

BASE = {"api_key": "k", "messages": list(HELLO), "timeout": 5.0, **ALWAYS}


def python(code: str, **environment: str) -> str:
    """What a fresh interpreter prints."""
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, **environment}, timeout=60
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip() + ran.stderr.strip()


def test_the_contract_and_the_parameters_need_neither_litellm_nor_httpx() -> None:
    modules = "llm7router.calls.base, llm7router.calls.params, llm7router.calls.backend"
    code = f"import sys, {modules}; print([n for n in ('litellm', 'httpx', 'openai', 'aiohttp') if n in sys.modules])"
    assert python(code) == "[]"


@pytest.mark.slow
def test_loading_calls_nobody_reads_no_env_file_prints_nothing_and_keeps_what_is_set() -> None:
    code = """
import sys
seen = []
def hook(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"): seen.append(arguments)
    if event == "open" and str(arguments[0]).endswith(".env"): seen.append(arguments)
sys.addaudithook(hook)
from llm7router.calls import litellm_api
module = litellm_api.load_now()
import os, threading
assert module.suppress_debug_info and module.redact_messages_in_exceptions
assert not seen, seen
assert os.environ["LITELLM_LOG"] == "WARNING"
assert threading.active_count() == 1, threading.enumerate()
"""
    assert python(code, LITELLM_LOG="WARNING") == ""


def test_a_host_that_loaded_litellm_first_keeps_its_environment() -> None:
    code = """
import os, sys, types
sys.modules["litellm"] = types.ModuleType("litellm")
from llm7router.calls import litellm_api
litellm_api.load_now()
print([name for name in litellm_api.ENVIRONMENT if name in os.environ])
"""
    environment = {name: value for name, value in os.environ.items() if name not in litellm_api.ENVIRONMENT}
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=60)
    assert ran.stdout.strip() == "[]", ran.stderr


async def test_loading_once_is_loading_for_all() -> None:
    modules = await asyncio.gather(*(litellm_api.load() for _ in range(4)), asyncio.to_thread(litellm_api.load_now))
    assert len({id(module) for module in modules}) == 1
    assert litellm_api.is_loaded()


def test_a_handler_joins_the_hosts_own() -> None:
    litellm: Any = litellm_api.load_now()
    providers, before = litellm.custom_provider_map, list(litellm.custom_provider_map)
    hosts = {"provider": "hosts_own", "custom_handler": object()}
    try:
        providers.append(hosts)
        litellm_api.register_handler("ours_for_a_test", "first")
        litellm_api.register_handler("ours_for_a_test", "second")
        assert litellm.custom_provider_map is providers
        assert providers == [*before, hosts, {"provider": "ours_for_a_test", "custom_handler": "second"}]
    finally:
        providers[:] = before


def test_a_call_passes_no_retries_no_cache_and_its_own_client(upstream: Upstream) -> None:
    given = arguments(call(upstream), stream=False)
    assert (given["max_retries"], given["num_retries"], given["drop_params"]) == (0, 0, True)
    assert given["cache"] == {"no-cache": True, "no-store": True}
    assert given["_skip_mcp_handler"] is True


async def test_the_client_that_is_passed_is_the_one_that_is_used(backend: LiteLLMBackend, upstream: Upstream) -> None:
    from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler

    sent: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, json=behave.completion("from the mock"))

    client = AsyncHTTPHandler(transport=httpx.MockTransport(handle), follow_redirects=False)
    model: Any = litellm_api.load_now()
    answer = await model.acompletion(model="hosted_vllm/m", api_base=upstream.base_url, client=client, **BASE)
    assert answer.choices[0].message.content == "from the mock"
    assert (len(sent), upstream.count) == (1, 0)
    assert client.client.follow_redirects is False
    assert client.client.trust_env is False
    await client.client.aclose()


def test_the_http_handler_takes_a_transport_and_can_make_one() -> None:
    from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler

    assert {"transport", "follow_redirects"} <= set(inspect.signature(AsyncHTTPHandler).parameters)
    assert inspect.iscoroutinefunction(AsyncHTTPHandler.create_async_transport) is False


async def test_the_transport_has_one_place_for_proxies_one_for_requests_and_one_for_sessions(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`calls.tunnel` steps in there; `tests/calls/test_proxied.py` has what comes of it."""
    from litellm.llms.custom_httpx.aiohttp_transport import LiteLLMAiohttpTransport
    from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler

    made = AsyncHTTPHandler.create_async_transport()
    assert type(made) is LiteLLMAiohttpTransport
    steps: list[str] = []
    for name in ("_client_factory", "_get_proxy_settings", "_make_aiohttp_request"):
        real = getattr(made, name)
        monkeypatch.setattr(made, name, lambda *a, name=name, real=real, **k: (steps.append(name), real(*a, **k))[1])
    async with httpx.AsyncClient(transport=made) as client:
        made.client = made._client_factory
        await client.get(f"{upstream.base_url}/models")
        assert made.client._trust_env is False
    assert steps == ["_client_factory", "_get_proxy_settings", "_make_aiohttp_request"]
    assert [*inspect.signature(LiteLLMAiohttpTransport._make_aiohttp_request).parameters][1:3] == [
        "client_session",
        "request",
    ]


@pytest.mark.parametrize("name", ["hosted_vllm", "openai"])
async def test_the_providers_response_is_at_the_end_of_the_chain_of_causes(
    backend: LiteLLMBackend, upstream: Upstream, name: str
) -> None:
    body = {"error": {"message": "Request too large: tokens per minute", "code": "rate_limit_exceeded"}}
    upstream.always("status", 413, body, headers={"retry-after": "3"})
    litellm: Any = litellm_api.load_now()
    with pytest.raises(litellm.exceptions.RateLimitError) as caught:  # what makes the chain necessary
        await litellm.acompletion(model=f"{name}/m", api_base=upstream.base_url, **BASE)
    assert caught.value.status_code == 429
    assert not caught.value.response.headers
    assert caught.value.litellm_response_headers["retry-after"] == "3"
    found = [link for link in chain(caught.value) if isinstance(link, httpx.HTTPStatusError)]
    assert found[-1].response.status_code == 413
    reply = reply_of(caught.value)
    assert (reply.status, reply.headers["retry-after"], reply.arrived) == (413, "3", True)
    assert '"rate_limit_exceeded"' in reply.text


@pytest.mark.parametrize("name", ["hosted_vllm", "openai"])
async def test_a_stream_wrapper_has_headers_can_be_closed_and_knows_of_a_finish_reason(
    backend: LiteLLMBackend, upstream: Upstream, name: str
) -> None:
    upstream.always("stream", [{"content": "x"}], headers={"x-mine": "1"})
    litellm: Any = litellm_api.load_now()
    wrapper = await litellm.acompletion(model=f"{name}/m", api_base=upstream.base_url, stream=True, **BASE)
    assert dict(wrapper._response_headers)["x-mine"] == "1"
    assert wrapper.received_finish_reason is None
    assert [chunk async for chunk in wrapper]
    assert wrapper.received_finish_reason == "stop"
    await wrapper.aclose()


async def test_a_whole_answer_has_its_headers_and_the_providers_finish_reason(
    backend: LiteLLMBackend, upstream: Upstream
) -> None:
    upstream.always("answer", finish_reason="error", headers={"x-mine": "1"})
    litellm: Any = litellm_api.load_now()
    answer = await litellm.acompletion(model="hosted_vllm/m", api_base=upstream.base_url, **BASE)
    assert answer._hidden_params["headers"]["x-mine"] == "1"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.choices[0].provider_specific_fields["native_finish_reason"] == "error"


async def test_without_callbacks_no_answer_is_priced_or_logged(
    backend: LiteLLMBackend, upstream: Upstream, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import litellm.cost_calculator
    from litellm.litellm_core_utils import litellm_logging

    asked: list[str] = []
    for module, name in (
        (litellm.cost_calculator, "completion_cost"),
        (litellm_logging.Logging, "async_success_handler"),
        (litellm_logging.Logging, "success_handler"),
        (litellm_logging.Logging, "failure_handler"),
    ):
        monkeypatch.setattr(module, name, lambda *_, name=name, **__: asked.append(name))
    before = asyncio.all_tasks()
    assert (await backend.complete(call(upstream, prefix=prefix))).response._hidden_params["response_cost"] is None
    streamed = (await backend.stream(call(upstream, prefix=prefix))).stream
    assert streamed is not None
    assert [chunk async for chunk in streamed]
    upstream.always("status", 500)
    assert not (await backend.complete(call(upstream, prefix=prefix))).ok
    await asyncio.sleep(0.05)
    assert asked == []
    assert asyncio.all_tasks() <= before


async def test_a_host_with_callbacks_hears_of_answers_and_failures(
    backend: LiteLLMBackend, upstream: Upstream, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    litellm = await litellm_api.load()
    from litellm.integrations.custom_logger import CustomLogger

    from llm7router.calls.unlogged import WANTED_BY

    heard: list[str] = []

    class Log(CustomLogger):
        async def async_log_success_event(self, kwargs: Any, *_: Any, **__: Any) -> None:
            heard.append(kwargs["model"])

        async def async_log_failure_event(self, kwargs: Any, *_: Any, **__: Any) -> None:
            heard.append("failed")

    for name in WANTED_BY:  # LiteLLM puts what is in one of these into others, for good
        monkeypatch.setattr(litellm, name, [])
    monkeypatch.setattr(litellm, "callbacks", [Log()])
    assert (await backend.complete(call(upstream, prefix=prefix))).ok
    upstream.always("status", 500)
    assert not (await backend.complete(call(upstream, prefix=prefix))).ok
    for _ in range(100):  # its queue is worked off behind our backs
        if len(heard) == 2:
            break
        await asyncio.sleep(0.02)
    assert sorted(heard) == ["failed", "m"]
