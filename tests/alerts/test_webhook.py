"""Alerts by HTTP: tries and pauses in virtual time, then real connections on this machine."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from llm7router import LLMRouter
from llm7router.alerts import Alert, Kind, sign, verify
from llm7router.alerts.webhook import MOST_WAITING, Webhook
from llm7router.config.alert_models import AlertsConfig, WebhookConfig
from llm7router.testing import START_AT, ScriptedBackend, VirtualClock
from tests.guard import CANARY
from tests.router.scene import HELLO, config, model, provider
from tests.virtual import in_virtual_time

SECRET = "a secret of enough characters"
ALERT = Alert(Kind.BREAKER, "groq/x", "groq/x: breaker open", START_AT)


class Receiver:
    """Answers by script: a status, an error, or seconds to hang; keeps when what came."""

    def __init__(self, *script: int | OSError | float) -> None:
        self.script, self.came = list(script), list[tuple[float, dict[str, Any]]]()

    async def post(self, headers: dict[str, str], body: bytes) -> int:
        assert verify(SECRET, headers["X-LLM7Router-Timestamp"], body, headers["X-LLM7Router-Signature"], self.now)
        self.came.append((round(self.now - START_AT, 3), json.loads(body)))
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(step, OSError):
            raise step
        if isinstance(step, float):
            await asyncio.sleep(step)
            return 200
        return step

    @property
    def now(self) -> float:
        return START_AT + asyncio.get_running_loop().time()

    @property
    def times(self) -> list[float]:
        return [at for at, _ in self.came]


def webhook(receiver: Receiver, **keys: Any) -> Webhook:
    settings = WebhookConfig(url="https://example.org/hook", secret_env="S", **keys)
    return Webhook(settings, SECRET, VirtualClock(), receiver.post)


@in_virtual_time
@pytest.mark.parametrize(
    ("script", "times", "dropped"),
    [
        ([204], [0], 0),
        ([500, 503, 200], [0, 1, 3], 0),
        ([429, 200], [0, 1], 0),
        ([OSError("refused")], [0, 1, 3, 7], 1),
        ([1000.0], [0, 6, 13, 22], 1),  # hangs: each try takes the five seconds that it has
        ([302], [0], 1),
        ([404], [0], 1),
    ],
    ids=["taken", "failing twice", "busy", "nobody there", "hanging", "redirecting", "gone"],
)  # fmt: skip
async def test_a_bounded_number_of_tries_each_bounded_in_time(script: Any, times: list[float], dropped: int) -> None:
    receiver = Receiver(*script)
    hook = webhook(receiver)
    hook.put(ALERT)
    await asyncio.sleep(100)
    assert receiver.times == times
    assert hook.dropped == dropped
    assert len({body["id"] for _, body in receiver.came}) == 1, "a receiver can tell that it is the same alert"


@in_virtual_time
async def test_what_waits_is_sent_in_order_after_an_alert_that_nobody_took(caplog: pytest.LogCaptureFixture) -> None:
    receiver = Receiver(400, 200)
    hook = webhook(receiver)
    for _ in range(3):
        hook.put(ALERT)
    await asyncio.sleep(1)
    assert len(receiver.came) == 3
    assert "the webhook did not get 1 (status 400); 1 dropped so far" in caplog.text
    assert "example.org" not in caplog.text


@in_virtual_time
async def test_more_than_may_wait_is_dropped_counted_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    hook = webhook(Receiver(1000.0))
    for _ in range(MOST_WAITING + 20):
        hook.put(ALERT)
    assert hook.dropped == 20
    assert "the webhook did not get 1 (100 wait already); 20 dropped so far" in caplog.text
    await hook.aclose()


@in_virtual_time
async def test_closing_waits_some_seconds_for_what_is_under_way_and_no_longer(caplog: pytest.LogCaptureFixture) -> None:
    loop = asyncio.get_running_loop()
    quick = webhook(Receiver(2.0))
    quick.put(ALERT)
    await asyncio.sleep(0)
    await quick.aclose()
    assert (loop.time(), quick.dropped) == (2, 0)
    stuck = webhook(Receiver(1000.0))
    for _ in range(5):
        stuck.put(ALERT)
    await stuck.aclose()
    assert (loop.time(), stuck.dropped) == (5, 5)
    assert "did not get 5 (the router was closed)" in caplog.text
    stuck.put(ALERT)
    assert len(asyncio.all_tasks()) == 2, "it may be used again"


def test_a_receiver_checks_a_signature_with_the_standard_library() -> None:
    body, timestamp = b'{"kind": "breaker"}', "1800000000"
    given = sign(SECRET, timestamp, body)
    right = hmac.new(SECRET.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(given, "sha256=" + right)


@pytest.mark.parametrize(
    ("secret", "timestamp", "body", "now", "good"),
    [
        (SECRET, "1800000000", b"x", START_AT, True),
        (SECRET, "1800000000", b"x", START_AT + 299, True),
        (SECRET, "1800000000", b"x", START_AT + 301, False),
        (SECRET, "1800000001", b"x", START_AT, False),
        (SECRET, "1800000000", b"y", START_AT, False),
        ("another secret that is long", "1800000000", b"x", START_AT, False),
        (SECRET, "soon", b"x", START_AT, False),
        (SECRET, "", b"x", START_AT, False),
    ],
    ids=["right", "late", "too late", "another time", "another body", "another secret", "no time", "nothing"],
)
def test_a_signature_holds_for_its_secret_its_body_and_some_minutes(
    secret: str, timestamp: str, body: bytes, now: float, good: bool
) -> None:
    assert verify(secret, timestamp, body, sign(SECRET, "1800000000", b"x"), now) is good


@pytest.mark.parametrize("digits", [13, 400, 5000])
def test_a_timestamp_of_many_digits_is_none(digits: int) -> None:
    timestamp = "9" * digits
    assert not verify(SECRET, timestamp, b"{}", sign(SECRET, timestamp, b"{}"), START_AT)


def test_a_signature_that_is_no_ascii_is_none() -> None:
    assert not verify(SECRET, "1800000000", b"x", "sha256=ü", START_AT)


@dataclass
class Server:
    """A real one. Without an answer it hangs until it is released."""

    answer: bytes | None = None
    port: int = 0
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        self.requests.append((headers, await reader.readexactly(int(headers["content-length"]))))
        if self.answer is None:
            await self.released.wait()
        writer.write(self.answer or b"HTTP/1.1 204 No Content\r\n\r\n")
        await writer.drain()
        writer.close()


@asynccontextmanager
async def server(answer: bytes | None = None) -> AsyncIterator[Server]:
    one = Server(answer)
    listening = await asyncio.start_server(one._serve, "127.0.0.1", 0)
    one.port = listening.sockets[0].getsockname()[1]
    try:
        yield one
    finally:
        one.released.set()
        listening.close()


def router(port: int, **keys: Any) -> LLMRouter:
    """Alerts with its first request."""
    limits = [{"unit": "requests", "window": "day", "max": 100}]
    hook = {"url": f"http://127.0.0.1:{port}/hook", "secret_env": "ALERTS_SECRET", **keys}
    one = config(
        {"a": provider(model(), limits=limits, api_key=CANARY)}, alerts={"shares": [0.01, 0.02, 0.03], "webhook": hook}
    )
    return LLMRouter(one, env={"ALERTS_SECRET": SECRET}, backend=ScriptedBackend())


async def until(happened: Any, within_s: float = 5.0) -> None:
    async with asyncio.timeout(within_s):
        while not happened():  # noqa: ASYNC110 - what happens is in the code that is tested
            await asyncio.sleep(0.01)


async def test_a_real_webhook_gets_signed_json_without_prompts_or_keys() -> None:
    async with server(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") as one, router(one.port) as routed:
        await routed.complete([{"role": "user", "content": "my secret prompt"}])
        await until(lambda: one.requests)
        ((headers, body),) = one.requests
    timestamp, given = headers["x-llm7router-timestamp"], headers["x-llm7router-signature"]
    assert verify(SECRET, timestamp, body, given, time.time())
    told = json.loads(body)
    assert told.pop("id")
    assert abs(told.pop("at") - time.time()) < 60
    assert told == {
        "kind": "share", "subject": "a", "text": "a: requests/day: 1% used, 1 of 100 requests",
        "limit": "requests/day", "share": 0.01, "used": 1, "max": 100,
    }  # fmt: skip
    for secret in (CANARY, SECRET, "my secret prompt"):
        assert secret not in body.decode() + str(headers)


async def test_a_webhook_that_hangs_slows_no_request_and_not_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llm7router.alerts.webhook.DRAIN_S", 0.3)
    async with server() as one:
        began = time.monotonic()
        async with router(one.port, timeout_s=60) as routed:
            for _ in range(90):
                await routed.complete(HELLO)
            took = time.monotonic() - began
            await until(lambda: one.requests)
            closing = time.monotonic()
        ended = time.monotonic() - closing
    assert took < 2
    assert 0.3 <= ended < 1.5
    assert routed.alerts.dropped == 3


async def test_the_address_is_in_no_log_whatever_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        async with server(b"HTTP/1.1 204 No Content\r\n\r\n") as one, router(one.port) as routed:
            await routed.complete(HELLO)
            await until(lambda: one.requests)
    assert "alert: a: requests/day" in caplog.text
    assert str(one.port) not in caplog.text


async def test_alerts_of_two_event_loops_are_each_sent_once() -> None:
    sent: list[str] = []

    async def post(_: dict[str, str], body: bytes) -> int:
        sent.append(json.loads(body)["subject"])
        await asyncio.sleep(0.1)
        return 200

    async def put(*subjects: str) -> None:
        for subject in subjects:
            hook.put(Alert(Kind.BREAKER, subject, "", START_AT))

    hook = Webhook(WebhookConfig(url="https://example.org", secret_env="S"), SECRET, VirtualClock(), post)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(put("1", "2"), loop).result(5)
    await until(lambda: sent)
    await put("3")
    await until(lambda: len(sent) >= 3)
    await asyncio.sleep(0.3)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
    loop.close()
    assert sorted(sent) == ["1", "2", "3"]


def test_webhooks_that_were_edited_away_are_not_kept() -> None:
    with LLMRouter(config({"a": provider()}), env={}, backend=ScriptedBackend()) as routed:
        for port in range(1000, 1100):
            hook = {"url": f"http://127.0.0.1:{port}/", "secret_env": "S"}
            routed.alerts.configure(AlertsConfig.model_validate({"webhook": hook}), {}, {"S": SECRET})
        assert len(routed.alerts._webhooks) == 1


async def test_a_redirect_is_not_followed() -> None:
    async with server(b"HTTP/1.1 204 No Content\r\n\r\n") as other:
        moved = (
            f"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:{other.port}/\r\nContent-Length: 0\r\n\r\n"
        )
        async with server(moved.encode()) as one, router(one.port) as routed:
            await routed.complete(HELLO)
            await until(lambda: routed.alerts.dropped)
        assert len(one.requests) == 1
        assert other.requests == []


async def test_an_answer_without_end_is_not_read() -> None:
    endless = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\nx"
    async with server(endless) as one, router(one.port) as routed:
        await routed.complete(HELLO)
        await until(lambda: one.requests)
    assert routed.alerts.dropped == 0


async def test_an_edited_configuration_is_gone_by_and_what_waits_for_the_former_webhook_is_sent() -> None:
    taken = b"HTTP/1.1 204 No Content\r\n\r\n"
    async with server() as before, server(taken) as after, router(before.port) as routed:
        heard: list[Alert] = []
        routed.alerts.add(heard.append)
        await routed.complete(HELLO)
        await until(lambda: before.requests)
        hook = {"url": f"http://127.0.0.1:{after.port}/", "secret_env": "OTHER"}
        edited = AlertsConfig.model_validate({"shares": [0.02], "webhook": hook})
        routed.alerts.configure(edited, {}, {"OTHER": "another secret of enough characters"})
        await routed.complete(HELLO)
        await until(lambda: after.requests)
        before.released.set()
        await until(lambda: len(heard) == 2)
    assert routed.alerts.dropped == 0
    assert [len(before.requests), len(after.requests)] == [1, 1]
