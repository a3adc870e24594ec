"""What a server that stops leaves to its clients and on the screen: answers that say so, and no traceback."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from llm7router import LLMRouter
from llm7router.server.app import create_app
from llm7router.server.departure import DEPARTURE, Departure
from llm7router.testing import Reply
from tests.router.scene import Scene, ranked
from tests.server.gateway import KEY, Gateway, chat_body, configuration, head, read_all
from tests.server.service import Service
from tests.upstream import Upstream, wait_until
from tests.upstream_behaviours import stall, stream

SLOW = Reply("one two three", delay_s=60)


async def cancelled(
    router: LLMRouter, *, ours: bool, stuck_at: bytes | None = None, **body: Any
) -> tuple[list[dict[str, Any]], bool]:
    """What the app sends for a request that its server cancels, and whether the server hears of that.

    The client takes no more behind a piece that holds `stuck_at`.
    """
    data = json.dumps(chat_body(**body)).encode()
    headers = [(b"host", b"localhost"), (b"authorization", f"Bearer {KEY}".encode()),
               (b"content-type", b"application/json")]  # fmt: skip
    scope = {"type": "http", "method": "POST", "path": "/v1/chat/completions", "headers": headers}
    if ours:
        scope[DEPARTURE] = Departure()
    first = [{"type": "http.request", "body": data, "more_body": False}]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return first.pop() if first else await asyncio.Event().wait()  # type: ignore[return-value]

    async def send(message: Any) -> None:
        sent.append(message)
        if stuck_at and any(stuck_at in earlier.get("body", b"") for earlier in sent):
            await asyncio.Event().wait()

    task = asyncio.ensure_future(create_app(router, own_key=KEY)(scope, receive, send))
    await asyncio.sleep(0.1)
    task.cancel("the server stops")
    await asyncio.wait([task], timeout=5)
    assert task.done(), "whoever takes nothing is not waited for"
    return sent, task.cancelled()


async def test_an_answer_that_is_not_waited_for_is_an_error_that_says_so() -> None:
    (start, body), told = await cancelled(Scene(ranked("a"), {"a/m": SLOW}).router, ours=True)
    assert start["status"] == 503
    assert (b"retry-after", b"1") in start["headers"]
    error = json.loads(body["body"])["error"]
    assert (error["code"], error["message"]) == ("stopping", "the gateway is stopping; send the request again")
    assert not told, "our own server would print a traceback"


@pytest.mark.parametrize("streamed", [True, False])
async def test_what_another_server_cancels_is_its_own_to_answer(streamed: bool) -> None:
    router = Scene(ranked("a"), {"a/m": "one two three" if streamed else SLOW}).router
    sent, told = await cancelled(router, ours=False, stuck_at=b"one", stream=streamed)
    assert told
    assert b"stopping" not in b"".join(message.get("body", b"") for message in sent)


async def test_a_stream_that_is_not_waited_for_ends_with_an_error_and_is_not_done() -> None:
    router = Scene(ranked("a"), {"a/m": "one two three"}).router
    sent, _ = await cancelled(router, ours=True, stuck_at=b"one", stream=True)
    text = b"".join(message.get("body", b"") for message in sent)
    assert sent[0]["status"] == 200
    assert b"one" in text
    assert b"three" not in text
    assert b'"code":"stopping"' in text
    assert b"[DONE]" not in text
    assert not sent[-1].get("more_body")


def test_a_head_that_is_not_whole_does_not_disturb_a_server_that_stops(upstream: Upstream) -> None:
    upstream.always(stream([{"content": "a"}, 0.5, {"content": "b"}]))
    body = json.dumps(chat_body(stream=True)).encode()
    with Gateway({"alpha": upstream}) as gateway, gateway.connect() as begun, gateway.connect() as running:
        begun.sendall(b"GET /y HT")
        running.sendall(head(content_length=str(len(body))) + body + b"GET /y HT")
        assert wait_until(lambda: upstream.count == 1, 10)
        assert wait_until(lambda: len(gateway.connections) == 2, 5)
        assert sorted(connection.busy for connection in gateway.connections) == [False, True]
        for connection in list(gateway.connections):
            connection.loop.call_soon_threadsafe(connection.shutdown)
        assert b"[DONE]" in read_all(running)


@pytest.mark.slow
def test_ctrl_c_says_what_it_waits_for_and_a_second_one_ends_that_without_a_traceback(
    upstream: Upstream, tmp_path: Path
) -> None:
    upstream.script("m", [stream([{"content": "a"}, 60.0, {"content": "b"}]), stall()])
    with Service(tmp_path, configuration({"alpha": upstream})) as service, contextlib.ExitStack() as stack:
        host, port = service.url.removeprefix("http://").split(":")
        key = f"Bearer {service.env['OPENAI_API_KEY']}"
        answers = []
        for number, streamed in enumerate((True, False), 1):
            body = json.dumps(chat_body(stream=streamed)).encode()
            connection = stack.enter_context(socket.create_connection((host, int(port)), timeout=20))
            connection.sendall(head(authorization=key, content_length=str(len(body))) + body)
            assert wait_until(lambda wanted=number: upstream.count == wanted, 20)  # type: ignore[misc]
            answers.append(connection)
        time.sleep(0.3)
        service.stop(signal.SIGINT)
        assert wait_until(lambda: "Stopping: 2 answers under way may take 30 s more" in service.errors, 5)
        service.stop(signal.SIGINT)
        streamed_text, whole_text = map(read_all, answers)
        assert service.exit_code() == 130
        assert b'"content":"a"' in streamed_text
        assert b'"code":"stopping"' in streamed_text
        assert b"[DONE]" not in streamed_text
        assert whole_text.startswith(b"HTTP/1.1 503 ")
        assert b'"code":"stopping"' in whole_text
        assert "Traceback" not in service.errors
        assert "rror" not in service.errors.partition("Stopping")[2]
