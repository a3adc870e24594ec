from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from llm7router.onboarding import browser


@pytest.mark.parametrize(
    ("env", "platform", "opens"),
    [
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({}, "linux", False),
        ({"DISPLAY": ":0", "SSH_CONNECTION": "a 1 b 2"}, "linux", False),
        ({"DISPLAY": ":0", "SSH_TTY": "/dev/pts/1"}, "linux", False),
        ({}, "darwin", True),
        ({}, "win32", True),
        ({"SSH_CONNECTION": "a 1 b 2"}, "darwin", False),
        ({"SSH_CONNECTION": "a 1 b 2", "BROWSER": "opens-at-home"}, "linux", True),
    ],
)
def test_a_browser_is_opened_where_the_person_sees_it(env: dict[str, str], platform: str, opens: bool) -> None:
    assert browser.can_open(env, platform) is opens


@pytest.mark.parametrize(
    ("url", "page"),
    [
        ("https://console.groq.com/keys", True),
        ("http://127.0.0.1:8080/auth?a=b", True),
        ("http://console.groq.com/keys", False),
        ("file:///etc/passwd", False),
        ("javascript:alert(1)", False),
        ("--new-window", False),
        ("https://", False),
        ("https://[", False),
        ("https://a.example/ --flag", False),
        ("https://a.example/\x1b[2J", False),
        ("https://exämple.com/", False),
    ],
)
def test_only_an_address_on_the_web_is_given_to_a_browser(url: str, page: bool) -> None:
    assert browser.is_page(url) is page


def script(path: Path, body: str) -> str:
    path.write_text(f"#!{sys.executable}\nimport sys, time\n{body}\n")
    path.chmod(0o700)
    return str(path)


@pytest.mark.parametrize(("body", "worked"), [("", True), ("sys.exit(1)", False)], ids=["works", "fails"])
def test_it_is_known_whether_the_browser_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, worked: bool
) -> None:
    monkeypatch.setenv("BROWSER", script(tmp_path / "browser", body))
    monkeypatch.setattr("webbrowser._tryorder", None)  # it reads $BROWSER once
    assert browser.opened("https://a.example/") is worked


def test_a_browser_that_stays_in_the_foreground_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROWSER", script(tmp_path / "browser", "time.sleep(1)"))
    monkeypatch.setattr("webbrowser._tryorder", None)
    monkeypatch.setattr(browser, "OPENS_WITHIN_S", 0.1)
    began = time.monotonic()
    assert browser.opened("https://a.example/") is True
    assert time.monotonic() - began < 0.9


def test_what_is_no_page_is_not_opened_whatever_router_yaml_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROWSER", script(tmp_path / "browser", "open('opened', 'w')"))
    monkeypatch.setattr("webbrowser._tryorder", None)
    assert browser.opened("file:///etc/passwd") is False
    assert not (tmp_path / "opened").exists()
