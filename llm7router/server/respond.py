"""Answers over ASGI: JSON, and errors in the words of the API that was asked."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from llm7router.server.errors import ApiError

if TYPE_CHECKING:
    from llm7router.server.guard import Send

SAFE = [
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
]


_INVISIBLE = re.compile(r"[^ -~]+")
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode  # json.dumps makes one for each call


async def send_json(send: Send, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
    """A whole JSON answer."""
    await send_bytes(send, status, dumps(body), "application/json", headers)


async def send_bytes(
    send: Send, status: int, content: bytes, kind: str, headers: Mapping[str, str] | None = None
) -> None:
    """A whole answer."""
    fields = [(b"content-type", kind.encode()), (b"content-length", str(len(content)).encode()), *SAFE]
    await send({"type": "http.response.start", "status": status, "headers": fields + encoded(headers)})
    await send({"type": "http.response.body", "body": content})


async def send_error(send: Send, path: str, error: ApiError, headers: Mapping[str, str] | None = None) -> None:
    """An error, in the words of the API at `path`."""
    from llm7router.server.dialects import dialect_of

    await send_json(send, error.status, dialect_of(path).error(error), {**error.headers(), **(headers or {})})


def encoded(headers: Mapping[str, str] | None) -> list[tuple[bytes, bytes]]:
    """Header fields for ASGI. Anything that is no visible ASCII is left out: names of models come from files."""
    return [
        (name.encode("ascii"), _INVISIBLE.sub("", value).encode("ascii")) for name, value in (headers or {}).items()
    ]


def dumps(body: Any) -> bytes:
    """Compact JSON. Half characters, which some models make, are escaped as JSON allows."""
    try:
        return _encode(body).encode()
    except UnicodeEncodeError:
        return json.dumps(body, separators=(",", ":")).encode()
