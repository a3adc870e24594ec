"""Printing: answers to stdout, everything else to stderr."""

from __future__ import annotations

import json
import logging
import math
import os
import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

PIPE_WIDTH = 100  # columns when the output is not a terminal and $COLUMNS does not say


def console(*, err: bool = False) -> Console:
    """A rich console on stdout, or on stderr."""
    from rich.console import Console

    return Console(stderr=err, highlight=False)


def width() -> int:
    """Columns of the output: $COLUMNS, the terminal's, or 100."""
    return shutil.get_terminal_size((PIPE_WIDTH, 24)).columns


def say(text: str, indent: str = "") -> None:
    """Lines on stdout, broken between words only, so that ids and URLs stay whole; later lines are indented."""
    click.echo("\n".join(line.rstrip() for line in wrapped(text, width(), then=indent)))


def wrapped(text: str, columns: int, first: str = "", then: str = "") -> list[str]:
    """Lines of at most so many columns, unless a word is longer; `first` and `then` indent them."""
    return textwrap.wrap(
        text, columns, initial_indent=first, subsequent_indent=then, break_long_words=False, break_on_hyphens=False
    )


def tell(text: str, indent: str = "") -> None:
    """As `say` where somebody looks at it; else one line, as whoever searches it for words expects."""
    if watched():
        say(text, indent)
    else:
        click.echo(text)


def note(text: str) -> None:
    """A line on stderr; on a terminal, broken between words only."""
    if sys.stderr.isatty():
        text = "\n".join(wrapped(text, width()))
    click.echo(text, err=True)


def watched() -> bool:
    """Somebody looks at stdout: it is a terminal, or $COLUMNS says how wide it is."""
    return "COLUMNS" in os.environ or sys.stdout.isatty()


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """The rows, the first of which holds the titles, in columns: a text for each.

    On a screen that is too narrow for columns, a text has its first cell on one line and then the others with their
    titles; nothing is cut.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    if sum(widths) + 2 * (len(widths) - 1) <= width() or not watched():
        padded = ((f"{cell:<{most}}" for cell, most in zip(row, widths, strict=True)) for row in rows)
        return ["  ".join(row).rstrip() for row in padded]
    titles, *others = rows
    told = ("\n".join([row[0], _told(titles, row)]) for row in others)
    return [titles[0], *told]


def _told(titles: Sequence[str], row: Sequence[str]) -> str:
    cells = ", ".join(f"{title} {cell}" for title, cell in zip(titles[1:], row[1:], strict=True))
    return "\n".join(wrapped(cells, width(), "  ", "  "))


def usd(amount: float) -> str:
    """An amount with four digits after the point, or as many as it takes to show two that are not 0."""
    if amount == 0:
        return "0"
    digits = max(4, 1 - math.floor(math.log10(abs(amount))))
    return f"{amount:.{min(digits, 12)}f}"


def print_json(data: Any) -> None:
    """One JSON document on stdout."""
    click.echo(json.dumps(data, indent=2, ensure_ascii=False, default=str))


def configure_logging() -> None:
    """Our own warnings to stderr in plain words."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("Warning: %(message)s"))
    logger = logging.getLogger("llm7router")
    logger.handlers[:] = [handler]
    logger.propagate = False
    logger.setLevel(logging.WARNING)
