"""Fetching ends in time, whatever hangs, and says nothing that it should not."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from llm7router.cli.interrupts import run
from llm7router.clock import SystemClock
from llm7router.upkeep import fetch


async def got(url: str, within_s: float, headers: dict[str, str] | None = None) -> fetch.Page:
    async with fetch.client() as http:
        return await fetch.get(http, url, SystemClock(), within_s=within_s, headers=headers)


def test_a_name_server_that_does_not_answer_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: ended.wait(20))
    began = time.monotonic()
    with pytest.raises(fetch.FetchError, match=r"a\.example does not answer within 0.2 s"):
        run(got("https://a.example/v1/models", 0.2))
    took_s = time.monotonic() - began
    ended.set()
    assert took_s < 2, "neither the call nor the end of its loop waits for the look-up"


def test_a_name_that_does_not_exist_is_said_to_be_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(fetch.FetchError, match=r"^a\.example is a name that cannot be looked up$"):
        run(got("https://a.example/v1/models", 5))


@pytest.mark.parametrize("value", ["canary\nkey", "canary-é"], ids=["a line break", "a letter"])
def test_a_header_that_is_none_is_not_quoted(value: str, refused: str) -> None:
    with pytest.raises(fetch.FetchError) as caught:
        run(got(refused, 5, {"authorization": value}))
    assert "canary" not in str(caught.value)


def test_what_a_redirect_says_is_not_repeated_as_it_is() -> None:
    page = fetch.Page("a.example", 302, b"", "", "http://evil\x1b[31m.example/?key=1", None, 0.0)
    with pytest.raises(fetch.FetchError) as caught:
        page.data()
    assert "\x1b" not in str(caught.value)
    assert "key" not in str(caught.value)
