"""The table of `llm7router route`. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from llm7router.cli.output import wrapped
from llm7router.types import Decision

SHORT = {"task_match": "task", "environment": "env", "capabilities": "caps"}
LEAST = 20  # columns of ids that a table needs


def lines(decision: Decision, width: int) -> list[str]:
    """Points by factor, best first, in at most `width` columns; an id is never cut, but may take a line of its own.

    A screen that is too narrow for a table gets the same in words.
    """
    ids = [scored.deployment.id for scored in decision.candidates]
    readings = [scored.readings for scored in decision.candidates]
    # With --speed that factor reads speed in place of task match.
    short = SHORT | ({"task_match": "speed"} if decision.request.requires_speed else {})
    columns = [["points", "", *(f"{scored.points:.1f}" for scored in decision.candidates)]]
    for place, (name, weight, _) in enumerate(readings[0]):
        values = (f"{each[place][1] * each[place][2].value:.1f}" for each in readings)
        columns.append([short.get(name, name), f"/{weight:g}", *values])
    widths = [max(map(len, column)) for column in columns]
    numbers = ["#", "", *map(str, range(1, len(ids) + 1))]
    number_width = len(numbers[-1])
    names = ["deployment", "", *ids]
    room = width - number_width - 1 - sum(each + 1 for each in widths)
    if room < LEAST:
        return _told(numbers, names, columns, width)
    id_width = max(len(name) for name in names if len(name) <= room)
    table = []
    for row, (number, name) in enumerate(zip(numbers, names, strict=True)):
        points = " ".join(f"{column[row]:>{each}}" for column, each in zip(columns, widths, strict=True))
        label = f"{number:>{number_width}} "
        if len(name) > id_width:
            table.append(label + name)
            label, name = " " * len(label), ""
        table.append(f"{label}{name:<{id_width}} {points}".rstrip())
    return table


def _told(numbers: Sequence[str], names: Sequence[str], columns: Sequence[Sequence[str]], width: int) -> list[str]:
    """Each deployment's id, then its points; the weights follow the title."""
    indent, table = " " * (len(numbers[-1]) + 1), [f"{numbers[0]} {names[0]}"]
    points, *others = columns
    for row in range(1, len(names)):
        if names[row]:
            table.append(f"{numbers[row]:>{len(numbers[-1])}} {names[row]}")
        parts = ", ".join(f"{column[0]} {column[row]}" for column in others)
        text = f"{points[row]} points: {parts}".strip()
        table += wrapped(text, width, indent, indent)
    return table
