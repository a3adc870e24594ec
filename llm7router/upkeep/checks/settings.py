"""The configuration: what can be used, keys, the age of facts, and what becomes of prompts. Calls nobody."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from llm7router.config.addresses import host_of, is_loopback
from llm7router.config.models import LoadedConfig, ProviderSpec
from llm7router.onboarding.env_file import places
from llm7router.onboarding.keep import origin
from llm7router.types import Deployment, Off
from llm7router.upkeep.asking import key_fault, key_of
from llm7router.upkeep.findings import Area, Finding, Level

OLD_DAYS = 60  # providers change their free tiers every few weeks
TRAINS = {"maybe": "perhaps", "depends_on_host": "depends on the host", "some_models": "some models"}


def configuration(loaded: LoadedConfig, found: Sequence[tuple[Deployment, Off | None]]) -> Iterator[Finding]:
    """What of the configuration can be used; `found` has every deployment and why it is never called, if so."""
    usable = [deployment for deployment, off in found if off is None]
    message = f"{loaded.path}: no faults; {len(usable)} of {len(found)} models can be used"
    if not usable:
        fix = "set a key (`llm7router setup`), or install a local model (`llm7router validate` says why each is off)"
        yield Finding(Area.CONFIGURATION, Level.FAULT, f"{message}, so nothing can serve", fix)
    else:
        yield Finding(Area.CONFIGURATION, Level.OK, message)
    for deployment, off in found:
        if off is not None and deployment.off is None and deployment.cost is None:
            yield Finding(Area.CONFIGURATION, Level.WARNING, f"{deployment.id}: {off.reason}", off.advice)


def keys(loaded: LoadedConfig) -> Iterator[Finding]:
    """Which keys are set and where, and which enabled providers lack theirs."""
    missing: list[str] = []
    for spec in loaded.providers:
        name = spec.config.api_key_env
        if not spec.config.enabled or name is None:
            continue
        if spec.unset:
            missing += spec.unset
        if not loaded.env.get(name, "").strip():
            without = spec.config.api_key is not None
            if without:
                message = f"{spec.name}: {name} is not set; it works without, as `api_key` in router.yaml says"
                yield Finding(Area.KEYS, Level.OK, message)
            else:
                missing.append(name)
        elif wrong := key_fault(key_of(spec, loaded.env)):
            fix = f"set it again: `llm7router setup {spec.name}`"
            yield Finding(Area.KEYS, Level.FAULT, f"{spec.name}: {name} {wrong}", fix)
        else:
            where = (origin(loaded.path, name) if loaded.path else None) or "the environment"
            yield Finding(Area.KEYS, Level.OK, f"{spec.name}: {name} is set in {where}")
    if missing:
        names = ", ".join(dict.fromkeys(missing))
        yield Finding(Area.KEYS, Level.WARNING, f"not set: {names}", "`llm7router setup` for more free providers")
    for path in _env_files(loaded):
        if os.name == "posix" and path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
            yield Finding(Area.KEYS, Level.WARNING, f"{path} can be read by others", f"chmod 600 {path}")


def _env_files(loaded: LoadedConfig) -> list[Path]:
    return [path for path in places(loaded.path) if path.is_file()] if loaded.path else []


def facts(specs: Iterable[ProviderSpec], now: float) -> Iterator[Finding]:
    """Providers whose figures were read long ago."""
    today = datetime.fromtimestamp(now, UTC).date()
    ages = {spec.name: (today - oldest).days for spec in specs if (oldest := _oldest(spec)) is not None}
    for name, days in ages.items():
        if days > OLD_DAYS:
            fix = f"`llm7router providers update {name}`; compare its limits with their `source`, then date `checked`"
            yield Finding(Area.FACTS, Level.WARNING, f"{name}: its oldest figures were read {days} days ago", fix)
    if ages and max(ages.values()) <= OLD_DAYS:
        yield Finding(Area.FACTS, Level.OK, f"figures of {', '.join(ages)}: read at most {max(ages.values())} days ago")


def _oldest(spec: ProviderSpec) -> date | None:
    """When the oldest of its figures was read; of this machine's own nothing grows old."""
    config = spec.config
    if config.kind != "openai" or (is_loopback(host_of(config.base_url) or "") and config.api_key_env is None):
        return None
    limits = [*config.limits, *config.limits_per_model, *(config.limits_without_key or ())]
    limits += [limit for pool in config.pools.values() for limit in pool]
    models = [model for model in config.models if model.enabled]
    limits += [limit for model in models for limit in model.limits]
    dates = [each.checked for each in (*limits, *models, config) if each.checked is not None]
    return min(dates, default=None)


def data_policy(specs: Iterable[ProviderSpec]) -> Iterator[Finding]:
    """Which of these providers train on prompts."""
    training: dict[str, str] = {}
    keeping: list[str] = []
    for spec in specs:
        said = {spec.config.data_of(model).trains_on_prompts for model in spec.config.models if model.enabled}
        if said - {False}:
            words = dict.fromkeys(TRAINS.get(str(each), "yes") for each in sorted(said - {False}, key=str))
            where = f", refuse at {spec.config.data.opt_out_url}" if spec.config.data.opt_out_url else ""
            training[spec.name] = f"{spec.name} ({' or '.join(words)}{where})"
        elif said:
            keeping.append(spec.name)
    if training:
        fix = "`--no-training`, or `allow_training: false`, keeps requests away from them"
        yield Finding(Area.DATA, Level.WARNING, f"may train on prompts: {', '.join(training.values())}", fix)
    if keeping:
        yield Finding(Area.DATA, Level.OK, f"do not train on prompts: {', '.join(keeping)}")
