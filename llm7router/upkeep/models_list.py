"""What vendors' lists of models say, in one shape. Pure; a list is as hostile as any other answer.

The shape is OpenAI's, `{data: [{id}]}`, and what OpenRouter, Groq, Mistral, LLM7, Requesty and llama-server add.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from llm7router.config.raw import mapping, number, text
from llm7router.types import Capability, Price

MOST = 50_000  # models; the longest list has some thousand

# What a list says of a capability: OpenRouter's parameters, Mistral's and LLM7's flags, models.dev's.
_PARAMETERS = {
    Capability.TOOLS: "tools",
    Capability.JSON_MODE: "response_format",
    Capability.JSON_SCHEMA: "structured_outputs",
    Capability.REASONING: "reasoning",
}
_FLAGS = {
    "function_calling": Capability.TOOLS,
    "tools_calling": Capability.TOOLS,
    "tool_call": Capability.TOOLS,
    "vision": Capability.VISION,
    "json_mode": Capability.JSON_MODE,
    "structured_output": Capability.JSON_SCHEMA,
    "reasoning": Capability.REASONING,
    "stream": Capability.STREAMING,
}
_CONTEXT = ("context_length", "context_window", "max_context_length", "max_model_len")
_EXTRA_PRICES = ("request", "image", "internal_reasoning")  # beside those of tokens; searching the web is opt-in


@dataclass(frozen=True, slots=True)
class Listed:
    """A model as a list has it; None, or a capability that is absent: it does not say."""

    id: str
    context_window: int | None = None  # tokens
    capabilities: Mapping[Capability, bool] = field(default_factory=dict)
    price: Price | None = None  # USD per million tokens
    free: bool | None = None  # it costs nothing, or something
    text: bool = True  # it answers in text


@dataclass(frozen=True, slots=True)
class ModelsList:
    """A list. `models` has every name that can be asked for, aliases too."""

    models: Mapping[str, Listed]
    whole: bool = True  # False: there are more pages
    any_name: bool = False  # it serves one model under whatever name

    def lacks(self, id: str) -> bool:
        """The provider no longer has that model, for all that the list tells."""
        if id in self.models or not self.whole or self.any_name:
            return False
        base, colon, variant = id.partition(":")
        return not (colon and base in self.models and variant != "free")  # OpenRouter lists no `:nitro` and the like

    def asks_money(self, id: str) -> bool:
        """The list says that the model is not free."""
        return id in self.models and self.models[id].free is False


def read(body: Any) -> ModelsList:
    """The list in a vendor's answer.

    Raises:
        ValueError: it is none, or it is empty.
    """
    root = mapping(body)
    rows = root.get("data", root.get("models", body))
    if not isinstance(rows, list):
        raise ValueError("no list of models")
    found: dict[str, Listed] = {}
    for row in rows[:MOST]:
        for name, model in _named(mapping(row)):
            found.setdefault(name, model)
    if not found:
        raise ValueError("an empty list of models")
    more = root.get("has_more") is True or bool(root.get("nextPageToken"))
    any_name = all(mapping(row).get("owned_by") == "llamacpp" for row in rows)
    return ModelsList(found, whole=not more and len(rows) <= MOST, any_name=any_name)


def _named(row: Mapping[str, Any]) -> Iterator[tuple[str, Listed]]:
    """A model under its own name and its aliases; none if it cannot be asked for."""
    id = text(row.get("id")) or text(row.get("name"))
    if not id or row.get("active") is False:
        return
    id = id.removeprefix("models/")  # Gemini's
    model = listed(id, row)
    aliases = row.get("aliases")
    for name in (id, *(aliases if isinstance(aliases, list) else ())):
        if isinstance(name, str):
            yield name, model


def listed(id: str, row: Mapping[str, Any]) -> Listed:
    """What one entry of a list says of the model `id`."""
    price, free = _price(row)
    return Listed(
        id, _context(row), _capabilities(row), price, free, "text" in (_modalities(row, "output") or ["text"])
    )


def _context(row: Mapping[str, Any]) -> int | None:
    for source in (row, mapping(row.get("limit"))):
        for key in (*_CONTEXT, "context"):
            value = source.get(key)
            tokens = number(mapping(value).get("tokens") if isinstance(value, Mapping) else value)
            if tokens is not None and 1 <= tokens < 1e9:
                return int(tokens)
    return None


def _capabilities(row: Mapping[str, Any]) -> dict[Capability, bool]:
    found: dict[Capability, bool] = {}
    for source in (row, mapping(row.get("capabilities"))):
        found |= {what: source[flag] for flag, what in _FLAGS.items() if isinstance(source.get(flag), bool)}
    parameters = row.get("supported_parameters")
    if isinstance(parameters, list):
        found |= {what: name in parameters for what, name in _PARAMETERS.items()}
    if (inputs := _modalities(row, "input")) is not None:
        found[Capability.VISION] = "image" in inputs
    return found


def _modalities(row: Mapping[str, Any], way: str) -> list[Any] | None:
    """OpenRouter's `architecture.input_modalities`, or `modalities.input` of LLM7 and models.dev."""
    found = mapping(row.get("architecture")).get(f"{way}_modalities", mapping(row.get("modalities")).get(way))
    return found if isinstance(found, list) else None


def _price(row: Mapping[str, Any]) -> tuple[Price | None, bool | None]:
    """The price, and whether it is nothing. LLM7 gives its turbo models away whatever price it names."""
    if isinstance(row.get("tier"), str):
        return None, row["tier"] == "turbo" and row.get("usage_based_only") is False
    pricing = mapping(row.get("pricing"))
    prompt, answer = (
        number(pricing.get("prompt", row.get("input_price"))),
        number(pricing.get("completion", row.get("output_price"))),
    )
    if prompt is None or answer is None or prompt < 0 or answer < 0:  # -1: it depends
        return None, None
    if any(number(pricing.get(name, 0)) != 0 for name in _EXTRA_PRICES):
        return None, False  # a price by the token does not say what it costs
    return Price(round(prompt * 1e6, 6), round(answer * 1e6, 6)), prompt == answer == 0
