"""What is wrong with a configuration: file, line, path, and a sentence that says what to do.

Pydantic's errors become such sentences through one table by error type. Values are quoted only where they are
short and cannot be a secret: never those of `api_key`, of unknown keys, or whole mappings.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

Where = tuple[str | int, ...]
"""Where in the data: keys and list indices."""

MOST = 100  # faults shown; nobody reads more, and looking for suggestions takes time


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong. `line` is 1-based, None if the data came from no file."""

    file: str
    line: int | None
    path: Where
    message: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {dotted(self.path)}: {self.message}" if self.path else f"{place}: {self.message}"


@dataclass(frozen=True, slots=True)
class Problem:
    """A fault before its file and line are known."""

    path: Where
    message: str


def dotted(path: Where) -> str:
    """`providers.groq.models[0].id`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")
    return re.sub(r"\s", " ", text)[:300]


def located(problems: Iterable[Problem], file: str, lines: Mapping[Where, int]) -> list[Fault]:
    """Problems as faults in the order of their lines, without repetitions, at most `MOST` and a count of the rest."""
    faults = {Fault(file, _line(problem.path, lines), problem.path, problem.message): None for problem in problems}
    ordered = sorted(faults, key=lambda fault: (fault.line or 0, [str(part) for part in fault.path]))
    if len(ordered) <= MOST:
        return ordered
    return [*ordered[:MOST], Fault(file, None, (), f"{len(ordered) - MOST} more faults; put these right first")]


def _line(path: Where, lines: Mapping[Where, int]) -> int | None:
    """The line of the path's own key, else of its nearest parent."""
    return next((lines[path[:end]] for end in range(len(path), -1, -1) if path[:end] in lines), None)


def closest(name: object, names: Iterable[str]) -> str | None:
    """The name that was most likely meant."""
    close = get_close_matches(str(name).lower()[:100], list(names), n=1)
    return close[0] if close else None


def suggest(name: object, names: Iterable[str]) -> str:
    """`did you mean 'x'?`, or all names to choose from."""
    known = list(names)
    close = closest(name, known)
    if close is not None:
        return f"did you mean {close!r}?"
    return f"use one of {', '.join(known)}" if known else "remove it"


def shown(value: object) -> str:
    """A value in a message: short, and of a mapping or list only that it is one."""
    if isinstance(value, str):
        return repr(value if len(value) <= 40 else value[:37] + "...")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"{value:g}" if abs(value) < 1e15 else "a huge number"
    return kind(value)


def kind(value: object) -> str:
    """What a value is, without the value."""
    names = ((type(None), "nothing"), (bool, "true or false"), (str, "text"), (Mapping, "a mapping"))
    for cls, name in names:
        if isinstance(value, cls):
            return name
    return (
        "a list" if isinstance(value, list | tuple) else "a number" if isinstance(value, int | float) else "something"
    )


@dataclass(frozen=True, slots=True)
class _Case:
    """One pydantic error: the value given, pydantic's figures, and the keys that exist at that place."""

    path: Where
    given: object
    context: Mapping[str, Any]
    keys: tuple[str, ...]

    @property
    def was(self) -> str:
        return "(not shown)" if "api_key" in self.path else f"(given {shown(self.given)})"


def _number(case: _Case) -> str:
    return f"must be a number {case.was}; write digits, without a unit"


def _whole(case: _Case) -> str:
    return f"must be a whole number {case.was}; write digits only"


def _flag(case: _Case) -> str:
    return f"must be true or false {case.was}; write one of them"


def _text(case: _Case) -> str:
    return f"must be text {case.was}; put it in quotes"


def _mapping(case: _Case) -> str:
    return f"must be a mapping (given {kind(case.given)}); write `key: value` lines under it, or leave it out"


def _list(case: _Case) -> str:
    return f"must be a list (given {kind(case.given)}); write `- item` lines under it, or [item, item]"


def _choice(case: _Case) -> str:
    names = [word.strip("'").replace("True", "true") for word in re.split(r", | or ", case.context["expected"])]
    names = [name.replace("False", "false") for name in names]
    close = closest(case.given, names) if isinstance(case.given, str) else None
    advice = f"did you mean {close!r}?" if close else f"use {'one of ' * (len(names) > 1)}{', '.join(names)}"
    return f"not one of the values that exist {case.was}; {advice}"


def _day(case: _Case) -> str:
    return f"must be a date {case.was}; write it as YYYY-MM-DD"


def _than(words: str, figure: str) -> Callable[[_Case], str]:
    return lambda case: f"must be {words} {case.context[figure]:g} {case.was}; change the number"


def _unknown(case: _Case) -> str:
    return f"unknown key; {suggest(case.path[-1], case.keys)}"


def _name(case: _Case) -> str:
    return f"not a name {case.was}; begin with a letter or digit, and go on with those, `_`, `.` and `-`"


MESSAGES: dict[str, Callable[[_Case], str]] = {
    "extra_forbidden": _unknown,
    "invalid_key": lambda case: f"a key must be text (given {shown(case.path[-1])}); put it in quotes",
    "missing": lambda case: "a required key is missing; add it",
    "model_type": _mapping,
    "dict_type": _mapping,
    "list_type": _list,
    "string_type": _text,
    "string_pattern_mismatch": _name,
    "string_too_short": lambda case: "must not be empty; write something",
    "string_too_long": lambda case: f"longer than {case.context['max_length']} characters; shorten it",
    "string_unicode": lambda case: "holds characters that are not Unicode; remove them",
    "bool_type": _flag,
    "bool_parsing": _flag,
    "float_type": _number,
    "float_parsing": _number,
    "finite_number": _number,
    "int_type": _whole,
    "int_parsing": _whole,
    "int_parsing_size": _whole,
    "int_from_float": _whole,
    "greater_than": _than("more than", "gt"),
    "greater_than_equal": _than("at least", "ge"),
    "less_than_equal": _than("at most", "le"),
    "enum": _choice,
    "literal_error": _choice,
    "date_type": _day,
    "date_parsing": _day,
    "date_from_datetime_parsing": _day,
    "date_from_datetime_inexact": _day,
}


def explain(
    error: ErrorDetails, data: Any, keys: Callable[[Where], tuple[str, ...]], *, brief: bool = False
) -> Problem:
    """A pydantic error about `data` in the words of this project; `keys` names what may stand at a path.

    `brief` spares the search for suggestions, for when there are thousands.
    """
    path, given = _follow(error["loc"], data)
    message = MESSAGES.get(error["type"])
    if message is None or brief:
        return Problem(path, f"{error['msg'].split(' (')[0].rstrip('.').lower()}; see `llm7router config schema`")
    known = keys(path[:-1]) if error["type"] == "extra_forbidden" else ()
    return Problem(path, message(_Case(path, given, error.get("ctx", {}), known)))


def _follow(loc: Where, data: Any) -> tuple[Where, object]:
    """The part of pydantic's location that is in the data (it adds union members and `[key]`), and the value there."""
    path: Where = ()
    for part in loc:
        within: Any = data
        if part == "[key]" and path:  # the name itself is at fault, not what it holds
            return path, path[-1]
        if isinstance(within, Mapping):
            if part not in within:
                return (*path, part), None  # a missing key
        elif not (isinstance(within, list) and isinstance(part, int)):
            break
        data, path = within[part], (*path, part)
    return path, data
