"""A machine on its first day, and stand-ins of the providers' pages."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.edited import edit, shipped, with_base_url
from tests.onboarding.vendor import OpenRouter
from tests.upstream import Exchange, Upstream

GOOD_KEY = "gsk_canary0123456789abWXYZ"
CHECK = "/openai/v1/models"  # of Groq


@pytest.fixture(autouse=True)
def first_day(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No keys, no user files, no keyring, no screen; nothing of the person who runs the tests is touched."""
    for name in list(os.environ):
        if name.endswith(("_API_KEY", "_ACCOUNT_ID", "_TOKEN")) or name.startswith(("LLM7ROUTER_", "SSH_")):
            monkeypatch.delenv(name)
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def groq(upstream: Upstream, tmp_path: Path) -> Upstream:
    """Groq, with router.yaml leading to it. Only `GOOD_KEY` is a key."""

    async def check(exchange: Exchange) -> None:
        if exchange.request.headers.get("authorization") == f"Bearer {GOOD_KEY}":
            await exchange.respond(200, b'{"data": []}', {})
        else:
            said = b'{"error": {"message": "Invalid API Key", "code": "invalid_api_key"}}'
            await exchange.respond(401, said, {})

    upstream.paths[CHECK] = check
    routed(tmp_path, groq=upstream.base_url)
    return upstream


@pytest.fixture
def openrouter(tmp_path: Path) -> Iterator[OpenRouter]:
    """OpenRouter, with router.yaml leading to it."""
    with OpenRouter() as vendor:
        routed(tmp_path, openrouter=f"{vendor.url}/api/v1")
        yield vendor


def routed(directory: Path, **base_urls: str) -> Path:
    """The shipped router.yaml in a directory, the services that are not named out of reach, its state beside it."""
    text = edit(shipped(), "  path: null", f"  path: {directory / 'state'}")
    for provider in ("groq", "openrouter", "gemini", "mistral", "zai", "llm7"):
        text = with_base_url(text, provider, base_urls.get(provider, "http://127.0.0.1:1/v1"))
    text = edit(text, '"https://api.cloudflare.com/', f'"{base_urls.get("cloudflare", "http://127.0.0.1:1")}/')
    account = base_urls.get("openrouter", "http://127.0.0.1:1/v1")
    text = edit(text, "account_url: https://openrouter.ai/api/v1/key", f"account_url: {account}/key")
    path = directory / "router.yaml"
    path.write_text(text, encoding="utf-8")
    return path
