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


def redact(text: str, deployment: Deployment | None = None) -> str:
    """The text with keys replaced by `***`, white space collapsed, cut at 300 characters."""
    key = deployment.api_key.reveal() if deployment and deployment.api_key else ""
    if len(key) >= 8:  # shorter ones are words such as "unused"
        text = text.replace(key, "***")
    text = " ".join(_KEY.sub("***", text).split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
