"""Reading plain data that may be of any shape: what does not fit reads as absent."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any


def mapping(value: object) -> Mapping[str, Any]:
    """The value if it is a mapping, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def rows(value: object) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The mappings in a list, with their indices."""
    items = value if isinstance(value, list) else []
    return ((index, item) for index, item in enumerate(items) if isinstance(item, Mapping))


def text(value: object) -> str | None:
    """The value if it is text."""
    return value if isinstance(value, str) else None


def number(value: object) -> float | None:
    """The value if it is a finite number, or text that validation takes for one."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        figure = float(value)
    except (ValueError, OverflowError):
        return None
    return figure if math.isfinite(figure) else None
