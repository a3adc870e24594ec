"""Reading fields of a request: what does not fit is an ApiError (400) that names the field and says what to send.

A check takes a value and where it stands, and gives the value back.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from llm7router.server.errors import ApiError

T = TypeVar("T")
Check = Callable[[Any, str], T]
WIDE = 1e18
SHOWN = 40  # characters of what was given
KINDS = {bool: "true or false", int: "a number", float: "a number", str: "a string", list: "a list", dict: "an object"}


def fault(where: str, what: str) -> ApiError:
    """A request that is wrong at `where`."""
    return ApiError(400, f"{where}: {what}", param=where)


def optional(body: Mapping[str, Any], name: str, check: Check[T], where: str = "") -> T | None:
    """A field of an object, checked; None if it is missing or null."""
    value = body.get(name)
    return None if value is None else check(value, f"{where}.{name}" if where else name)


def parameters(body: Mapping[str, Any], table: Mapping[str, tuple[str, Check[Any]]]) -> dict[str, Any]:
    """The fields that become parameters of chat completions, by their names there."""
    found = {inner: optional(body, name, check) for name, (inner, check) in table.items()}
    return {name: value for name, value in found.items() if value is not None}


def ignored(body: Mapping[str, Any], known: Collection[str], where: str = "") -> tuple[str, ...]:
    """The fields that nothing reads."""
    prefix = f"{where}." if where else ""
    return tuple(f"{prefix}{name[:SHOWN]}" for name, value in body.items() if name not in known and value is not None)


def text(value: Any, where: str) -> str:
    """A string that can be sent: no half characters."""
    if not isinstance(value, str):
        raise _wrong(where, "a string", value)
    try:
        value.encode()
    except UnicodeEncodeError:
        raise fault(where, "holds half of a character (a lone surrogate), which cannot be sent; leave it out") from None
    return value


def name(value: Any, where: str) -> str:
    """A string that is not empty."""
    if not text(value, where):
        raise fault(where, "is empty; send a name")
    return str(value)


def flag(value: Any, where: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise _wrong(where, "true or false", value)
    return value


def listed(value: Any, where: str) -> list[Any]:
    """A list."""
    if not isinstance(value, list):
        raise _wrong(where, "a list", value)
    return value


def mapping(value: Any, where: str) -> Mapping[str, Any]:
    """An object."""
    if not isinstance(value, Mapping):
        raise _wrong(where, "an object", value)
    return value


def number(low: float, high: float) -> Check[float]:
    """A number in a range, both ends included."""

    def check(value: Any, where: str) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise _wrong(where, f"a number{_range(low, high)}", value)
        return value

    return check


def whole(low: int, high: int = 10**9) -> Check[int]:
    """A whole number in a range, both ends included."""

    def check(value: Any, where: str) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise _wrong(where, f"a whole number{_range(low, high)}", value)
        return value

    return check


def one_of(*words: str) -> Check[str]:
    """One of some words."""

    def check(value: Any, where: str) -> str:
        if not isinstance(value, str) or value not in words:
            raise _wrong(where, " or ".join(words) if len(words) < 3 else f"one of {', '.join(words)}", value)
        return value

    return check


def texts(value: Any, where: str) -> list[str]:
    """A list of strings."""
    return [text(item, f"{where}[{index}]") for index, item in enumerate(listed(value, where))]


def text_or_texts(value: Any, where: str) -> str | list[str]:
    """A string, or a list of strings."""
    return texts(value, where) if isinstance(value, list) else text(value, where)


def as_json(value: Any, where: str) -> str:
    """A value as JSON text."""
    try:
        written = json.dumps(value, ensure_ascii=False, allow_nan=False)
        written.encode()
    except (TypeError, ValueError, RecursionError):
        raise fault(where, "cannot be written as JSON; send a plain, finite and not too deep value") from None
    return written


def plain(value: Any, where: str) -> Mapping[str, Any]:
    """An object that can be sent as JSON."""
    as_json(mapping(value, where), where)
    return mapping(value, where)


def _range(low: float, high: float) -> str:
    """In words, unless it is so wide that only its being finite counts."""
    return f" from {low} to {high}" if high - low < WIDE else ""


def _wrong(where: str, wanted: str, value: Any) -> ApiError:
    return fault(where, f"must be {wanted} (given: {_shown(value)})")


def _shown(value: Any) -> str:
    """What was given, without showing much of it."""
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return repr(value[:SHOWN])
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, int):
        return str(value) if abs(value) < 10**15 else "a number of more than 15 digits"
    return KINDS.get(type(value), "something else")
