"""How a provider of router.yaml differs from what its own list, and models.dev, say of it. Pure.

The vendor's word is written as it is, but for what would make a model free. models.dev's is written where it makes the
router more careful (a smaller context, a higher price) and only shown where it would make it less so, or where it could
take a model out of service: a context that is tiny or shrinks a lot, a capability less. Nothing here touches a limit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from llm7router.config.deployment_models import ModelConfig, PriceConfig
from llm7router.config.models import ProviderSpec
from llm7router.types import Capability, Price
from llm7router.upkeep.models_list import Listed, ModelsList

MODELS_DEV = "models.dev"
MOST_NEW = 50  # models that one update adds to one provider
LEAST_CONTEXT, MOST_SHRINK = 1024, 4  # tokens, and times: what goes beyond is rather an error, or worse
BY_HAND = "look at it by hand"
_GONE_NOTE, _BACK_NOTE = "gone from its list", "back in its list"
# An id goes into the file and from there into requests: no `${VAR}`, nothing that a terminal or YAML could take amiss.
_SAFE_ID = re.compile(r"[A-Za-z0-9@][A-Za-z0-9@._:/+~-]{0,199}")


class What(StrEnum):
    """What a change is about."""

    GONE = "gone"
    BACK = "back"
    NEW = "new"
    CONTEXT = "context"
    CAPABILITIES = "capabilities"
    PRICE = "price"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `values` are the keys of the model to set; `withheld` says why they are not written, if so."""

    provider: str
    model: str
    what: What
    says: str  # for people
    source: str  # "vendor" or "models.dev"
    values: Mapping[str, Any] = field(default_factory=dict)
    withheld: str = ""


def changes_of(
    spec: ProviderSpec, vendor: ModelsList | None, third: Mapping[str, Listed], today: str
) -> Iterator[Change]:
    """What differs, in the order of the file, then what is new. `today` is the date to write, YYYY-MM-DD."""
    for model in spec.config.models:
        if vendor is not None and vendor.lacks(model.id):
            if model.enabled:
                says = "not in the provider's list; enabled: true -> false"
                yield Change(spec.name, model.id, What.GONE, says, "vendor", _off(model, f"{_GONE_NOTE}, {today}"))
            continue
        said = vendor.models.get(model.id) if vendor is not None else None
        ours = not model.enabled and (model.note or "").startswith(_GONE_NOTE)
        if ours and said is not None and said.free is not False:
            values = {"enabled": True, "note": f"{_BACK_NOTE}, {today}"}
            yield Change(spec.name, model.id, What.BACK, "listed again; enabled: false -> true", "vendor", values)
        unsaid = Listed(model.id)
        yield from _differences(spec.name, model, said or unsaid, third.get(model.id, unsaid))
    if vendor is not None:
        yield from _new(spec, vendor, today)


def _off(model: ModelConfig, note: str) -> dict[str, Any]:
    ours = model.note is None or model.note.startswith((_GONE_NOTE, _BACK_NOTE))
    return {"enabled": False} | ({"note": note} if ours else {})


def _differences(provider: str, model: ModelConfig, vendor: Listed, third: Listed) -> Iterator[Change]:
    def change(what: What, says: str, source: str, values: Mapping[str, Any], withheld: str = "") -> Change:
        return Change(provider, model.id, what, says, source, values, withheld)

    ours, tokens = model.context_window, vendor.context_window or third.context_window
    if tokens is not None and tokens != ours:
        by_vendor = vendor.context_window is not None
        withheld = "" if by_vendor else _third_context(ours, tokens)
        says, source = f"{ours} -> {tokens} tokens", "vendor" if by_vendor else MODELS_DEV
        yield change(What.CONTEXT, says, source, {"context_window": tokens}, withheld)
    drop, add = _capabilities(model, vendor.capabilities)
    if drop or add:
        kept = [c.value for c in model.capabilities if c not in drop]
        values = {"capabilities": [*kept, *(c.value for c in add)]}
        yield change(What.CAPABILITIES, _signed(drop, add), "vendor", values)
    untold = {c: has for c, has in third.capabilities.items() if c not in vendor.capabilities}
    drop, add = _capabilities(model, untold)
    if drop:
        why = f"models.dev alone takes nothing away; {BY_HAND}"
        yield change(What.CAPABILITIES, _signed(drop, []), MODELS_DEV, {}, why)
    if add:
        yield change(What.CAPABILITIES, _signed([], add), MODELS_DEV, {}, "models.dev alone widens nothing")
    yield from _vendor_price(provider, model, vendor)
    if vendor.price is None and third.price is not None:
        yield from _third_price(provider, model, third.price)


def _third_context(ours: int, tokens: int) -> str:
    """Why models.dev's word alone does not set a context, if so."""
    if tokens > ours:
        return "models.dev alone widens nothing"
    if tokens < LEAST_CONTEXT or tokens * MOST_SHRINK < ours:
        return f"models.dev alone goes not below {LEAST_CONTEXT:,} tokens or a quarter; {BY_HAND}"
    return ""


def _capabilities(model: ModelConfig, said: Mapping[Capability, bool]) -> tuple[list[Capability], list[Capability]]:
    """What to drop, and what to add."""
    ours = set(model.capabilities)
    implied = {Capability.JSON_MODE} if Capability.JSON_SCHEMA in ours else set()
    drop = [c for c in model.capabilities if said.get(c) is False]
    return drop, [c for c in Capability if said.get(c) is True and c not in ours | implied]


def _signed(drop: Sequence[Capability], add: Sequence[Capability]) -> str:
    return " ".join([*(f"-{c}" for c in drop), *(f"+{c}" for c in add)])


def _vendor_price(provider: str, model: ModelConfig, vendor: Listed) -> Iterator[Change]:
    """What the vendor asks. Where a free allowance is counted in USD, that is `list_cost`, and else what is paid."""
    if model.list_cost is not None and vendor.price is not None:
        if _pair(model.list_cost) != vendor.price:
            says = f"list price {_shown(_pair(model.list_cost))} -> {_shown(vendor.price)}"
            yield Change(provider, model.id, What.PRICE, says, "vendor", {"list_cost": vendor.price._asdict()})
        return
    ours = _pair(model.cost) if model.cost is not None else None
    if vendor.free is False and ours == Price(0, 0):
        if vendor.price is not None and vendor.price != Price(0, 0):
            says, values = f"{_shown(ours)} -> {_shown(vendor.price)}", {"cost": vendor.price._asdict()}
            yield Change(provider, model.id, What.PRICE, says, "vendor", values)
        elif model.enabled:
            says = "no longer free; enabled: true -> false"
            yield Change(provider, model.id, What.PRICE, says, "vendor", _off(model, "no longer free by its list"))
    elif vendor.price is not None and ours != vendor.price and ours != Price(0, 0):
        known = ours is not None and vendor.free is False
        withheld = "" if known else "whether it may be called is yours to say: set `cost`"
        says = f"{_shown(ours)} -> {_shown(vendor.price)}"
        yield Change(provider, model.id, What.PRICE, says, "vendor", {"cost": vendor.price._asdict()}, withheld)


def _third_price(provider: str, model: ModelConfig, price: Price) -> Iterator[Change]:
    """models.dev's list prices say nothing of what is free, so they count where a price is in the file already."""
    key, config = ("list_cost", model.list_cost) if model.list_cost is not None else ("cost", model.cost)
    ours = _pair(config) if config is not None else None
    if ours is None or ours in (price, Price(0, 0)):
        return
    higher = Price(max(ours.input, price.input), max(ours.output, price.output))
    withheld = "" if higher == price else "models.dev alone lowers no price"
    says = f"{'list price ' if key == 'list_cost' else ''}{_shown(ours)} -> {_shown(price)}"
    yield Change(provider, model.id, What.PRICE, says, MODELS_DEV, {key: price._asdict()}, withheld)


def _new(spec: ProviderSpec, vendor: ModelsList, today: str) -> Iterator[Change]:
    known = {model.id for model in spec.config.models}
    listed = {model.id: model for model in vendor.models.values()}  # once, whatever its aliases
    safe = [m for m in listed.values() if m.free and m.text and m.id not in known and _SAFE_ID.fullmatch(m.id)]
    siblings = [m for m in spec.config.models if m.cost is not None and _pair(m.cost) == Price(0, 0)]
    withheld = _unlike(siblings)
    for model in safe[:MOST_NEW]:
        values = {} if withheld else _entry(model, siblings, today)
        says = f"free, {model.context_window or 'unsaid'} tokens"
        yield Change(spec.name, model.id, What.NEW, says, "vendor", values, withheld)


def _unlike(siblings: Sequence[ModelConfig]) -> str:
    """Why a new model's limits cannot be told from those of the provider's other free models, if so."""
    if not siblings:
        return "no free model of this provider to take limits from; add it yourself"
    if len({model.pool for model in siblings}) > 1 or any(model.limits for model in siblings):
        return "its limits are not known: the other free models have limits of their own; add it yourself"
    return ""


def _entry(model: Listed, siblings: Sequence[ModelConfig], today: str) -> dict[str, Any]:
    """The keys of a new model: the limits of its siblings, and what the list says."""
    said = dict(model.capabilities)
    said.setdefault(Capability.STREAMING, all(Capability.STREAMING in sibling.capabilities for sibling in siblings))
    entry: dict[str, Any] = {"pool": siblings[0].pool} if siblings[0].pool else {}
    if model.context_window:
        entry["context_window"] = model.context_window
    entry["capabilities"] = [c.value for c in Capability if said.get(c)]
    return entry | {"cost": {"input": 0, "output": 0}, "source": "the provider's list of models", "checked": today}


def _pair(config: PriceConfig) -> Price:
    return Price(config.input, config.output)


def _shown(price: Price | None) -> str:
    return "unknown" if price is None else f"{price.input:g}/{price.output:g} USD"
