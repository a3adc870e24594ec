"""What vendors and models.dev say now, against router.yaml; `upkeep.write` writes it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from llm7router.clock import Clock
from llm7router.config.faults import suggest
from llm7router.config.models import LoadedConfig, ProviderSpec
from llm7router.errors import ConfigError
from llm7router.proxies import Proxy
from llm7router.upkeep import fetch, models_dev
from llm7router.upkeep.asking import ask_all, key_fault, key_of
from llm7router.upkeep.changes import MODELS_DEV, Change, changes_of

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
    without = [name for name in names if name in {spec.name for spec in specs} - {spec.name for spec in listing}]
    notes += [Note(name, "no list to read; only compared with models.dev", fault=False) for name in without]
    asked = [spec for spec in listing if spec.name not in unasked]
    proxy = Proxy(loaded.config.proxy)
    heard, (third, third_note) = await asyncio.gather(
        ask_all(asked, loaded.env, clock, within_s=LIST_S, proxy=proxy), _models_dev(models_dev_url, clock, proxy)
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
            hint = suggest(name, known) if known else "router.yaml has none; copy some from the one that ships"
            raise ConfigError(f"no provider {name[:80]!r}; {hint}")
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


async def _models_dev(url: str | None, clock: Clock, proxy: Proxy) -> tuple[Any, tuple[Note, ...]]:
    if url is None:
        return {}, ()
    try:
        async with fetch.client(proxy) as http:
            page = await fetch.get(http, url, clock, within_s=MODELS_DEV_S, proxy=proxy)
        return await asyncio.to_thread(page.data), ()
    except fetch.FetchError as error:
        return {}, (Note(MODELS_DEV, str(error)),)
