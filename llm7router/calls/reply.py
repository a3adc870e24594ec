"""What a provider really answered, dug out of LiteLLM's exceptions.

LiteLLM's exception classes and status codes are guesses (a 413 becomes a 429, a refused connection a 500), and their
`response` is made up. The answer itself is on the `httpx.HTTPStatusError` at the end of the chain of causes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

_PREFIX = re.compile(r"^(?:[\w.]{0,60}(?:Error|Exception|Timeout)(?:: | - ))+")
_REST = re.compile(r"\s(?:Original exception|,?\s?Original Response):|, Original Response:|\sReceived Chunk=")
_LONGEST_BODY = 20_000  # characters looked at


@dataclass(frozen=True, slots=True)
class Reply:
    """The provider's error. `arrived`: it is an HTTP error response, not LiteLLM's reading of something else."""

    status: int | None
    text: str  # the body, or the exception's words
    headers: Mapping[str, str] = field(default_factory=dict)
    arrived: bool = False

    @property
    def message(self) -> str:
        """The body's own words for people, or an empty string; never the whole body, which may repeat the prompt."""
        if "<html" in self.text[:2000].lower():
            return "a web page in place of an answer"
        if self.status is not None and 300 <= self.status < 400:
            return "a redirect, which is not followed"
        text = _PREFIX.sub("", _REST.split(self.text, maxsplit=1)[0]).strip()
        start = text.find("{")
        parsed = _json(text[start:]) if start >= 0 else None
        return _words(parsed) if parsed is not None else (text if start != 0 else "")


def reply_of(error: BaseException) -> Reply:
    """The provider's error behind an exception."""
    status, text = getattr(error, "status_code", None), str(error)
    headers = getattr(error, "litellm_response_headers", None)
    arrived = headers is not None
    for link in chain(error):
        response = getattr(link, "response", None)
        if type(link).__name__ in {"HTTPStatusError", "MaskedHTTPStatusError"} and response is not None:
            status, headers, arrived = response.status_code, response.headers, True
            text = _body(response) or text
    flat = {str(name).lower(): str(value) for name, value in (headers or {}).items()}
    return Reply(status if isinstance(status, int) else None, text[:_LONGEST_BODY], flat, arrived)


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """The exception and everything behind it: causes, contexts, and what LiteLLM keeps of a broken stream."""
    todo, seen = [error], set[int]()
    while todo:
        current = todo.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        todo += [current.__context__, current.__cause__, getattr(current, "original_exception", None)]


def _body(response: Any) -> str:
    try:
        return str(response.text)
    except Exception:  # httpx raises its own errors for a body that was not read or does not decode
        return ""


def _json(text: str) -> Any:
    try:
        return json.JSONDecoder().raw_decode(text)[0]
    except (ValueError, RecursionError):
        return None


def _words(body: Any) -> str:
    """The first of the places where providers put their message."""
    for _ in range(6):
        if isinstance(body, list) and body:
            body = body[0]
        elif isinstance(body, dict):
            body = next((body[name] for name in ("error", "errors", "message", "msg", "detail") if body.get(name)), "")
        else:
            break
    return body if isinstance(body, str) else ""
