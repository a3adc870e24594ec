"""`${VAR}` and `${VAR:-default}` in text values, replaced once, before validation. What is put in is never YAML."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from llm7router.config.faults import Problem, Where

PLACEHOLDER = "unset"  # stands for a variable that is not set, so that the rest can be checked
MAX_DEPTH = 32

_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^{}]*))?\}")
_NUMBER = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]{1,3})?", re.ASCII)


@dataclass(slots=True)
class Replaced:
    """`data` in the same shape with variables put in; `unset` names those that were not set, by path."""

    data: Any
    unset: dict[Where, tuple[str, ...]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)
    used: dict[Where, tuple[str, ...]] = field(default_factory=dict)  # variables that were asked for, by path

    def of_provider(self, name: str) -> tuple[str, ...]:
        """Variables of one provider that were not set, each once, in order."""
        found = [names for where, names in self.unset.items() if where[:2] == ("providers", name) and len(where) > 2]
        return tuple(dict.fromkeys(variable for names in found for variable in names))

    def redacted(self, message: str) -> str:
        """The message with variables' names in place of their values, which may be secrets."""
        for value, name in self.values.items():
            message = message.replace(value, f"${{{name}}}")
        return message


def replace(data: Any, env: Mapping[str, str]) -> Replaced:
    """Put in the variables of `env`. One that is empty counts as not set; outside `providers` that is a problem."""
    result = Replaced(None)
    result.data = _value(data, (), env, result)
    return result


def _value(data: Any, where: Where, env: Mapping[str, str], result: Replaced) -> Any:
    if isinstance(data, str):
        return _text(data, where, env, result) if "${" in data else data
    if isinstance(data, Mapping | list | tuple) and len(where) >= MAX_DEPTH:
        result.problems.append(Problem(where, f"nested deeper than {MAX_DEPTH} levels; a router.yaml needs 7"))
        return None
    if isinstance(data, Mapping):
        return {key: _value(item, (*where, key), env, result) for key, item in data.items()}
    if isinstance(data, list | tuple):
        return [_value(item, (*where, index), env, result) for index, item in enumerate(data)]
    return data


def _text(text: str, where: Where, env: Mapping[str, str], result: Replaced) -> Any:
    unset: list[str] = []

    def put(match: re.Match[str]) -> str:
        name, default = match.groups()
        value = env.get(name) or default
        if value is None:
            unset.append(name)
            return PLACEHOLDER
        if env.get(name) and len(value) >= 8:  # shorter ones are no secrets, and would garble messages
            result.values[value] = name
        return value

    if "${" in _REFERENCE.sub("", text):
        result.problems.append(Problem(where, "not a variable; write ${NAME} or ${NAME:-default}"))
        result.unset[where] = ()
        return PLACEHOLDER
    result.used[where] = tuple(name for name, _ in _REFERENCE.findall(text))
    replaced = _REFERENCE.sub(put, text)
    if unset:
        result.unset[where] = tuple(unset)
        if where[0] != "providers" or len(where) < 3:
            names = " and ".join(unset)
            result.problems.append(Problem(where, f"{names} is not set; set it, or write ${{{unset[0]}:-default}}"))
    elif where[:1] == ("scoring",) and _NUMBER.fullmatch(replaced):
        return float(replaced)  # factors' parameters have no schema that would make numbers of text
    return replaced
