"""Refusals in OpenAI's answers (`message.refusal`, `delta.refusal`), which LiteLLM throws away in streams.

It keeps what is in `provider_specific_fields`, and puts the refusals of whole answers there itself.
"""

from __future__ import annotations

import json
import re
from typing import Any

FIELDS = "provider_specific_fields"
_REFUSAL = re.compile(rb'"refusal"\s{0,4}:\s{0,4}"(?!")')  # inside of texts the quotes are escaped: these are keys
_DATA = b"data:"


def refusal_of(message: Any) -> str:
    """The refusal in a message or in a delta of LiteLLM's; empty if it holds none."""
    said = getattr(message, "refusal", None) or (getattr(message, FIELDS, None) or {}).get("refusal")
    return said if isinstance(said, str) else ""


class Lines:
    """The bytes of a stream, line by line, with refusals where LiteLLM does not lose them."""

    def __init__(self) -> None:
        self._held: list[bytes] = []  # the line that has not ended yet

    def feed(self, data: bytes) -> bytes:
        """More of the body; returns what of it are whole lines."""
        end = max(data.rfind(b"\n"), data.rfind(b"\r")) + 1
        if not end:
            self._held.append(data)
            return b""
        whole = b"".join([*self._held, data[:end]])
        self._held = [data[end:]] if end < len(data) else []
        return _kept(whole)

    def end(self) -> bytes:
        """A last line without an end."""
        held, self._held = b"".join(self._held), []
        return _kept(held)


def _kept(lines: bytes) -> bytes:
    if not _REFUSAL.search(lines):
        return lines
    return b"".join(_moved(line) if _REFUSAL.search(line) else line for line in lines.splitlines(keepends=True))


def _moved(line: bytes) -> bytes:
    if not line.startswith(_DATA):
        return line
    try:
        event = json.loads(line[len(_DATA) :])
        for choice in event["choices"]:
            if said := choice["delta"].get("refusal"):
                choice["delta"][FIELDS] = {"refusal": said}
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return line  # what is wrong with it is said where it is read
    return b"%s %s\n" % (_DATA, json.dumps(event).encode())
