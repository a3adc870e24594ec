"""The shipped router.yaml with stub upstreams in place of the real services, edited as a person would edit it."""

from __future__ import annotations

import re
from pathlib import Path

from llm7router.config.load import packaged

CLOSED = "http://127.0.0.1:1/v1"  # nothing listens on port 1
KEYS = {"GROQ_API_KEY": "canary-groq", "OPENROUTER_API_KEY": "canary-openrouter"}


def shipped() -> str:
    """The text of the shipped file."""
    return packaged().read_text(encoding="utf-8")


def with_base_url(text: str, provider: str, base_url: str) -> str:
    """The text with another base URL of a provider."""
    pattern = re.compile(rf"(^  {provider}:.*?^    base_url: )\S+", re.MULTILINE | re.DOTALL)
    edited, count = pattern.subn(rf"\g<1>{base_url}", text, count=1)
    assert count == 1, f"router.yaml has no base_url for {provider}"
    return edited


def edit(text: str, old: str, new: str) -> str:
    """The text with one thing replaced; the thing must be there."""
    assert old in text, f"router.yaml does not hold {old!r}"
    return text.replace(old, new, 1)


def stubbed(tmp_path: Path, *, groq: str = CLOSED, openrouter: str = CLOSED, llm7: str = CLOSED) -> Path:
    """router.yaml in `tmp_path`, its state beside it, every service replaced or out of reach."""
    text = shipped()
    services = {"groq": groq, "openrouter": openrouter, "llm7": llm7}
    for provider, base_url in services.items():
        text = with_base_url(text, provider, base_url)
    text = edit(text, "account_url: https://openrouter.ai/api/v1/key", f"account_url: {openrouter}/key")
    text = edit(text, "  path: null", f"  path: {tmp_path / 'state'}")
    path = tmp_path / "router.yaml"
    path.write_text(text, encoding="utf-8")
    return path
