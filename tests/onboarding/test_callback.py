"""The local page, from a browser's side and from that of others who can reach it."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from llm7router.onboarding import callback as page
from llm7router.onboarding.callback import Callback
from llm7router.onboarding.pkce import ConsentError, Pkce


async def send(port: int, raw: bytes) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(raw)
        return (await reader.read()).decode()
    except ConnectionError:
        return ""
    finally:
        await closed(writer)


async def closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


async def get(callback: Callback, target: str, *, method: str = "GET", host: str | None = None) -> str:
    host = host or f"localhost:{callback.port}"
    return await send(
        callback.port, f"{method} {target} HTTP/1.1\r\nHost: {host}\r\nOrigin: https://a.example\r\n\r\n".encode()
    )


async def test_the_right_state_brings_the_code_once() -> None:
    async with Callback(pkce := Pkce()) as callback:
        assert (await get(callback, f"/cb?state={pkce.state}&code=abc")).startswith("HTTP/1.1 200 ")
        assert await callback.code == "abc"
        assert (await get(callback, f"/cb?state={pkce.state}&code=other")).startswith("HTTP/1.1 410 ")
        assert await callback.code == "abc"


async def test_a_wrong_state_gets_a_clear_page_and_the_wait_goes_on() -> None:
    async with Callback(pkce := Pkce()) as callback:
        for query in ("code=evil", "state=wrong&code=evil", f"state={pkce.state[:-1]}&code=evil"):
            answer = await get(callback, f"/cb?{query}")
            assert answer.startswith("HTTP/1.1 400 ")
            assert "not the answer that llm7router waits for" in answer
            assert not callback.code.done()
        await get(callback, f"/cb?state={pkce.state}&code=abc")
        assert await callback.code == "abc"


async def test_who_declines_ends_the_wait() -> None:
    async with Callback(pkce := Pkce()) as callback:
        await get(callback, f"/cb?state={pkce.state}&error=access_denied")
        with pytest.raises(ConsentError, match="it was declined in the browser"):
            await callback.code


@pytest.mark.parametrize(
    ("target", "changes", "status"),
    [
        ("/", {}, 404),
        ("/cb/", {}, 404),
        ("/favicon.ico", {}, 404),
        ("/cb", {"method": "POST"}, 405),
        ("/cb", {"method": "OPTIONS"}, 405),
        ("/cb", {"host": "evil.example"}, 400),
        ("/cb", {"host": "localhost"}, 400),
        ("/cb?" + "x" * page.HEAD_BYTES, {}, 431),
    ],
    ids=["the root", "a longer path", "an icon", "POST", "a preflight", "a rebound name", "no port", "a huge request"],
)
async def test_nothing_else_has_an_effect(target: str, changes: dict[str, str], status: int) -> None:
    async with Callback(pkce := Pkce()) as callback:
        separator = "&" if "?" in target else "?"
        answer = await get(callback, f"{target}{separator}state={pkce.state}&code=abc", **changes)
        assert answer.startswith(f"HTTP/1.1 {status} ")
        assert not callback.code.done()


async def test_no_page_tells_anything_or_lets_other_sites_read_it() -> None:
    async with Callback(pkce := Pkce()) as callback:
        pages = [
            await get(callback, target)
            for target in ("/", "/cb?state=wrong&code=<script>", f"/cb?state={pkce.state}&code=abc<script>", "/cb")
        ]
    for text in pages:
        head, _, body = text.partition("\r\n\r\n")
        assert "access-control" not in head.lower()
        assert "default-src 'none'" in head
        assert "no-referrer" in head
        for secret in (pkce.state, pkce.verifier, "abc", "wrong", "script"):
            assert secret not in body


@pytest.mark.parametrize("raw", [b"\r\n\r\n", b"GET\r\n\r\n", b"\xff\xfe\r\n\r\n", b"GET /cb HTTP/1.1\r\n\r\n"])
async def test_what_is_no_request_of_a_browser_is_answered_and_the_wait_goes_on(raw: bytes) -> None:
    async with Callback(Pkce()) as callback:
        assert (await send(callback.port, raw)).startswith("HTTP/1.1 400 ")
        assert not callback.code.done()


async def test_who_sends_nothing_is_let_go_and_too_many_are_not_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "HEAD_WITHIN_S", 0.2)
    async with Callback(pkce := Pkce()) as callback:
        silent = [await asyncio.open_connection("127.0.0.1", callback.port) for _ in range(page.MOST_AT_ONCE)]
        await asyncio.sleep(0.05)
        assert await get(callback, f"/cb?state={pkce.state}&code=abc") == ""
        for reader, writer in silent:
            assert await reader.read() == b""
            await closed(writer)
        await get(callback, f"/cb?state={pkce.state}&code=abc")
        assert await callback.code == "abc"


async def test_only_this_machine_can_reach_it_and_nothing_stays_when_it_is_closed() -> None:
    async with Callback(Pkce()) as callback:
        assert [socket.getsockname()[0] for socket in callback._server.sockets] == ["127.0.0.1"]
        _, writer = await asyncio.open_connection("127.0.0.1", callback.port)
    await closed(writer)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", callback.port)
