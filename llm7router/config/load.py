"""From a file or a dict to a `LoadedConfig`, or one ConfigError with every fault.

File -> bytes -> plain data with lines -> variables put in -> validated and checked.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from llm7router.config import system_keyring, variables, yaml_reader
from llm7router.config.check import problems as cross_check
from llm7router.config.check_alerts import alert_problems
from llm7router.config.faults import MOST, Fault, Problem, Where, explain, kind, located
from llm7router.config.keys import Owners, key_problems, owners_of
from llm7router.config.models import Config, LoadedConfig, ProviderConfig, ProviderSpec
from llm7router.config.raw import mapping
from llm7router.config.schema import keys_at
from llm7router.errors import ConfigError
from llm7router.watching import files_of, signature

VARIABLE = "LLM7ROUTER_CONFIG"
NAME = "router.yaml"


def packaged() -> Path:
    """The default that ships: inside the package, or at the top of a source checkout.

    Raises:
        ConfigError: the installation is incomplete.
    """
    package = Path(__file__).resolve().parents[1]
    for path, sign in ((package / NAME, package), (package.parent / NAME, package.parent / "pyproject.toml")):
        if path.is_file() and sign.exists():
            return path
    raise ConfigError(f"the {NAME} that ships with llm7router is missing; install the package again")


def find(explicit: str | Path | None = None, env: Mapping[str, str] | None = None) -> Path:
    """Which file to load: the one named, `$LLM7ROUTER_CONFIG`, ./router.yaml, the user's, the packaged one.

    A file that was named is returned whether or not it exists: `load` says what is wrong with it.
    """
    named = explicit or (os.environ if env is None else env).get(VARIABLE)
    if named:
        return Path(named).expanduser()
    import click  # late: a library user with a router.yaml of their own does not need it

    for path in (Path(NAME), Path(click.get_app_dir("llm7router")) / NAME):
        if path.exists():
            return path
    return packaged()


def load(source: str | Path | None = None, *, env: Mapping[str, str] | None = None) -> LoadedConfig:
    """The configuration of `source`, or of the file that `find` finds.

    Variables come from `env`; without it from os.environ, then ./.env, then the .env beside the file, then the
    keyring. os.environ is not changed.

    Raises:
        ConfigError: the file cannot be read or has faults; the message has one a line, `faults` all of them.
    """
    path = find(source, env)  # never from a .env: that may come with somebody else's repository
    named = (os.environ if env is None else env).get(VARIABLE)
    origin = "" if source or str(path) != named else f" (named by ${VARIABLE})"
    seen = signature(files_of(path))  # first, so that a watcher notices what is edited from here on
    document = yaml_reader.read(_content(path, origin), str(path))
    _raise_any(document.faults)
    variables_ = _environment([path.parent]) if env is None else env
    return replace(_build(document.data, document.lines, str(path), path, variables_), seen=seen)


def from_data(
    data: Mapping[str, Any] | Config, *, file: str = "<config>", env: Mapping[str, str] | None = None
) -> LoadedConfig:
    """The configuration of a dict in the shape of router.yaml, checked like a file; `file` names it in faults.

    Raises:
        ConfigError: it has faults.
    """
    plain = data.model_dump(mode="json", exclude_unset=True) if isinstance(data, Config) else data
    return _build(plain, {}, file, None, _environment([]) if env is None else env)


def check_provider(name: str, config: ProviderConfig) -> None:
    """Check a provider that comes from no file as if it came from one.

    Raises:
        ConfigError: it has faults, at `providers.NAME`.
    """
    read_provider(name, config.model_dump(mode="json", exclude_none=True, warnings="none"))


def read_provider(name: str, data: Mapping[str, Any], *, across: bool = True) -> ProviderConfig:
    """A provider from plain data, checked like a file's; without `across`, each of its keys only by itself.

    Raises:
        ConfigError: it has faults, at `providers.NAME`.
    """
    whole = {"version": 1, "providers": {name: data}}
    config, found = _validate(whole, whole, variables.Replaced(whole))
    plain = whole if config is None else config.model_dump(mode="json", exclude_none=True)
    if across:
        found += cross_check(plain)
    found += key_problems(plain, {}, _owners)
    if config is None or found:
        raise _error(located(found, "<provider>", {}))
    return config.providers[name]


@cache
def _owners() -> Owners:
    """Whose the keys are that the packaged router.yaml names."""
    try:
        return owners_of(yaml_reader.read(packaged().read_bytes(), "").data)
    except (ConfigError, OSError):
        return {}


def _environment(directories: list[Path]) -> dict[str, str]:
    """os.environ over ./.env over the .env of each directory over the keyring, if `llm7router setup` stored there."""
    from dotenv import dotenv_values

    merged: dict[str, str] = {}
    for path in (directory / ".env" for directory in [*reversed(directories), Path()]):
        if path.is_file():
            try:
                values = dotenv_values(path, interpolate=False, encoding="utf-8")
            except (OSError, UnicodeDecodeError):
                raise ConfigError(f"{path}: cannot be read; make it readable UTF-8, or remove it") from None
            merged |= {name: value for name, value in values.items() if value is not None}
    return system_keyring.fill(merged | dict(os.environ))


def _content(path: Path, origin: str) -> bytes:
    """At most one byte more than the reader takes, so that it can tell that a file is too long."""
    try:
        if path.is_file():
            with path.open("rb") as file:
                return file.read(yaml_reader.MAX_BYTES + 1)
        wrong = "a directory or device, not a file" if path.exists() else "there is no such file"
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        wrong = f"cannot be read ({getattr(error, 'strerror', None) or 'not a file name'})"
    advice = "name another, or none for the one that ships"
    raise _error([Fault(str(path), None, (), f"{wrong}{origin}; {advice}")])


def _error(faults: list[Fault]) -> ConfigError:
    return ConfigError("\n".join(map(str, faults)), faults)


def _raise_any(faults: tuple[Fault, ...] | list[Fault]) -> None:
    if faults:
        raise _error(sorted(faults, key=lambda fault: fault.line or 0))


def _build(data: Any, lines: Mapping[Where, int], file: str, path: Path | None, env: Mapping[str, str]) -> LoadedConfig:
    if not isinstance(data, Mapping):
        advice = "begin with `version: 1`"
        _raise_any([Fault(file, None, (), f"must be a mapping of keys to values (given {kind(data)}); {advice}")])
    replaced = variables.replace(data, env)
    config, found = _validate(replaced.data, data, replaced)
    found += [*replaced.problems, *cross_check(replaced.data, replaced.unset)]
    found += alert_problems(replaced.data, env, _owners)
    if path is None or path != packaged():
        found += [p for p in key_problems(replaced.data, replaced.used, _owners) if p.path not in replaced.unset]
    if config is None or found:
        told = [Problem(problem.path, replaced.redacted(problem.message)) for problem in found]
        raise _error(located(told, file, lines))
    specs = (ProviderSpec(name, value, replaced.of_provider(name)) for name, value in config.providers.items())
    return LoadedConfig(config, path, tuple(specs), env)


def _validate(data: Any, given: Any, replaced: variables.Replaced) -> tuple[Config | None, list[Problem]]:
    """The configuration, or None and what pydantic found; values `given` are shown before variables were put in."""
    try:
        return Config.model_validate(data), []
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
    found = [explain(detail, given, keys_at, brief=index >= 10 * MOST) for index, detail in enumerate(details)]
    blamed = [problem for problem in found if problem.path not in replaced.unset]
    rest = _without_unset(data, replaced)
    if blamed or rest == data:
        return None, blamed
    return _validate(rest, given, replaced)


def _without_unset(data: Any, replaced: variables.Replaced) -> Any:
    """The data with little more than the names of providers whose variables are not set: those are skipped anyway."""
    kept = ("title", "enabled", "signup_url", "api_key_env")
    providers = dict(mapping(data.get("providers")))
    for name in filter(replaced.of_provider, providers):
        paths = {key: ("providers", name, key) for key in kept if key in providers[name]}
        providers[name] = {key: providers[name][key] for key, path in paths.items() if path not in replaced.unset}
    return {**data, "providers": providers} if providers else data
