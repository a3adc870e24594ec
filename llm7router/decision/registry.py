"""Which factors there are, and how `scoring` in router.yaml gives them weights and parameters.

More factors plug in through the entry-point group `llm7router.factors`; one is loaded when a weight names it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import partial
from importlib.metadata import entry_points
from typing import Any

from llm7router.decision.factors import FACTORS
from llm7router.types import Candidate, Reading, Request

Factor = Callable[[Request, Candidate], Reading]
GROUP = "llm7router.factors"


def find(name: str) -> Callable[..., Reading] | None:
    """The factor of that name: built in, or from an installed package."""
    if name in FACTORS:
        found: Callable[..., Reading] = FACTORS[name]
        return found
    for point in entry_points(group=GROUP, name=name):
        loaded: Callable[..., Reading] = point.load()
        return loaded
    return None


def bind(weights: Mapping[str, float], parameters: Mapping[str, Any]) -> tuple[tuple[str, float, Factor], ...]:
    """Name, weight and function of every factor with a weight above 0; the weights were checked by `faults`."""
    bound = []
    for name, weight in weights.items():
        factor = find(name)
        if factor is not None and weight > 0:
            given = parameters.get(name) or {}
            reads = partial(factor, **given) if given else factor
            bound.append((name, float(weight), reads if name in FACTORS else _contained(name, reads)))
    return tuple(bound)


def _contained(name: str, factor: Factor) -> Factor:
    """A factor of another package that cannot take a decision down: what it raises, or says out of range, reads 0."""

    def reads(request: Request, candidate: Candidate, /) -> Reading:
        try:
            reading = factor(request, candidate)
            if -1.0 <= reading.value <= 1.0:
                return reading
            return Reading(0.0, "{} said {!r}, which is not in -1..1", (name, reading.value))
        except Exception as error:
            return Reading(0.0, "{} failed: {}", (name, type(error).__name__))

    return reads


def faults(weights: Mapping[str, float], parameters: Mapping[str, Any]) -> list[tuple[tuple[str, ...], str]]:
    """What is wrong with weights and parameters, as (path under `scoring`, message)."""
    found: list[tuple[tuple[str, ...], str]] = []
    known = {name: find(name) for name in {*FACTORS, *weights}}
    names = sorted(name for name, factor in known.items() if factor is not None)
    unknown = [name for name in weights if known[name] is None]
    found.extend((("weights", name), f"unknown factor; {_suggest(name, names)}") for name in unknown)
    if weights and not any(weights.values()):
        found.append((("weights",), "every weight is 0, so nothing can be ranked; give at least one above 0"))
    for name, given in parameters.items():
        factor = known.get(name) or find(name)
        if factor is None:
            found.append(((name,), f"unknown key; {_suggest(name, [*names, 'weights', 'rate_limits'])}"))
        elif not isinstance(given, Mapping):
            found.append(((name,), "must hold parameters, such as `latency: {target_s: 2.0}`"))
        else:
            found.extend(((name, key), message) for key, message in _parameter_faults(factor, given))
    return found


def _parameter_faults(factor: Callable[..., Reading], given: Mapping[str, Any]) -> list[tuple[str, str]]:
    allowed = {
        p.name: p for p in inspect.signature(factor).parameters.values() if p.kind is inspect.Parameter.KEYWORD_ONLY
    }
    found = []
    for key, value in given.items():
        if key not in allowed:
            hint = _suggest(key, list(allowed)) if allowed else "this factor has none"
            found.append((key, f"unknown parameter; {hint}"))
        elif isinstance(allowed[key].default, float) and (
            isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf")
        ):
            found.append((key, f"must be a number above 0 (given {str(value)[:40]!r})"))
    return found


def _suggest(name: str, names: list[str]) -> str:
    close = get_close_matches(name, names, n=1)
    return f"did you mean {close[0]!r}?" if close else f"use one of {', '.join(names)}"
