"""YAML read with care: plain data, the line of every key, and faults instead of surprises.

Built on PyYAML's events and a stack of its own, because its composer recurses (3,000 nested `[` take seconds and
end in RecursionError), keeps the last of duplicate keys, expands aliases, and reads `no` and `22:22` by YAML 1.1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from llm7router.config.faults import Fault, Where

MAX_BYTES = 1_000_000  # a router.yaml has some 20 kB
MAX_DEPTH = 32  # a router.yaml needs 7

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml is ten times as fast, and not everywhere
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]{1,20}(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?")
_WORDS = {"": None, "~": None} | {
    spelling: value
    for word, value in (("null", None), ("true", True), ("false", False))
    for spelling in (word, word.title(), word.upper())
}


@dataclass(frozen=True, slots=True)
class Document:
    """What a file says. `lines` has the 1-based line of every key and list item; with `faults`, `data` is partial."""

    data: Any
    lines: Mapping[Where, int]
    faults: tuple[Fault, ...]


class _Stop(Exception):
    """Reading cannot go on."""


@dataclass(slots=True)
class _Open:
    """A mapping or list that has not ended. `key` waits for its value."""

    items: Any
    where: Where
    key: str | None = None


@dataclass(slots=True)
class _Builder:
    file: str
    root: Any = None
    documents: int = 0
    stack: list[_Open] = field(default_factory=list)
    lines: dict[Where, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def fault(self, line: int, message: str, where: Where = ()) -> None:
        self.faults.append(Fault(self.file, line, where, message))

    def take(self, event: Any) -> None:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                self.fault(line, "a second document begins here; keep one, without `---` between")
                raise _Stop
        elif isinstance(event, yaml.CollectionEndEvent):
            self.stack.pop()
        elif isinstance(event, yaml.NodeEvent):
            self.node(event, line)

    def node(self, event: Any, line: int) -> None:
        if event.anchor is not None:
            sign = "alias `*" if isinstance(event, yaml.AliasEvent) else "anchor `&"
            self.fault(line, f"{sign}{event.anchor}` is not allowed; write the value out")
        elif getattr(event, "tag", None) is not None:
            self.fault(line, "a tag (`!`) is not allowed; quote the text if it is one")
        if self.stack and isinstance(self.stack[-1].items, dict) and self.stack[-1].key is None:
            self.key(event, line)
        elif isinstance(event, yaml.CollectionStartEvent):
            self.open({} if isinstance(event, yaml.MappingStartEvent) else [], line)
        else:
            self.place(None if isinstance(event, yaml.AliasEvent) else scalar(event), line)

    def key(self, event: Any, line: int) -> None:
        """Keys are always text: `1:` and `true:` are names like any other."""
        top = self.stack[-1]
        if not isinstance(event, yaml.ScalarEvent):
            self.fault(line, "a key must be plain text; quote a `{` or `[` that begins a text", top.where)
            raise _Stop
        top.key = event.value
        where = (*top.where, event.value)
        if event.value in top.items:
            self.fault(line, f"the key is there twice, first in line {self.lines[where]}; keep one", where)
        else:
            self.lines[where] = line

    def open(self, items: dict[str, Any] | list[Any], line: int) -> None:
        if len(self.stack) >= MAX_DEPTH:
            self.fault(line, f"nested deeper than {MAX_DEPTH} levels; a router.yaml needs 7")
            raise _Stop
        self.stack.append(_Open(items, self.place(items, line)))

    def place(self, value: Any, line: int) -> Where:
        """Put a value where it belongs and return its path."""
        if not self.stack:
            self.root = value
            self.lines[()] = line
            return ()
        top = self.stack[-1]
        if isinstance(top.items, list):
            where = (*top.where, len(top.items))
            top.items.append(value)
            self.lines[where] = line
            return where
        key, top.key = top.key or "", None  # YAML gives a key before each value
        top.items.setdefault(key, value)
        return (*top.where, key)


def scalar(event: yaml.ScalarEvent) -> Any:
    """Text, number, boolean or None: YAML 1.2 words, decimal numbers; whatever is quoted or else stays text."""
    text = event.value
    if not event.implicit[0]:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def read(content: bytes | str, file: str = "<config>") -> Document:
    """Read one YAML document of at most `MAX_BYTES`; never raises on what it says."""
    builder = _Builder(file)
    text = _decode(content, builder)
    if text is not None:
        try:
            for event in yaml.parse(text, Loader=_LOADER):
                builder.take(event)
        except _Stop:
            pass
        except yaml.MarkedYAMLError as error:
            _syntax_fault(error, text, builder)
        except yaml.YAMLError:  # a reader's: what it cannot take was looked for before, so this is a last resort
            builder.fault(1, "not YAML that can be read; check its encoding (UTF-8)")
    return Document(builder.root, builder.lines, tuple(builder.faults))


def _decode(content: bytes | str, builder: _Builder) -> str | None:
    """The text, or None and a fault if it is too long, not UTF-8, or holds control characters."""
    if len(content) > MAX_BYTES:
        builder.fault(1, f"longer than {MAX_BYTES:,} bytes; a router.yaml has some 20,000")
        return None
    try:
        text = content if isinstance(content, str) else content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        builder.fault(error.object.count(b"\n", 0, error.start) + 1, "not UTF-8; save the file as UTF-8")
        return None
    bad = _UNPRINTABLE.search(text)
    if bad is not None:
        line = text.count("\n", 0, bad.start()) + 1
        builder.fault(line, f"holds the control character U+{ord(bad.group()):04X}; remove it")
        return None
    return text


def _syntax_fault(error: yaml.MarkedYAMLError, text: str, builder: _Builder) -> None:
    mark = error.problem_mark or error.context_mark
    number = mark.line + 1 if mark is not None else 1
    lines = text.splitlines()
    line = lines[number - 1] if number <= len(lines) else ""
    if "\t" in line[: len(line) - len(line.lstrip())]:
        advice = "indent with spaces instead of tabs"
    elif "${" in line:
        advice = 'inside { } and [ ] quote it: "${VAR}"'
    else:
        advice = "check indentation, colons, quotes and brackets here and in the line above"
    builder.fault(number, f"not valid YAML ({error.problem or error.context}); {advice}")
