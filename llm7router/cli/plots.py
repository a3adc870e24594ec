"""Plots of one line in the terminal. Pure."""

from __future__ import annotations

from collections.abc import Sequence

BLOCKS = " ▁▂▃▄▅▆▇█"
EIGHTHS = " ▏▎▍▌▋▊▉█"
ASCII_BLOCKS = " .:-=+*#@"


def sparkline(values: Sequence[float], *, unicode: bool = True) -> str:
    """A character for each value, from nothing to the highest; what is more than nothing shows at least a little."""
    blocks = BLOCKS if unicode else ASCII_BLOCKS
    most = max(values, default=0) or 1
    return "".join(blocks[max(0, min(8, round(8 * value / most)) or (value > 0))] for value in values)


def bar(value: float, most: float, width: int, *, unicode: bool = True) -> str:
    """A bar of `width` characters for `most`, and for less in proportion; anything more than nothing shows."""
    if value <= 0 or most <= 0:
        return ""
    if not unicode:
        return "#" * max(1, round(width * value / most))
    eighths = max(1, round(8 * width * value / most))
    return "█" * (eighths // 8) + (EIGHTHS[eighths % 8] if eighths % 8 else "")


def speaks_unicode(encoding: str | None) -> bool:
    """Whether a stream of this encoding can show the blocks."""
    try:
        f"{BLOCKS}{EIGHTHS}".encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
