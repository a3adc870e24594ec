"""Changes put into the text of a router.yaml, which stays as it is everywhere else. Pure.

The text is cut and pasted at the places that PyYAML's marks name. Writing the whole document anew would not do: even
ruamel.yaml, which keeps most comments, joins flow mappings that go over several lines, drops the comments inside them
and writes `null` as nothing, so that one change to the shipped file would alter fifty other lines of it.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import yaml

from llm7router.upkeep.changes import Change, What

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
# Words that other readers, of YAML 1.1, take for no text.
_WORDS = frozenset(["true", "false", "null", "y", "n", "yes", "no", "on", "off"])


class _Splice(NamedTuple):
    """Replace what stands from `start` to `end`."""

    start: int
    end: int
    text: str


def edited(text: str, changes: Sequence[Change]) -> str:
    """The text of a valid router.yaml with the changes' values in it.

    Raises:
        ValueError: there is no such provider or model in it.
    """
    root = yaml.compose(text, Loader=_LOADER)
    splices: list[_Splice] = []
    for provider in dict.fromkeys(change.provider for change in changes):
        models = _at(_at(_at(root, "providers"), provider), "models")
        nodes = {_at(node, "id").value: node for node in models.value}
        fresh: list[Change] = []
        for model, values in _by_model(changes, provider).items():
            if model in nodes:
                splices += _set(text, nodes[model], values)
            else:
                fresh += [change for change in changes if (change.provider, change.model) == (provider, model)]
        if fresh:
            splices.append(_added(text, models, fresh))
    for splice in sorted(splices, reverse=True):
        text = text[: splice.start] + splice.text + text[splice.end :]
    return text


def changed(data: Any, changes: Sequence[Change]) -> Any:
    """The same for plain data: what the edited text has to say."""
    result = copy.deepcopy(data)
    for change in changes:
        models = result["providers"][change.provider]["models"]
        if change.what is What.NEW:
            models.append({"id": change.model, **change.values})
        else:
            next(model for model in models if model["id"] == change.model).update(change.values)
    return result


def _by_model(changes: Sequence[Change], provider: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for change in changes:
        if change.provider == provider:
            found.setdefault(change.model, {}).update(change.values)
    return found


def _at(node: Any, key: str) -> Any:
    for name, value in node.value if isinstance(node, yaml.MappingNode) else ():
        if name.value == key:
            return value
    raise ValueError(f"no {key} where it should be")


def _set(text: str, model: Any, values: Mapping[str, Any]) -> list[_Splice]:
    """Values in place of those that are there, and the others behind the id."""
    present = {name.value: value for name, value in model.value}
    splices = [s for key in values if key in present for s in _replaced(text, present[key], values[key])]
    missing = [_pair(key, value) for key, value in values.items() if key not in present]
    if missing and model.flow_style:
        end = present["id"].end_mark.index
        splices.append(_Splice(end, end, "".join(f", {line}" for line in missing)))
    elif missing:
        end = _line_end(text, present["id"].end_mark.index)
        indent = _newline(text) + " " * model.start_mark.column
        splices.append(_Splice(end, end, "".join(indent + line for line in missing)))
    return splices


def _replaced(text: str, node: Any, value: Any) -> list[_Splice]:
    start, end = node.start_mark.index, node.end_mark.index
    if isinstance(node, yaml.MappingNode):  # a price, which has all its keys: only the figure that differs
        prices = ((each, value[name.value]) for name, each in node.value)
        return [s for each, price in prices if float(each.value) != price for s in _replaced(text, each, price)]
    if isinstance(node, yaml.ScalarNode) or node.flow_style:
        return [_Splice(start, end, " " * (text[start - 1] == ":") + flow(value))]
    return _items(text, node, value)


def _items(text: str, node: Any, values: Sequence[str]) -> list[_Splice]:
    """A block list: lines of items that left are taken out, new ones put behind the last."""
    there, newline = {item.value for item in node.value}, _newline(text)
    ends = [_line_end(text, item.end_mark.index) for item in node.value]
    starts = [_line_end(text, text.rfind("\n", 0, item.start_mark.index)) for item in node.value]
    rows = zip(node.value, starts, ends, strict=True)
    gone = [_Splice(start, end, "") for item, start, end in rows if item.value not in values]
    dash = newline + " " * node.start_mark.column + "- "
    new = "".join(dash + flow(value) for value in values if value not in there)
    return [*gone, _Splice(ends[-1], ends[-1], new)]


def _added(text: str, models: Any, fresh: Sequence[Change]) -> _Splice:
    """New models behind the last one."""
    last = models.value[-1]
    if models.flow_style:
        end = last.end_mark.index
        entries = (flow({"id": change.model, **change.values}) for change in fresh)
        return _Splice(end, end, "".join(f", {entry}" for entry in entries))
    end, newline = _line_end(text, _end(last)), _newline(text)
    dash, inner = " " * models.start_mark.column + "- ", " " * last.start_mark.column
    dash = dash.ljust(last.start_mark.column)
    lines = []
    for change in fresh:
        lines.append(f"{dash}id: {flow(change.model)}")
        lines += [inner + _pair(key, value) for key, value in change.values.items()]
    return _Splice(end, end, "".join(newline + line for line in lines))


def _end(node: Any) -> int:
    """Where a node's last words end; a block's own mark is behind the comments that follow it."""
    if isinstance(node, yaml.ScalarNode) or node.flow_style or not node.value:
        return int(node.end_mark.index)
    last = node.value[-1]
    return _end(last[1] if isinstance(last, tuple) else last)


def _line_end(text: str, index: int) -> int:
    """Where the line that holds `index` ends, before its line break."""
    end = text.find("\n", index)
    end = len(text) if end < 0 else end
    return end - 1 if text[end - 1 : end] == "\r" else end


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _pair(key: str, value: Any) -> str:
    return f"{key}: {value if key == 'checked' else flow(value)}"  # a date, to every reader


def flow(value: Any) -> str:
    """A value on one line, as router.yaml has it."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(_pair(key, item) for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, str):
        plain = _PLAIN.fullmatch(value) and value.lower() not in _WORDS
        return value if plain else json.dumps(value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return json.dumps(value)
