"""The tables of README.md, made from router.yaml and from the command: `python -m tests.readme_tables` prints them."""

from __future__ import annotations

from pathlib import Path

from llm7router.config.limit_models import LimitConfig
from llm7router.config.load import load, packaged
from llm7router.config.models import ProviderConfig

ROOT = Path(__file__).parents[1]


def limits_of(config: ProviderConfig) -> str:
    """The limits in words; a model's own ones in brackets where they differ."""
    parts = [said(limit) for limit in config.limits]
    parts += [f"{said(limit)} a model" for limit in config.limits_per_model]
    parts += [f"{said(limit)} for all `:free` together" for limits in config.pools.values() for limit in limits]
    own = {model.id: ", ".join(said(limit) for limit in model.limits) for model in config.models if model.limits}
    if own and len(set(own.values())) == 1:
        parts.append(f"{next(iter(own.values()))} a model")
    else:
        parts += [f"{id}: {text}" for id, text in own.items()]
    if config.limits_without_key is not None:
        parts.append("without a key " + ", ".join(said(limit) for limit in config.limits_without_key))
    return "; ".join(parts) or "this machine"


def said(limit: LimitConfig) -> str:
    """`30 requests/minute`."""
    unit = "USD" if limit.unit.value == "usd" else limit.unit.value.replace("_", " ")
    amount = f"{limit.max * limit.safety:,.10g}"
    return f"{amount} {unit}/{limit.window.value}" if limit.window else f"{amount} {unit}"


def trains(config: ProviderConfig) -> str:
    """What becomes of prompts."""
    value = config.data.trains_on_prompts
    return (
        {True: "yes", False: "no"}.get(value, str(value).replace("_", " "))
        if isinstance(value, bool)
        else str(value).replace("_", " ")
    )


def providers_table() -> str:
    """Every enabled provider with its limits as of router.yaml."""
    rows = ["| provider | key | limits | trains on prompts |", "| --- | --- | --- | --- |"]
    for spec in load(packaged(), env={}).providers:
        config = spec.config
        if config.enabled:
            key = f"`{config.api_key_env}`" if config.api_key_env else "none"
            if config.api_key_env and config.api_key:
                key += ", works without"
            rows.append(f"| {config.title or spec.name} | {key} | {limits_of(config)} | {trains(config)} |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(providers_table())
