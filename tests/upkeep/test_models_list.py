"""Vendors' lists in the shapes that their documentation shows, and in shapes that nobody documents."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm7router.types import Capability, Price
from llm7router.upkeep.models_list import Listed, read

OPENROUTER = {
    "id": "a/b:free",
    "context_length": 262144,
    "architecture": {"input_modalities": ["text", "image"], "output_modalities": ["text"]},
    "pricing": {"prompt": "0", "completion": "0", "request": "0", "image": "0", "web_search": "0.01"},
    "supported_parameters": ["tools", "reasoning", "max_tokens"],
}
LLM7 = {
    "id": "turbo-model", "tier": "turbo", "usage_based_only": False, "pricing": {"input": 1}, "stream": False,
    "context_window": {"tokens": 180000, "chars": 720000}, "json_mode": True, "tools_calling": False,
}  # fmt: skip
MISTRAL = {
    "id": "mistral-large-2512", "aliases": ["mistral-large-latest"], "max_context_length": 262144,
    "capabilities": {"completion_chat": True, "function_calling": True, "vision": True},
}  # fmt: skip


def one(row: dict[str, Any]) -> Listed:
    return next(iter(read({"data": [row]}).models.values()))


def test_openrouters_entry_tells_context_capabilities_price_and_that_it_is_free() -> None:
    model = one(OPENROUTER)
    assert (model.context_window, model.price, model.free, model.text) == (262144, Price(0, 0), True, True)
    assert model.capabilities == {
        Capability.TOOLS: True, Capability.JSON_MODE: False, Capability.JSON_SCHEMA: False,
        Capability.REASONING: True, Capability.VISION: True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("pricing", "price", "free"),
    [
        ({"prompt": "0.0000003", "completion": "0.0000025"}, Price(0.3, 2.5), False),
        ({"prompt": "0", "completion": "0", "request": "0.01"}, None, False),
        ({"prompt": "-1", "completion": "-1"}, None, None),
        ({"prompt": "0"}, None, None),
        ({"prompt": "free", "completion": None}, None, None),
        ({"prompt": True, "completion": False}, None, None),
        ({}, None, None),
        ("0", None, None),
    ],
    ids=["paid", "paid by the request", "it depends", "half said", "words", "booleans", "nothing said", "no mapping"],
)
def test_only_a_price_of_zero_that_is_said_for_everything_is_free(
    pricing: Any, price: Price | None, free: bool | None
) -> None:
    model = one({"id": "m", "pricing": pricing})
    assert (model.price, model.free) == (price, free)


@pytest.mark.parametrize(
    ("changes", "free"),
    [({}, True), ({"tier": "pro"}, False), ({"usage_based_only": True}, False), ({"usage_based_only": None}, False)],
    ids=["turbo", "pro", "usage based", "not said"],
)
def test_llm7_gives_away_what_is_turbo_and_not_usage_based(changes: dict[str, Any], free: bool) -> None:
    model = one({**LLM7, **changes})
    assert (model.free, model.price, model.context_window) == (free, None, 180000)
    assert model.capabilities[Capability.STREAMING] is False
    assert model.capabilities[Capability.TOOLS] is False


def test_an_alias_can_be_asked_for_like_the_id() -> None:
    found = read({"data": [MISTRAL]})
    assert not found.lacks("mistral-large-latest")
    assert found.lacks("mistral-small-latest")
    assert one(MISTRAL).capabilities[Capability.TOOLS] is True


@pytest.mark.parametrize(
    ("body", "id", "lacks"),
    [
        ({"data": [{"id": "models/gemini-3.8-flash"}]}, "gemini-3.8-flash", False),
        ({"models": [{"name": "models/gemini-3.8-flash"}]}, "gemini-3.8-flash", False),
        ([{"id": "a"}], "a", False),
        ({"data": [{"id": "a"}], "has_more": True}, "b", False),
        ({"models": [{"name": "a"}], "nextPageToken": "x"}, "b", False),
        ({"data": [{"id": "a/b"}]}, "a/b:nitro", False),
        ({"data": [{"id": "a/b"}]}, "a/b:free", True),
        ({"data": [{"id": "/models/x.gguf", "owned_by": "llamacpp"}]}, "local", False),
        ({"data": [{"id": "a"}, {"id": "b", "active": False}]}, "b", True),
    ],
    ids=["gemini's prefix", "gemini's own list", "a bare list", "more pages", "a next page", "a variant of a listed one",
         "a free one that is gone", "llama-server takes any name", "listed as not active"],
)  # fmt: skip
def test_what_is_gone(body: Any, id: str, lacks: bool) -> None:
    assert read(body).lacks(id) is lacks


@pytest.mark.parametrize("body", [{}, [], {"data": []}, {"data": {}}, {"error": "x"}, None, 5, "x", {"data": [1, {}]}])
def test_what_is_no_list_or_an_empty_one_is_refused(body: Any) -> None:
    with pytest.raises(ValueError, match="list of models"):
        read(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*OPENROUTER, *LLM7, *MISTRAL, "prompt", "completion", "tokens", "limit", "name"]), inner
        )
    ),
    max_leaves=20,
)


@settings(max_examples=50)
@given(JSON)
def test_no_answer_does_worse_than_being_refused(row: Any) -> None:
    try:
        found = read({"data": [row, {"id": "m"}]})
    except ValueError:
        pytest.fail("there is a model in it")
    assert "m" in found.models
