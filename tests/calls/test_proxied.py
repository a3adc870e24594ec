"""`proxy` over real connections: who is asked, what a proxy gets to see, and what becomes of one that fails."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from llm7router import LLMRouter
from llm7router.alerts.webhook import _posted, _transport
from llm7router.calls import litellm_api, transport
from llm7router.calls.account import Accounts
from llm7router.calls.backend import LiteLLMBackend
from llm7router.calls.base import Call
from llm7router.clock import SystemClock
from llm7router.errors import AllProvidersExhaustedError
from llm7router.onboarding import web
from llm7router.proxies import DIRECT, Proxy
from llm7router.state.store.memory import MemoryStore
from llm7router.types import Failure, Outcome
from llm7router.upkeep import fetch
from tests.calls.helpers import HELLO, deployment, make
from tests.forward_proxy import HOST, ForwardProxy, certified
from tests.guard import CANARY
from tests.router import scene
from tests.upstream import Upstream
from tests.upstream_behaviours import json_body

SECRET = f"{CANARY}-of-proxy"
FREE = {"data": {"free_model_daily_requests": {"used": 1, "limit": 50}}}


@pytest.fixture
def vendor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Upstream]:
    """An upstream that shows the certificate of a host that does not exist, and which is trusted."""
    file, tls = certified(tmp_path, HOST, "localhost", "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with Upstream(tls=tls) as running:
        running.paths["/key"] = json_body(FREE)
        yield running


@pytest.fixture
def proxy(vendor: Upstream) -> Iterator[ForwardProxy]:
    with ForwardProxy(vendor.port) as running:
        yield running


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The host that does not exist is this machine, for whoever looks it up here."""
    real = socket.getaddrinfo

    def looked_up(host: Any, *more: Any, **named: Any) -> Any:
        return real("127.0.0.1" if host in (HOST, HOST.encode()) else host, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", looked_up)


@pytest_asyncio.fixture(params=["aiohttp", "httpx"])
async def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LiteLLMBackend]:
    """A fresh call layer over either transport that LiteLLM may choose."""
    litellm: Any = await litellm_api.load()
    monkeypatch.setattr(litellm, "disable_aiohttp_transport", request.param == "httpx")
    monkeypatch.setattr(litellm, "aiohttp_trust_env", True)
    made = LiteLLMBackend()
    yield made
    await made.aclose()


@pytest.fixture(params=["whole", "stream", "embed"])
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def called(backend: LiteLLMBackend, way: str, port: int, prefix: str, proxy: Proxy, host: str = HOST) -> Outcome:
    target = deployment(f"https://{host}:{port}/v1", prefix)
    if way == "embed":
        return await backend.embed(Call(target, (), {}, 5.0, inputs=("text",), proxy=proxy))
    return await make(backend, way, Call(target, HELLO, {}, 5.0, proxy=proxy))


async def test_the_environment_does_not_change_where_a_call_goes(
    backend: LiteLLMBackend, way: str, prefix: str, vendor: Upstream, proxy: ForwardProxy, named: None,
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:  # fmt: skip
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy"):
        monkeypatch.setenv(name, proxy.url)
    (tmp_path / "netrc").write_text(f"machine {HOST} login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("AIOHTTP_TRUST_ENV", "True")
    outcome = await called(backend, way, vendor.port, prefix, DIRECT)
    assert outcome.failure is None, outcome.detail
    assert (vendor.count, proxy.asked) == (1, [])
    assert vendor.last.headers["authorization"] == f"Bearer {CANARY}"
    followed = await called(backend, way, vendor.port, prefix, Proxy("environment"))
    assert followed.failure is None, followed.detail
    assert (vendor.count, proxy.asked) == (2, [f"CONNECT {HOST}:{vendor.port}"])


async def test_calls_go_through_the_proxy_which_sees_neither_key_nor_prompt(
    backend: LiteLLMBackend, way: str, prefix: str, vendor: Upstream, proxy: ForwardProxy,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    said = Proxy(f"http://me:p%40ss@{proxy.place}")
    outcome = await called(backend, way, vendor.port, prefix, said)
    assert outcome.failure is None, outcome.detail
    assert vendor.count == 1
    ((line, headers),) = proxy.seen
    assert line == f"CONNECT {HOST}:{vendor.port}"
    assert headers["proxy-authorization"] == "Basic bWU6cEBzcw=="  # me:p@ss
    assert "authorization" not in headers
    assert "proxy-authorization" not in vendor.last.headers
    assert not any(word in caplog.text for word in ("bWU6", "p%40ss", "p@ss"))


async def test_this_machine_is_called_without_the_proxy(
    backend: LiteLLMBackend, way: str, prefix: str, vendor: Upstream, proxy: ForwardProxy,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    for said in (Proxy(proxy.url), Proxy("environment"), DIRECT):
        for host in ("localhost", "127.0.0.1"):
            outcome = await called(backend, way, vendor.port, prefix, said, host)
            assert outcome.failure is None, outcome.detail
    assert (vendor.count, proxy.asked) == (6, [])


async def test_a_proxy_over_tls(backend: LiteLLMBackend, vendor: Upstream, prefix: str, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    with ForwardProxy(vendor.port, tls=vendor.tls) as proxy:
        outcome = await called(backend, "whole", vendor.port, prefix, Proxy(f"https://me:{SECRET}@{proxy.place}"))
        assert outcome.failure is None, outcome.detail
        assert proxy.asked == [f"CONNECT {HOST}:{vendor.port}"]


@pytest.mark.parametrize("status", [407, 403, 502])
async def test_a_proxy_that_refuses_is_named_and_the_provider_was_not_asked(
    backend: LiteLLMBackend, way: str, prefix: str, vendor: Upstream, proxy: ForwardProxy, status: int,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    proxy.status = status
    outcome = await called(backend, way, vendor.port, prefix, Proxy(f"http://me:{SECRET}@{proxy.place}"))
    advice = ": it wants a user name and a password" if status == 407 else ""
    assert (outcome.failure, outcome.detail) == (
        Failure.UNREACHABLE,
        f"the proxy {proxy.place} answers {status}{advice}",
    )
    assert (vendor.count, proxy.asked) == (0, [f"CONNECT {HOST}:{vendor.port}"])
    assert SECRET not in caplog.text + repr(outcome)


async def test_a_proxy_that_is_down_is_named_and_nothing_was_sent(
    backend: LiteLLMBackend, way: str, prefix: str, refused: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    place = refused.removeprefix("http://").removesuffix("/v1")
    outcome = await called(backend, way, 443, prefix, Proxy(f"http://me:{SECRET}@{place}"))
    assert (outcome.failure, outcome.detail) == (Failure.UNREACHABLE, f"the proxy {place} cannot be reached")
    assert SECRET not in caplog.text + repr(outcome)


@pytest.mark.parametrize("backend", ["aiohttp"], indirect=True)
async def test_a_proxy_that_does_not_answer_is_not_waited_for_longer_than_for_a_connection(
    backend: LiteLLMBackend, way: str, prefix: str, vendor: Upstream, proxy: ForwardProxy,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(transport, "CONNECT_S", 0.1)
    proxy.status = 0
    outcome = await called(backend, way, vendor.port, prefix, Proxy(proxy.url))
    assert (outcome.failure, outcome.detail) == (
        Failure.UNREACHABLE,
        f"the proxy {proxy.place} does not answer in time",
    )
    assert outcome.duration_s < 2


async def test_a_host_behind_the_proxy_that_is_not_trusted_is_not_blamed_on_the_proxy(
    backend: LiteLLMBackend, prefix: str, vendor: Upstream, proxy: ForwardProxy
) -> None:
    target = deployment(f"https://another.example:{vendor.port}/v1", prefix)
    outcome = await backend.complete(Call(target, HELLO, {}, 5.0, proxy=Proxy(proxy.url)))
    assert outcome.failure is Failure.UNREACHABLE
    assert "certificate" in outcome.detail.lower()
    assert vendor.count == 0


async def test_a_proxy_of_another_kind_is_no_reason_to_go_without(
    backend: LiteLLMBackend, way: str, prefix: str, vendor: Upstream, named: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"socks5://me:{SECRET}@127.0.0.1:1080")
    outcome = await called(backend, way, vendor.port, prefix, Proxy("environment"))
    assert outcome.failure is Failure.UNREACHABLE
    assert "not a proxy of a kind that can be used" in outcome.detail
    assert (vendor.connections, SECRET in outcome.detail) == (0, False)


async def looked_at(url: str, proxy: Proxy) -> str:
    try:
        async with fetch.client(proxy) as http:
            await fetch.get(http, url, SystemClock(), within_s=5, proxy=proxy)
    except fetch.FetchError as error:
        return str(error)
    return ""


async def set_up(url: str, proxy: Proxy) -> str:
    try:
        await web.fetch(url, post={"code": "x"}, proxy=proxy)
    except web.NoAnswerError as error:
        return str(error)
    return ""


async def account_asked(url: str, proxy: Proxy) -> str:
    accounts, target = Accounts(SystemClock()), deployment(url, account_url=url)
    accounts.ask(target, proxy)
    await asyncio.gather(*accounts._asking)
    return "" if accounts.take(target) else "nothing was told of the proxy"


async def alerted(url: str, proxy: Proxy) -> str:
    try:
        async with _transport(proxy) as transport:
            await _posted(transport, url, {}, b"{}")
    except OSError as error:
        return str(error)
    return ""


WHO = pytest.mark.parametrize("who", [looked_at, set_up, account_asked, alerted], ids=lambda who: who.__name__)
Who = Callable[[str, Proxy], Awaitable[str]]


@WHO
async def test_whoever_else_asks_a_provider_goes_the_way_that_calls_go(
    who: Who, vendor: Upstream, proxy: ForwardProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    url = f"https://{HOST}:{vendor.port}/key"
    assert await who(url, Proxy(f"http://me:{SECRET}@{proxy.place}")) == ""
    assert await who(url, Proxy("environment")) == ""
    assert proxy.asked == [f"CONNECT {HOST}:{vendor.port}"] * 2
    assert await who(f"https://localhost:{vendor.port}/key", Proxy(proxy.url)) == ""
    with monkeypatch.context() as patch:
        real = socket.getaddrinfo
        patch.setattr(socket, "getaddrinfo", lambda host, *more, **named: real("127.0.0.1", *more, **named))
        assert await who(url, DIRECT) == ""
    assert len(proxy.asked) == 2
    assert len(vendor.others) == 4


@WHO
async def test_they_name_a_proxy_that_fails_without_its_credentials(
    who: Who, vendor: Upstream, proxy: ForwardProxy, refused: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    proxy.status = 407
    said = await who(f"https://{HOST}/key", Proxy(f"http://me:{SECRET}@{proxy.place}"))
    assert "the proxy" in said
    assert proxy.place in said or who is account_asked
    down = refused.removeprefix("http://").removesuffix("/v1")
    said += await who(f"https://{HOST}/key", Proxy(f"http://me:{SECRET}@{down}"))
    assert down in said or who is account_asked
    assert SECRET not in said + caplog.text


async def test_a_plain_address_goes_through_as_an_absolute_one(upstream: Upstream) -> None:
    with ForwardProxy(upstream.port) as proxy:
        assert await looked_at(f"http://{HOST}/v1/models", Proxy(f"http://me:p%40ss@{proxy.place}")) == ""
    ((line, headers),) = proxy.seen
    assert line == f"GET http://{HOST}/v1/models"
    assert headers["proxy-authorization"] == "Basic bWU6cEBzcw=="
    assert [request.path for request in upstream.others] == ["/v1/models"]


async def test_a_proxy_that_is_down_costs_neither_quota_nor_more_health_than_a_network_that_is(
    refused: str,
) -> None:
    place = refused.removeprefix("http://").removesuffix("/v1")
    limits = [{"unit": "requests", "window": "day", "max": 5}]
    data = scene.config({"a": scene.provider(base_url=f"https://{HOST}/v1", limits=limits)})
    async with LLMRouter({**data, "proxy": f"http://me:{SECRET}@{place}"}, env={}, store=MemoryStore()) as router:
        with pytest.raises(AllProvidersExhaustedError) as caught:
            await router.complete(scene.HELLO)
        assert f"a/m: unreachable (the proxy {place} cannot be reached)" in str(caught.value)
        (known,) = router.stats().deployments
    assert SECRET not in str(caught.value) + repr(caught.value) + repr(known)
    (limit,) = known.limits
    assert limit.used == 0


async def test_the_next_request_goes_by_the_edited_file(
    tmp_path: Path, vendor: Upstream, proxy: ForwardProxy, named: None
) -> None:
    file = tmp_path / "router.yaml"
    whole = scene.config({"a": scene.provider(base_url=f"https://{HOST}:{vendor.port}/v1")})

    def write(said: str | None) -> None:
        file.write_text(json.dumps({**whole, "proxy": said}))

    write(None)
    async with LLMRouter(file, env={}, store=MemoryStore()) as router:
        for said, asked in ((None, 0), (proxy.url, 1), (None, 1), (f"http://me:x@{proxy.place}", 2), (proxy.url, 2)):
            write(said)
            router.reload()
            await router.complete(scene.HELLO)
            assert len(proxy.asked) == asked, said
    assert vendor.count == 5
