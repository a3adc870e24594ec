"""models.dev: context, capabilities and list prices of models by provider, kept by volunteers. Pure.

It knows nothing of free plans, so its prices are what vendors ask of those who pay.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from llm7router.config.models import ProviderConfig
from llm7router.config.raw import mapping, number
from llm7router.types import Price
from llm7router.upkeep.models_list import MOST, Listed, listed

ADDRESS = "https://models.dev/api.json"


def models_of(config: ProviderConfig, body: Any) -> dict[str, Listed]:
    """What models.dev's file says of the provider's models, by id; empty if it does not know the provider.

    Providers are told by address, then by the variable of their key, since their names are the user's choice.
    """
    wanted = {model.id for model in config.models}
    alike = [entry for entry in map(mapping, mapping(body).values()) if _same(config, entry)]
    alike.sort(key=lambda entry: len(wanted & set(mapping(entry.get("models")))), reverse=True)
    models = mapping(alike[0].get("models")) if alike else {}
    rows = ((id, mapping(models[id])) for id in list(models)[:MOST] if id in wanted)
    return {id: replace(listed(id, row), price=_price(mapping(row.get("cost"))), free=None) for id, row in rows}


def _same(config: ProviderConfig, entry: Mapping[str, Any]) -> bool:
    address, keys = entry.get("api"), entry.get("env")
    if isinstance(address, str) and config.base_url and address.rstrip("/") == config.base_url.rstrip("/"):
        return True
    return config.api_key_env is not None and isinstance(keys, list) and config.api_key_env in keys


def _price(cost: Mapping[str, Any]) -> Price | None:
    prompt, answer = number(cost.get("input")), number(cost.get("output"))
    return None if prompt is None or answer is None or prompt < 0 or answer < 0 else Price(prompt, answer)
