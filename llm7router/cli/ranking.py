"""The table of `llm7router route`. Pure."""

from __future__ import annotations

from llm7router.types import Decision

SHORT = {"task_match": "task", "environment": "env", "capabilities": "caps"}
LEAST = 20  # columns of ids, however narrow the screen


def lines(decision: Decision, width: int) -> list[str]:
    """Points by factor, best first, in at most `width` columns; an id is never cut, but may take a line of its own."""
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
    room = max(LEAST, width - number_width - 1 - sum(each + 1 for each in widths))
    names = ["deployment", "", *ids]
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
