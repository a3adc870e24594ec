"""Which host a well-known key may go to, and that keys are not where their names belong. Pure.

A router.yaml may come with somebody else's repository. It cannot send a key that people have set for Groq elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from llm7router.config.addresses import host_of, is_loopback
from llm7router.config.faults import Problem, Where, shown
from llm7router.config.raw import mapping, text

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RANDOM = re.compile(r"(?=[A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])[A-Za-z0-9]{20,}")  # in keys; names have words and `_`

Owners = Mapping[str, frozenset[str]]
"""Hosts by the variable whose key is theirs."""


def owners_of(data: Any) -> Owners:
    """Which hosts the providers of a router.yaml give each `api_key_env` to."""
    found: dict[str, set[str]] = {}
    for provider in map(mapping, mapping(mapping(data).get("providers")).values()):
        variable, host = text(provider.get("api_key_env")), host_of(provider.get("base_url"))
        if variable and host:
            found.setdefault(variable, set()).add(host)
    return {variable: frozenset(hosts) for variable, hosts in found.items()}


def key_problems(data: Any, used: Mapping[Where, tuple[str, ...]], owners: Callable[[], Owners]) -> Iterator[Problem]:
    """Keys that would go to a host that they do not belong to, or that stand where listings show them.

    `used` names the variables that were put in, by path.

    Any key may go to this machine. `owners` is only asked if there is a key that goes elsewhere.
    """
    yield from _no_names(data, used)
    hosts: dict[str, str | None] = {}
    uses: list[tuple[Where, str]] = [(where, name) for where, names in used.items() for name in names]
    for name, provider in mapping(mapping(data).get("providers")).items():
        variable, hosts[name] = text(mapping(provider).get("api_key_env")), host_of(mapping(provider).get("base_url"))
        if variable and hosts[name]:
            uses.append((("providers", name, "api_key_env"), variable))
    for where, variable in uses:
        host = hosts.get(str(where[1])) if where[0] == "providers" and len(where) > 1 else None
        if host is not None and is_loopback(host):
            continue
        owned_by = owners().get(variable)
        if owned_by is not None and host not in owned_by:
            instead = f", not to {shown(host)[1:-1]}" if host else ""
            yield Problem(
                where, f"{variable} belongs to {' and '.join(sorted(owned_by))}{instead}; use another variable"
            )


def _no_names(data: Any, used: Mapping[Where, tuple[str, ...]]) -> Iterator[Problem]:
    """What stands in `api_key_env` and is the key itself. The value is never repeated."""
    for name, provider in mapping(mapping(data).get("providers")).items():
        where, variable = ("providers", name, "api_key_env"), text(mapping(provider).get("api_key_env"))
        if where in used:
            yield Problem(where, f"takes the name of a variable, not its value; write {used[where][0]} without ${{}}")
        elif variable and (not _NAME.fullmatch(variable) or _RANDOM.search(variable)):
            advice = f"write a name, such as {re.sub('[^A-Za-z0-9]', '_', str(name)).upper()}_API_KEY"
            yield Problem(where, f"is no name of a variable; {advice}, and store the key with `llm7router setup`")
