"""What a provider's tier gives and what it asks for, in words. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from llm7router.config.addresses import host_of
from llm7router.config.limit_models import LimitConfig
from llm7router.config.models import ProviderConfig


def limits_of(config: ProviderConfig, pooled: str = "shared by its free models") -> str:
    """The limits in words, those of models that differ by name; `pooled` is said of limits that models share."""
    parts = [said(limit) for limit in config.limits]
    parts += [f"{said(limit)} a model" for limit in config.limits_per_model]
    parts += [f"{said(limit)} {pooled}" for limits in config.pools.values() for limit in limits]
    own = {model.id: ", ".join(said(limit) for limit in model.limits) for model in config.models if model.limits}
    if own and len(set(own.values())) == 1:
        parts.append(f"{next(iter(own.values()))} a model")
    else:
        parts += [f"{id}: {text}" for id, text in own.items()]
    if config.limits_without_key is not None:
        parts.append("without a key " + ", ".join(said(limit) for limit in config.limits_without_key))
    return "; ".join(parts) or "this machine"


def said(limit: LimitConfig) -> str:
    """`30 requests/minute`, `1 request/second`."""
    unit = "USD" if limit.unit.value == "usd" else limit.unit.value.replace("_", " ")
    amount = f"{limit.max * limit.safety:,.10g}"
    if amount == "1":
        unit = unit.removesuffix("s")
    return f"{amount} {unit}/{limit.window.value}" if limit.window else f"{amount} {unit}"


def trains(config: ProviderConfig) -> str:
    """Whether prompts are trained on: yes, no, or as router.yaml has it."""
    value = config.data_of().trains_on_prompts
    return ("yes" if value else "no") if isinstance(value, bool) else value.replace("_", " ")


def card(config: ProviderConfig) -> Iterator[tuple[str, str]]:
    """What a person should know before signing up: what it is about, and what is so."""
    yield "gives", limits_of(config)
    yield "sign-up asks for", " and ".join(f"a {need}" for need in config.signup_needs) or "neither phone nor card"
    note = f" ({config.data.note})" if config.data.note else ""
    yield "trains on prompts", trains(config) + note
    if config.terms:
        yield "terms", config.terms
    if config.note:
        yield "note", config.note
    pooled = [limit for limits in config.pools.values() for limit in limits]
    own = [limit for model in config.models for limit in model.limits]
    dates = [limit.checked for limit in (*config.limits, *config.limits_per_model, *pooled, *own) if limit.checked]
    if checked := config.checked or min(dates, default=None):
        yield "as of", f"{checked}"
    yield "key goes to", host_of(config.base_url) or "no host"
