"""The body of a request: a JSON object of bounded length, depth and number of values."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Mapping
from typing import Any

from llm7router.config.server_models import ServerConfig
from llm7router.server.errors import ApiError
from llm7router.server.guard import ClientLeftError, Receive, Visit
from llm7router.server.values import PER_MESSAGE, has_more_values, most_values

READ_S = 30.0  # for a client to send its whole body
DEEPEST = 64  # levels


async def read_json(visit: Visit, receive: Receive, config: ServerConfig) -> Mapping[str, Any]:
    """The body as a JSON object. Its length is watched while it comes, whatever was announced."""
    longest = int(config.max_body_mb * 2**20)
    _check_head(visit.headers, longest)
    pieces, size = [], 0
    try:
        async with asyncio.timeout(READ_S):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientLeftError
                pieces.append(message.get("body", b""))
                size += len(pieces[-1])
                if size > longest:
                    raise _too_long(longest)
                if not message.get("more_body"):
                    break
    except TimeoutError:
        raise ApiError(408, f"the body did not arrive within {READ_S:g} s", code="timeout") from None
    raw = b"".join(pieces)
    if has_more_values(raw, most := most_values(config)):
        advice = f"{PER_MESSAGE} for each of server.max_messages in router.yaml"
        raise ApiError(400, f"the body holds more than {most} values ({advice}); send fewer", code="too_many_values")
    try:
        body = _DECODER.decode(raw.decode())
    except (ValueError, RecursionError) as error:
        where = f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        raise ApiError(400, f"the body is not JSON{where}; send an object", code="invalid_json") from None
    if not isinstance(body, dict):
        raise ApiError(400, f"the body must be a JSON object, not {type(body).__name__}", code="invalid_json")
    if raw.count(b"{") + raw.count(b"[") > DEEPEST and deeper(body, DEEPEST):
        raise ApiError(400, f"the body is nested deeper than {DEEPEST} levels; flatten it", code="invalid_json")
    return body


def _check_head(headers: Mapping[str, str], longest: int) -> None:
    """Raise ApiError for a body that is not declared as JSON, is compressed, or is announced as too long."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise ApiError(415, f"send Content-Type: application/json (given {kind[:60]!r})", code="media_type")
    if headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise ApiError(415, "send the body uncompressed, without Content-Encoding", code="content_encoding")
    length = headers.get("content-length", "")
    if length.isascii() and length.isdigit() and int(length[:20]) > longest:
        raise _too_long(longest)


def _too_long(most: int) -> ApiError:
    """The answer to a body that is too long."""
    return ApiError(413, f"the body is longer than {most} bytes (server.max_body_mb in router.yaml)", code="too_large")


def deeper(value: Any, levels: int) -> bool:
    """Whether a JSON value has more levels of objects and lists. What is behind it in a request's way recurses."""
    layer = [value]
    for _ in range(levels):
        children = (inner for outer in layer for inner in (outer.values() if isinstance(outer, dict) else outer))
        layer = [inner for inner in children if isinstance(inner, dict | list)]
    return bool(layer)


def _number(text: str) -> float | int:
    """JSON has one kind of number: 100.0 is 100, which some languages cannot write otherwise."""
    value = float(text)
    if math.isinf(value):
        raise ValueError("beyond what a number can hold")
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_no_constant, parse_float=_number)
