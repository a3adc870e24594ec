"""`llm7router providers update`: what vendors and models.dev say, against router.yaml, and the writing of it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from llm7router.clock import Clock
from llm7router.config import yaml_reader
from llm7router.config.faults import suggest
from llm7router.config.load import load, packaged
from llm7router.config.models import LoadedConfig, ProviderSpec
from llm7router.errors import ConfigError
from llm7router.upkeep import fetch, models_dev
from llm7router.upkeep.asking import ask_all, key_fault, key_of
from llm7router.upkeep.changes import MODELS_DEV, Change, changes_of
from llm7router.upkeep.edit import changed, edited

LIST_S, MODELS_DEV_S = 15.0, 30.0  # most that a list, and models.dev's file of some megabytes, may take


@dataclass(frozen=True, slots=True)
class Note:
    """What is to be said of a provider or of models.dev beside its changes. A fault: it could not be looked at."""

    who: str
    says: str
    fault: bool = True


@dataclass(frozen=True, slots=True)
class Look:
    """What was found. `looked_at` are the providers whose list was read."""

    changes: tuple[Change, ...]
    notes: tuple[Note, ...]
    looked_at: tuple[str, ...]


async def look(
    loaded: LoadedConfig, names: Sequence[str], clock: Clock, models_dev_url: str | None = models_dev.ADDRESS
) -> Look:
    """Ask the vendors and models.dev (None: do not) about these providers, or about all that are enabled.

    Raises:
        ConfigError: there is no such provider.
    """
    specs = _chosen(loaded, names)
    listing = [spec for spec in specs if spec.config.models_list is not None]
    notes = [note for spec in listing if (note := _unasked(spec, loaded)) is not None]
    unasked = {note.who for note in notes}
    asked = [spec for spec in listing if spec.name not in unasked]
    heard, (third, third_note) = await asyncio.gather(
        ask_all(asked, loaded.env, clock, within_s=LIST_S), _models_dev(models_dev_url, clock)
    )
    notes += [Note(name, answer.fault) for name, answer in heard.items() if answer.listed is None]
    today = datetime.fromtimestamp(clock.now(), UTC).date().isoformat()
    changes: list[Change] = []
    for spec in specs:
        vendor = heard[spec.name].listed if spec.name in heard else None
        changes += changes_of(spec, vendor, models_dev.models_of(spec.config, third), today)
    looked_at = tuple(name for name, answer in heard.items() if answer.listed is not None)
    return Look(tuple(changes), (*notes, *third_note), looked_at)


def _chosen(loaded: LoadedConfig, names: Sequence[str]) -> list[ProviderSpec]:
    known = {spec.name: spec for spec in loaded.providers}
    for name in names:
        if name not in known:
            raise ConfigError(f"no provider {name[:80]!r}; {suggest(name, known)}")
    hosted = [spec for spec in loaded.providers if spec.config.kind == "openai"]
    return [spec for spec in hosted if (spec.name in names if names else spec.config.enabled)]


def _unasked(spec: ProviderSpec, loaded: LoadedConfig) -> Note | None:
    """Why its list cannot be asked for, if so."""
    key = key_of(spec, loaded.env)
    if spec.unset:
        return Note(spec.name, f"skipped, {' and '.join(spec.unset)} not set", fault=False)
    if spec.config.models_list and spec.config.models_list.key:
        if not key:
            variable = spec.config.api_key_env or "its key"
            return Note(spec.name, f"skipped, its list wants a key and {variable} is not set", fault=False)
        if wrong := key_fault(key):
            return Note(spec.name, f"skipped, {spec.config.api_key_env or 'its key'} {wrong}")
    return None


async def _models_dev(url: str | None, clock: Clock) -> tuple[Any, tuple[Note, ...]]:
    if url is None:
        return {}, ()
    try:
        async with fetch.client() as http:
            page = await fetch.get(http, url, clock, within_s=MODELS_DEV_S)
        return await asyncio.to_thread(page.data), ()
    except fetch.FetchError as error:
        return {}, (Note(MODELS_DEV, str(error)),)


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
        ConfigError: it is the one that ships.
    """
    import click

    assert loaded.path is not None
    path = loaded.path.resolve()
    if path == packaged().resolve():
        copy = Path(click.get_app_dir("llm7router")) / "router.yaml"
        command = f"mkdir -p '{copy.parent}' && cp '{path}' '{copy}'"
        raise ConfigError(
            f"{path}: the file that ships is not changed; copy it first: {command}, then add --config '{copy}'"
        )
    return path


def _replace(path: Path, old: bytes, new: bytes, loaded: LoadedConfig) -> None:
    """Put the new bytes in place of the old ones in one step, with the same permissions."""
    number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".new")
    temporary = Path(name)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(new)
            file.flush()
            os.fsync(file.fileno())
        try:
            load(temporary, env=loaded.env)
        except ConfigError as error:
            raise ConfigError(str(error).replace(str(temporary), f"{path} would be"), error.faults) from None
        if path.read_bytes() != old:
            raise ConfigError(f"{path}: it was changed meanwhile; nothing was written, run the command again")
        shutil.copymode(path, temporary)
        os.replace(temporary, path)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
