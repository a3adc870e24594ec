"""What a provider's answer says of a key. Every stand-in is a real server on this machine."""

from __future__ import annotations

import asyncio
import socket
import threading
import time

import pytest

from llm7router.config.load import load, packaged
from llm7router.config.models import ProviderConfig
from llm7router.onboarding import web
from llm7router.onboarding.check import Verdict, free_check
from llm7router.types import AccountLimit, Axis, Period, Unit
from tests.guard import CANARY
from tests.upstream import Upstream
from tests.upstream_behaviours import raw


def shipped(name: str, upstream: Upstream) -> ProviderConfig:
    env = {"CLOUDFLARE_ACCOUNT_ID": "acc0unt"}
    config = next(spec.config for spec in load(packaged(), env=env).providers if spec.name == name)
    assert config.base_url is not None
    path = config.base_url.partition("//")[2].partition("/")[2]
    return config.model_copy(update={"base_url": f"http://127.0.0.1:{upstream.port}/{path}"})


PATHS = {
    "groq": "/openai/v1/models",
    "openrouter": "/api/v1/key",
    "gemini": "/v1beta/models",
    "mistral": "/v1/models",
    "cloudflare": "/client/v4/user/tokens/verify",
    "zai": "/api/paas/v4/models",
    "ollama_cloud": "/api/tags",
}


@pytest.mark.parametrize("name", PATHS)
async def test_a_good_key_is_good_and_costs_no_request_for_an_answer(upstream: Upstream, name: str) -> None:
    upstream.paths[PATHS[name]] = ("json_body", {"data": []})
    checked = await free_check(shipped(name, upstream), CANARY)
    assert checked == (Verdict.GOOD, "", None)
    (request,) = upstream.others
    header = "x-goog-api-key" if name == "gemini" else "authorization"
    assert (request.method, request.path) == ("GET", PATHS[name])
    assert request.headers[header] == (CANARY if name == "gemini" else f"Bearer {CANARY}")
    assert request.headers["user-agent"].startswith("llm7router/")
    assert not upstream.requests


def test_every_provider_with_a_free_check_is_tried_here() -> None:
    assert {spec.name for spec in load(packaged(), env={}).providers if spec.config.key_check} == set(PATHS)


@pytest.mark.parametrize(
    ("name", "answer", "because"),
    [
        ("groq", ("status", 401, "Invalid API Key"), "401: Invalid API Key"),
        ("groq", ("status", 401, b""), "401"),
        ("groq", ("status", 403, {"message": "no"}), "403: no"),
        ("gemini", ("status", 400, [{"error": {"message": "API key not valid."}}]), "400: API key not valid."),
        ("cloudflare", ("status", 401, {"errors": [{"code": 1000, "message": "Invalid"}]}), "401: Invalid"),
        ("groq", ("status", 401, f"Incorrect key {CANARY}, sk-abcdefgh12345\x1b[2J"), "401: Incorrect key ***, ***[2J"),
    ],
)
async def test_a_bad_key_is_told_in_the_providers_words_without_the_key(
    upstream: Upstream, name: str, answer: tuple[object, ...], because: str
) -> None:
    upstream.paths[PATHS[name]] = answer
    assert await free_check(shipped(name, upstream), CANARY) == (Verdict.BAD, because, None)


@pytest.mark.parametrize(
    ("answer", "because"),
    [
        ("html", "the answer is not JSON (status 200)"),
        (("html", 403), "the answer is not JSON (status 403)"),
        (("raw", b"[" * 100_000), "the answer is not JSON (status 200)"),
        (("raw", b'"yes"'), "the answer is not JSON (status 200)"),
        (("status", 400, "location is not supported"), "400: location is not supported"),
        (("status", 429, "Slow down"), "429: Slow down"),
        (("status", 503, {}), "503"),
        ("endless", "its answer is longer than 1,048,576 bytes"),
        ("reset", "it cannot be reached (ReadError)"),
        ("stall", "it did not answer within 0.3 s"),
        ("slow_bytes", "it did not answer within 0.3 s"),
    ],
    ids=["a web page", "a firewall", "nested deep", "text", "400", "429", "503", "endless", "reset", "hangs", "drips"],
)
async def test_what_tells_nothing_of_the_key_is_neither_good_nor_bad(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch, answer: object, because: str
) -> None:
    monkeypatch.setattr(web, "TIMEOUT_S", 0.3 if answer in ("stall", "slow_bytes") else 5.0)
    upstream.paths[PATHS["groq"]] = answer  # type: ignore[assignment]
    assert await free_check(shipped("groq", upstream), CANARY) == (Verdict.UNKNOWN, because, None)


async def test_a_key_is_not_sent_on_to_where_an_answer_points(upstream: Upstream) -> None:
    with Upstream() as other:
        upstream.paths[PATHS["groq"]] = ("redirect", other.base_url)
        checked = await free_check(shipped("groq", upstream), CANARY)
        assert checked == (Verdict.UNKNOWN, "it redirects (status 307)", None)
        assert other.connections == 0


async def test_neither_a_proxy_nor_a_netrc_of_the_environment_sees_the_key(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    upstream.paths[PATHS["groq"]] = ("json_body", {"data": []})
    assert (await free_check(shipped("groq", upstream), CANARY)).verdict is Verdict.GOOD


async def test_a_host_that_is_down_is_not_the_keys_fault(refused: str) -> None:
    config = next(spec.config for spec in load(packaged(), env={}).providers if spec.name == "groq")
    checked = await free_check(config.model_copy(update={"base_url": refused}), CANARY)
    assert checked == (Verdict.UNKNOWN, "it cannot be reached (ConnectError)", None)


def test_a_name_server_that_does_not_answer_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: ended.wait(20))
    monkeypatch.setattr(web, "TIMEOUT_S", 0.2)
    began = time.monotonic()
    with pytest.raises(web.NoAnswerError, match=r"did not answer within 0.2 s"):
        asyncio.run(web.fetch("https://a.example/v1/models"))
    took_s = time.monotonic() - began
    ended.set()
    assert took_s < 2, "neither the question nor the end of its loop waits for the look-up"


async def test_a_name_that_does_not_exist_is_not_the_keys_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(web.NoAnswerError, match=r"^its name cannot be looked up; check the network$"):
        await web.fetch("https://a.example/v1/models")


async def test_a_compressed_answer_is_not_unpacked(upstream: Upstream) -> None:
    upstream.paths[PATHS["groq"]] = raw(b'{"data": "' + b"x" * 9_000_000 + b'"}', gzip=True)
    checked = await free_check(shipped("groq", upstream), CANARY)
    assert checked == (Verdict.UNKNOWN, "the answer is not JSON (status 200)", None)
    assert upstream.others[-1].headers["accept-encoding"] == "identity"


async def test_openrouter_tells_how_many_free_requests_are_used(upstream: Upstream) -> None:
    daily = {"data": {"free_model_daily_requests": {"used": 3, "limit": 50}}}
    upstream.paths[PATHS["openrouter"]] = ("json_body", daily)
    checked = await free_check(shipped("openrouter", upstream), CANARY)
    assert checked.account == AccountLimit(Axis(Unit.REQUESTS, Period.DAY), 3, 50)
