"""Changes written into the user's router.yaml, which nobody ever sees half-written."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from llm7router.config import yaml_reader
from llm7router.config.load import load, packaged
from llm7router.config.models import LoadedConfig
from llm7router.errors import ConfigError
from llm7router.replacing import read_only, replace
from llm7router.upkeep.changes import Change
from llm7router.upkeep.edit import changed, edited


def apply(loaded: LoadedConfig, changes: Sequence[Change]) -> int:
    """Write the changes that are not withheld into the file that was loaded, and return how many those are.

    The new text is checked like any router.yaml, and has to say what the old one said but for the changes. It takes
    the place of the old one in one step, so that nobody ever sees half of it.

    Raises:
        ConfigError: it is the packaged file, it changed meanwhile, it cannot be written, or the result has faults.
    """
    wanted = [change for change in changes if not change.withheld]
    path = writable(loaded)
    if not wanted:
        return 0
    old = path.read_bytes()
    text = old.decode("utf-8")
    mark, text = text[: text.startswith("\ufeff")], text.removeprefix("\ufeff")
    before = yaml_reader.read(text).data
    try:
        new = edited(text, wanted)
        right = yaml_reader.read(new).data == changed(before, wanted)
    except (ValueError, KeyError, TypeError, StopIteration):
        right = False
    if not right:
        raise ConfigError(f"{path}: it is written in a way that cannot be edited safely; change it by hand")
    try:
        _replace(path, old, (mark + new).encode(), loaded)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error.strerror or error}); nothing was changed") from None
    return len(wanted)


def writable(loaded: LoadedConfig) -> Path:
    """The file to write, symbolic links followed.

    Raises:
        ConfigError: it is the one that ships, or read-only.
    """
    import click

    assert loaded.path is not None
    path = loaded.path.resolve()
    if path == packaged().resolve():
        copy = Path(click.get_app_dir("llm7router")) / "router.yaml"
        old, folder, new = (shlex.quote(str(each)) for each in (path, copy.parent, copy))
        command = f"mkdir -p {folder} && cp {old} {new}"
        raise ConfigError(f"{path}: the file that ships is not changed; copy it first: {command}, then add -c {new}")
    if mode := read_only(path):
        raise ConfigError(f"{path}: it is read-only ({mode}); `chmod u+w` it first")
    return path


def _replace(path: Path, old: bytes, new: bytes, loaded: LoadedConfig) -> None:
    """Put the new bytes in place of the old ones, once they are known to be a router.yaml without faults."""

    def check(temporary: Path) -> None:
        try:
            load(temporary, env=loaded.env)
        except ConfigError as error:
            raise ConfigError(str(error).replace(str(temporary), f"{path} would be"), error.faults) from None
        if path.read_bytes() != old:
            raise ConfigError(f"{path}: it was changed meanwhile; nothing was written, run the command again")

    replace(path, new, check)
