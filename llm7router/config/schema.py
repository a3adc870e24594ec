"""The JSON Schema of router.yaml, for editors and for naming the keys that exist at a place."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from llm7router.config.faults import Where
from llm7router.config.models import Config

_VARIABLE = {"type": "string", "pattern": r"^\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^{}]*)?\}$"}
_REPLACEABLE = frozenset({"number", "integer", "boolean"})


def json_schema() -> dict[str, Any]:
    """A JSON Schema (draft 2020-12) in which numbers and booleans may also be a `${VAR}`."""
    schema: dict[str, Any] = _with_variables(Config.model_json_schema())
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema | {"title": "router.yaml of llm7router"}


def _with_variables(node: Any) -> Any:
    if isinstance(node, list):
        return [_with_variables(item) for item in node]
    if not isinstance(node, dict):
        return node
    if node.get("type") in _REPLACEABLE and "const" not in node:
        about = {key: node[key] for key in ("title", "description", "default") if key in node}
        return about | {"anyOf": [{key: node[key] for key in node if key not in about}, dict(_VARIABLE)]}
    return {key: _with_variables(value) for key, value in node.items()}


@cache
def _plain() -> Mapping[str, Any]:
    return Config.model_json_schema()


def keys_at(path: Where) -> tuple[str, ...]:
    """The keys that the mapping at a path may have; empty where any key may stand or nothing is known."""
    node: Mapping[str, Any] = _plain()
    for part in path:
        node = _resolved(node)
        if isinstance(part, int):
            node = node.get("items", {})
        else:
            named = node.get("properties", {}).get(part)
            others = [*node.get("patternProperties", {}).values(), node.get("additionalProperties")]
            node = next((below for below in (named, *others) if isinstance(below, Mapping)), {})
    return tuple(_resolved(node).get("properties", {}))


def _resolved(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """The node that a reference, or the part of an optional that is not null, stands for."""
    for option in node.get("anyOf", ()):
        if option.get("type") != "null":
            node = option
            break
    name = node.get("$ref", "").removeprefix("#/$defs/")
    return _plain()["$defs"][name] if name else node
