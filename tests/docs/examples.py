"""Examples in documentation: found, and tried as far as they can be."""

from __future__ import annotations

import gc
import re
import shlex
import threading
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import click

from llm7router.cli import main
from llm7router.config import packaged
from llm7router.config.yaml_reader import read

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_PASTED = re.compile(
    r"^ +(?:[^|\n]+ \| )?(llm7router .+?)(?: {3,}.*)?$", re.MULTILINE
)  # what follows after spaces explains


class Example(NamedTuple):
    """A fenced block; its id names the file and the line."""

    id: str
    language: str
    text: str


def fenced(file: Path) -> Iterator[Example]:
    """Every fenced block of a Markdown file."""
    text = file.read_text(encoding="utf-8")
    for match in _FENCE.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        yield Example(f"{file.name}:{line}", match[1], match[2])


def commands(text: str) -> list[list[str]]:
    """The commands of a console block, in words: lines behind `$ `, or all if there are none; `&&` parts them."""
    lines = text.replace("\\\n", " ").splitlines()
    typed = [line[2:] for line in lines if line.startswith("$ ")] or lines
    parts = [part for line in typed for part in line.split(" && ")]
    return [words for part in parts if (words := _words(part))]


def _words(line: str) -> list[str]:
    """The words of a command, without comments and without where its output goes."""
    return shlex.split(re.split(r" [|>] ", line)[0], comments=True)


def in_help(command: click.Command, name: str = "llm7router") -> Iterator[tuple[str, list[str]]]:
    """The command lines that the help of a command and of those below it shows."""
    for line in _PASTED.findall(f"{command.help}\n{command.epilog}"):
        yield name, _words(line)
    if isinstance(command, click.Group):
        for below, each in command.commands.items():
            yield from in_help(each, f"{name} {below}")


def runnable(command: click.Command, name: str = "llm7router") -> Iterator[str]:
    """The names of a command and of those below it that do something by themselves."""
    if not isinstance(command, click.Group) or command.invoke_without_command:
        yield name
    if isinstance(command, click.Group):
        for below, each in command.commands.items():
            yield from runnable(each, f"{name} {below}")


def parse(words: list[str]) -> None:
    """What click does before it runs a command. Raises UsageError."""
    command: click.Command = main
    context = None
    while isinstance(command, click.Group) and words and words[0] in command.commands:
        context = click.Context(command, parent=context, info_name=command.name)
        command = command.commands[words[0]]
        words = words[1:]
    assert command is not main, f"no command: {words}"
    command.make_context(command.name, list(words), parent=context).close()


def merged(fragment: str) -> dict[str, Any]:
    """The packaged router.yaml with a fragment put in; models and other lists of mappings with an id by their id."""
    changed = read(fragment.encode(), "fragment")
    assert not changed.faults, changed.faults
    return _merge(read(packaged().read_bytes(), "router.yaml").data, changed.data)


def _merge(old: Any, new: Any) -> Any:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return {**old, **{key: _merge(old.get(key), value) for key, value in new.items()}}
    if (
        isinstance(old, list)
        and isinstance(new, list)
        and all(isinstance(each, Mapping) and "id" in each for each in new)
    ):
        return [*old, *new]
    return new


def run_python(text: str) -> dict[str, Any]:
    """What the code defines, run in a thread of its own, since it may start an event loop. Raises what it raises."""
    names: dict[str, Any] = {"__name__": "__main__"}
    raised: list[BaseException] = []

    def run() -> None:
        try:
            exec(compile(text, "example", "exec"), names)  # noqa: S102 - our own documentation
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if raised:
        raise raised[0]
    with warnings.catch_warnings():  # who shows one line closes nothing; of sqlite3, Python says so from 3.13 on
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
    return names
