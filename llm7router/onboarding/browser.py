"""Opens a page in a browser, where one can show it to the person."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Mapping
from urllib.parse import urlsplit

from llm7router.config.addresses import is_loopback

OPENS_WITHIN_S = 3.0  # some browsers return only when they are closed


def can_open(env: Mapping[str, str], platform: str = sys.platform) -> bool:
    """Whether a browser would open where the person is: not over SSH, nor without a screen, where Python would start
    a text browser in this terminal. `$BROWSER` says that the person knows better."""
    if env.get("BROWSER"):
        return True
    if env.get("SSH_CONNECTION") or env.get("SSH_TTY"):
        return False
    return platform in ("darwin", "win32") or bool(env.get("DISPLAY") or env.get("WAYLAND_DISPLAY"))


def is_page(url: str) -> bool:
    """Whether an address may be given to a browser: a router.yaml may name anything, such as a local file."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    plain = url.isascii() and url.isprintable() and " " not in url
    return plain and bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host)))


def opened(url: str) -> bool:
    """Open the page; whether that worked, as far as can be told within 3 s."""
    if not is_page(url) or not can_open(os.environ):
        return False
    outcome = [True]  # still at it when the time is over: it shows the page

    def run() -> None:
        import webbrowser

        try:
            outcome[0] = webbrowser.open(url)
        except (webbrowser.Error, OSError, ValueError):
            outcome[0] = False

    thread = threading.Thread(target=run, name="llm7router-browser", daemon=True)
    thread.start()
    thread.join(OPENS_WITHIN_S)
    return outcome[0]
