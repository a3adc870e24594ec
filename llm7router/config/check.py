"""Checks that span several keys. They read plain data and look away from what validation reports anyway.

So they run whether or not validation passed, and every fault comes out at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from llm7router.config.addresses import ENVIRONMENT, account_url_fault, base_url_fault, proxy_fault, store_fault
from llm7router.config.check_limits import limit_problems
from llm7router.config.faults import Problem, Where, shown, suggest
from llm7router.config.models import ScoringConfig
from llm7router.config.raw import mapping, number, rows, text

OWN = "owner"  # the caller behind the gateway's own key


def problems(data: Any, unset: Collection[Where] = ()) -> list[Problem]:
    """Everything wrong across keys; values at the paths of `unset` are placeholders and are not judged."""
    root = mapping(data)
    found = [*_scoring(root), *_budget(root, (), 0), *_state(root), *_proxy(root)]
    found += [*_aliases(root), *_tasks(root), *_keys(root)]
    for name, provider in mapping(root.get("providers")).items():
        if isinstance(provider, Mapping):
            found += _provider(provider, ("providers", name))
    return [problem for problem in found if problem.path not in unset]


def _scoring(root: Mapping[str, Any]) -> Iterator[Problem]:
    from llm7router.decision.registry import faults as factor_faults

    scoring = mapping(root.get("scoring"))
    weights = mapping(scoring.get("weights")) if "weights" in scoring else ScoringConfig().weights
    points = {name: figure for name in weights if (figure := number(weights[name])) is not None}
    parameters = {name: value for name, value in scoring.items() if name not in ("weights", "rate_limits")}
    for path, message in factor_faults(points, parameters):
        yield Problem(("scoring", *path), message)


def _budget(holder: Mapping[str, Any], where: Where, absent: int | None) -> Iterator[Problem]:
    """A request's budget beyond the day's would never be used: what costs that much is refused by the day's."""
    budget = mapping(holder.get("budget"))
    request = number(budget.get("usd_per_request", absent))
    for key, default in (("usd_per_day", absent), ("usd_per_month", None)):
        most = number(budget.get(key, default))
        if request is not None and most is not None and request > most:
            advice = f"raise {key} or lower usd_per_request"
            path = (*where, "budget", "usd_per_request")
            yield Problem(path, f"{request:g} USD never fits into {key} ({most:g}); {advice}")


def _state(root: Mapping[str, Any]) -> Iterator[Problem]:
    store = text(mapping(root.get("state")).get("store"))
    message = store_fault(store) if store is not None else None
    if message is not None:
        yield Problem(("state", "store"), message)


def _proxy(root: Mapping[str, Any]) -> Iterator[Problem]:
    said = text(root.get("proxy"))
    if said is not None and said != ENVIRONMENT and (message := proxy_fault(said)):
        yield Problem(("proxy",), message if "://" in said else f"{message}; or `{ENVIRONMENT}`, or null for none")


def _aliases(root: Mapping[str, Any]) -> Iterator[Problem]:
    """A name that means something else already, or that stands for nothing."""
    providers = mapping(root.get("providers"))
    known = set(providers)
    for name, provider in providers.items():
        known |= {f"{name}/{id}" for _, model in rows(mapping(provider).get("models")) if (id := text(model.get("id")))}
    for name, alias in mapping(root.get("aliases")).items():
        if name == "auto" or name in providers:
            what = "routes freely" if name == "auto" else "is a provider"
            yield Problem(("aliases", name), f"{shown(name)} {what}; give the alias another name")
        used = mapping(alias).get("use")
        for index, id in enumerate(used if isinstance(used, list) else []):
            if isinstance(id, str) and id not in known:
                advice = suggest(id, sorted(known))
                yield Problem(("aliases", name, "use", index), f"no provider or deployment {shown(id)}; {advice}")


def _tasks(root: Mapping[str, Any]) -> Iterator[Problem]:
    """A phrase that nothing can match, or that tells two tasks."""
    from llm7router.decision.tasks.lexicon import phrase

    seen: dict[str, str] = {}
    for task, phrases in mapping(root.get("tasks")).items():
        for index, said in enumerate(phrases if isinstance(phrases, list) else []):
            if not isinstance(said, str):
                continue
            entry, where = phrase(said), ("tasks", task, index)
            if len(entry.strip("_*")) < 2:
                yield Problem(where, f"{shown(said)} has less than two letters or digits; give a word or a phrase")
            elif seen.setdefault(entry, task) != task:
                yield Problem(where, f"{shown(said)} already tells {seen[entry]}; keep one")


def _keys(root: Mapping[str, Any]) -> Iterator[Problem]:
    """Two keys of one name would share limits and answers, and one key under two names would have the first's."""
    seen: dict[tuple[str, str], int] = {}
    for index, key in rows(mapping(root.get("server")).get("keys")):
        if key.get("name") == OWN:
            message = f"{shown(OWN)} is who holds the gateway's own key; give this one another name"
            yield Problem(("server", "keys", index, "name"), message)
        for field in ("name", "sha256"):
            value = text(key.get(field))
            if value is not None and seen.setdefault((field, value), index) != index:
                message = f"{shown(value)} is there twice, first in keys[{seen[field, value]}]; keep one"
                yield Problem(("server", "keys", index, field), message)
        yield from _budget(key, ("server", "keys", index), None)
        for place, limit in rows(key.get("limits")):
            where = ("server", "keys", index, "limits", place, "unit")
            if limit.get("unit") == "usd":
                yield Problem(where, "a key's money is limited by its `budget`; use usd_per_day or usd_per_month there")
            elif limit.get("unit") in ("neurons", "input_tokens"):
                yield Problem(where, "a key's limits count requests, tokens or concurrent; use one of these")


def _provider(provider: Mapping[str, Any], where: Where) -> Iterator[Problem]:
    kind = provider.get("kind", "openai")
    if kind == "openai":
        yield from _endpoint(provider, where)
    elif kind == "llama_cpp" and "base_url" in provider:
        yield Problem((*where, "base_url"), "kind llama_cpp has no address; remove it, or use kind: openai")
    yield from _models(provider, kind, where)
    yield from limit_problems(provider, where)


def _endpoint(provider: Mapping[str, Any], where: Where) -> Iterator[Problem]:
    url = provider.get("base_url")
    if url is None:
        yield Problem(where, "base_url is missing; add the provider's OpenAI-compatible address, or `kind: llama_cpp`")
    elif isinstance(url, str):
        message = base_url_fault(url)
        if message is not None:
            yield Problem((*where, "base_url"), message)
        account = provider.get("account_url")
        if isinstance(account, str) and (message := account_url_fault(account, url)):
            yield Problem((*where, "account_url"), message)


def _models(provider: Mapping[str, Any], kind: object, where: Where) -> Iterator[Problem]:
    pools = list(mapping(provider.get("pools")))
    seen: dict[str, int] = {}
    for index, model in rows(provider.get("models")):
        path = (*where, "models", index)
        id = text(model.get("id"))
        if id is not None and seen.setdefault(id, index) != index:
            message = f"{shown(id)} is there twice, first as models[{seen[id]}]; keep one"
            yield Problem((*path, "id"), message)
        if kind == "llama_cpp" and model.get("path") is None:
            yield Problem(path, "path is missing; name a GGUF file, package:MODULE/FILE, or hf:REPO/FILE")
        if kind == "openai" and model.get("path") is not None:
            yield Problem((*path, "path"), "a model behind an address has no file; remove it, or use kind: llama_cpp")
        pool = text(model.get("pool"))
        if pool is not None and pool not in pools:
            advice = suggest(pool, pools) if pools else "add it under `pools` of the provider"
            yield Problem((*path, "pool"), f"no pool of the name {shown(pool)}; {advice}")
