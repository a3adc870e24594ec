"""What of a provider's words may be shown to people: short, on one line, without keys."""

from __future__ import annotations

import re

from llm7router.types import Deployment

LONGEST = 300  # characters
_KEY = re.compile(
    r"\b(?:sk|gsk|nvapi|csk|hf|pk|r8|xai|key|sk-or-v1|llm7)[-_][A-Za-z0-9_\-*.]{6,}"  # prefixes in use by providers
    r"|\bAIza[0-9A-Za-z_\-]{10,}"
    r"|(?<=Bearer )[^\s\"',;]+",
    re.IGNORECASE,
)
# How aiohttp shows the TLS settings of a connection, and how Python shows any object: an address in memory.
_OBJECT = re.compile(r"\s?\bssl:(?:default|True|False|<[^<>]*>)|<[\w.]+ object at 0x[0-9a-fA-F]+>")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
# All of an absolute path but its last part. Those of addresses follow a host or a word.
_PATH = re.compile(r"(?<![\w:/.…])/(?:[^\s/'\"<>:,;()]+/)+|\b[A-Za-z]:\\(?:[^\s\\'\"<>:,;()]+\\)*")


def printable(text: str) -> str:
    """The text without control characters but newlines and tabs: a terminal would take some for commands."""
    return _CONTROL.sub("", text)


def redact(text: str, deployment: Deployment | None = None) -> str:
    """The text with keys replaced by `***`, paths cut to their last part, white space collapsed, cut at 300 characters.

    What follows "Traceback" is for developers and full of paths; it is left out, as are control characters.
    """
    before, found, _ = printable(text).partition("Traceback")
    text = before.strip() or "a traceback" if found else before
    key = deployment.api_key.reveal() if deployment and deployment.api_key else ""
    if len(key) >= 8:  # shorter ones are words such as "unused"
        text = text.replace(key, "***")
    text = " ".join(_PATH.sub("…/", _KEY.sub("***", _OBJECT.sub("", text))).split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
