"""What differs, what of it is written, and what never is."""

from __future__ import annotations

from typing import Any

import pytest

from llm7router.config import from_data
from llm7router.config.models import ProviderSpec
from llm7router.types import Capability, Price
from llm7router.upkeep import models_dev
from llm7router.upkeep.changes import MODELS_DEV, Change, What, changes_of
from llm7router.upkeep.models_list import Listed, ModelsList

FREE: dict[str, Any] = {"id": "m", "context_window": 1000, "capabilities": ["tools"], "cost": {"input": 0, "output": 0}}
TODAY = "2026-11-23"


def spec(*models: dict[str, Any], **keys: Any) -> ProviderSpec:
    provider = {"base_url": "https://a.example/v1", "models": list(models), **keys}
    return from_data({"version": 1, "providers": {"p": provider}}, env={}).providers[0]


def found(config: ProviderSpec, *vendor: Listed, third: Listed | None = None) -> list[Change]:
    listing = ModelsList({model.id: model for model in vendor}) if vendor else None
    return list(changes_of(config, listing, {third.id: third} if third else {}, TODAY))


def test_nothing_differs_from_a_list_that_says_the_same() -> None:
    same = Listed("m", 1000, {Capability.TOOLS: True, Capability.VISION: False}, Price(0, 0), True)
    assert found(spec(FREE), same, third=same) == []


def test_a_model_that_is_gone_is_switched_off_with_a_note_and_a_note_of_the_users_stays() -> None:
    (gone,) = found(spec(FREE), Listed("other"))
    assert (gone.what, gone.values) == (What.GONE, {"enabled": False, "note": f"gone from its list, {TODAY}"})
    (gone,) = found(spec({**FREE, "note": "mine"}), Listed("other"))
    assert gone.values == {"enabled": False}
    assert found(spec({**FREE, "enabled": False}), Listed("other")) == []


def test_a_model_that_is_back_is_switched_on_if_it_was_switched_off_for_being_gone() -> None:
    off = {**FREE, "enabled": False, "note": "gone from its list, 2026-10-01"}
    (back,) = found(spec(off), Listed("m"))
    assert (back.what, back.values) == (What.BACK, {"enabled": True, "note": f"back in its list, {TODAY}"})
    assert found(spec({**off, "note": "too slow"}), Listed("m")) == []


def test_a_model_that_goes_and_comes_again_has_the_latest_note() -> None:
    back = {**FREE, "note": "back in its list, 2026-10-01"}
    (gone,) = found(spec(back), Listed("other"))
    assert gone.values == {"enabled": False, "note": f"gone from its list, {TODAY}"}


def test_a_model_that_is_back_for_money_does_not_come_back() -> None:
    off = {**FREE, "enabled": False, "note": "gone from its list, 2026-10-01"}
    changes = found(spec(off), Listed("m", price=Price(1, 1), free=False))
    assert not any(change.values.get("enabled") for change in changes)


@pytest.mark.parametrize(
    ("listed", "values"),
    [(Listed("m", price=Price(0.1, 0.2), free=False), {"cost": {"input": 0.1, "output": 0.2}}),
     (Listed("m", free=False), {"enabled": False, "note": "no longer free by its list"})],
    ids=["by the token", "in another way"],
)  # fmt: skip
def test_a_free_model_that_costs_money_by_its_vendor_is_called_for_free_no_more(
    listed: Listed, values: dict[str, Any]
) -> None:
    (price,) = found(spec(FREE), listed)
    assert (price.what, price.values, price.withheld) == (What.PRICE, values, "")


def test_no_list_makes_a_model_free() -> None:
    paid = {**FREE, "cost": {"input": 1, "output": 1}}
    free = Listed("m", price=Price(0, 0), free=True)
    for model in (paid, {key: value for key, value in FREE.items() if key != "cost"}):
        (price,) = found(spec(model), free, third=free)
        assert price.withheld
    (cheaper,) = found(spec(paid), Listed("m", price=Price(0.5, 1), free=False))
    assert not cheaper.withheld


def test_models_dev_only_makes_the_router_more_careful() -> None:
    model = {**FREE, "context_window": 8000, "cost": {"input": 1, "output": 1}}
    more = Listed("m", 16000, {Capability.VISION: True}, Price(0.5, 0.5))
    changes = found(spec(model), third=more)
    assert [change.what for change in changes] == [What.CONTEXT, What.CAPABILITIES, What.PRICE]
    assert all(change.withheld and change.source == MODELS_DEV for change in changes)
    less = Listed("m", 2000, price=Price(1, 2))
    changes = found(spec(model), third=less)
    assert [dict(change.values) for change in changes if not change.withheld] == [
        {"context_window": 2000}, {"cost": {"input": 1.0, "output": 2.0}},
    ]  # fmt: skip


@pytest.mark.parametrize(("ours", "told"), [(131072, 10), (131072, 32767), (4000, 1023)])
def test_models_dev_alone_does_not_take_a_model_out_of_service_by_a_tiny_context(ours: int, told: int) -> None:
    model = {**FREE, "context_window": ours}
    (change,) = found(spec(model), third=Listed("m", told))
    assert (change.says, change.source) == (f"{ours} -> {told} tokens", MODELS_DEV)
    assert change.withheld == "models.dev alone goes not below 1,024 tokens or a quarter; look at it by hand"
    (change,) = found(spec(model), Listed("m", told))
    assert not change.withheld, "the vendor's own list says it"


def test_a_capability_that_only_models_dev_denies_stays_and_is_shown() -> None:
    third = Listed("m", capabilities={Capability.TOOLS: False, Capability.STREAMING: False})
    model = {**FREE, "capabilities": ["tools", "streaming"]}
    (change,) = found(spec(model), third=third)
    assert (change.what, change.says, change.values) == (What.CAPABILITIES, "-tools -streaming", {})
    assert change.withheld == "models.dev alone takes nothing away; look at it by hand"
    vendor, shown = found(spec(model), Listed("m", capabilities={Capability.TOOLS: False}), third=third)
    assert (vendor.values, vendor.source, vendor.withheld) == ({"capabilities": ["streaming"]}, "vendor", "")
    assert (shown.says, shown.source) == ("-streaming", MODELS_DEV)


def test_models_dev_knows_nothing_of_free_plans() -> None:
    assert found(spec(FREE), third=Listed("m", price=Price(3, 15))) == []


def test_where_they_disagree_the_vendor_is_right() -> None:
    vendor = Listed("m", 3000, {Capability.TOOLS: True, Capability.VISION: True}, Price(2, 2), False)
    third = Listed("m", 100, {Capability.TOOLS: False, Capability.VISION: False}, Price(9, 9))
    changes = found(spec({**FREE, "cost": {"input": 1, "output": 1}}), vendor, third=third)
    assert [dict(change.values) for change in changes] == [
        {"context_window": 3000}, {"capabilities": ["tools", "vision"]}, {"cost": {"input": 2.0, "output": 2.0}},
    ]  # fmt: skip
    assert all(change.source == "vendor" and not change.withheld for change in changes)


def test_a_price_feeds_the_allowance_where_one_is_counted_in_usd() -> None:
    limits = [{"unit": "usd", "window": "month", "max": 10}]
    model = {**FREE, "list_cost": {"input": 1, "output": 1}}
    (price,) = found(spec(model, limits=limits), Listed("m", price=Price(2, 2), free=False))
    assert price.values == {"list_cost": {"input": 2.0, "output": 2.0}}
    (lower,) = found(spec(model, limits=limits), third=Listed("m", price=Price(0.5, 2)))
    assert lower.withheld == "models.dev alone lowers no price"


NEW = Listed("x/new:free", 5000, {Capability.TOOLS: True}, Price(0, 0), True)


def test_a_new_free_model_gets_the_limits_of_its_siblings() -> None:
    pooled = {**FREE, "pool": "shared", "capabilities": ["tools", "streaming"]}
    config = spec(pooled, pools={"shared": [{"unit": "requests", "window": "day", "max": 50}]})
    (new,) = found(config, Listed("m"), NEW)
    assert new.what is What.NEW
    assert new.values == {
        "pool": "shared", "context_window": 5000, "capabilities": ["streaming", "tools"],
        "cost": {"input": 0, "output": 0}, "source": "the provider's list of models", "checked": TODAY,
    }  # fmt: skip


@pytest.mark.parametrize(
    "models",
    [[{**FREE, "cost": {"input": 1, "output": 1}}], [{**FREE, "limits": [{"unit": "concurrent", "max": 1}]}],
     [{**FREE, "pool": "a"}, {**FREE, "id": "n"}]],
    ids=["no free sibling", "siblings with limits of their own", "siblings in several pools"],
)  # fmt: skip
def test_a_new_model_whose_limits_cannot_be_told_is_only_shown(models: list[dict[str, Any]]) -> None:
    config = spec(*models, pools={"a": [{"unit": "requests", "window": "day", "max": 50}]})
    (new,) = [change for change in found(config, Listed("m"), Listed("n"), NEW) if change.what is What.NEW]
    assert new.withheld
    assert new.values == {}


@pytest.mark.parametrize(
    "listed",
    [Listed("x", free=None), Listed("x", price=Price(1, 1), free=False), Listed("x", free=True, text=False),
     Listed("${GROQ_API_KEY}", free=True), Listed("x\n  api_key: y", free=True), Listed("x" * 201, free=True),
     Listed("\x1b[31mx", free=True)],
    ids=["price not said", "paid", "pictures only", "a variable", "a line break", "too long", "a terminal's command"],
)  # fmt: skip
def test_what_is_not_known_to_be_free_and_harmless_is_not_new(listed: Listed) -> None:
    assert found(spec(FREE), Listed("m"), listed) == []


def test_a_list_of_thousands_adds_a_few_dozen() -> None:
    many = [Listed(f"x/{number}", free=True) for number in range(5000)]
    assert len(found(spec(FREE), Listed("m"), *many)) == 50


def test_models_dev_knows_a_provider_by_its_address_or_the_variable_of_its_key() -> None:
    row = {
        "limit": {"context": 7},
        "tool_call": False,
        "modalities": {"input": ["text", "image"]},
        "cost": {"input": 1},
    }
    body = {
        "other": {"env": ["OTHER_API_KEY"], "models": {"m": {"limit": {"context": 1}}}},
        "plan": {"env": ["A_API_KEY"], "models": {"z": row}},
        "a": {"env": ["A_API_KEY"], "models": {"m": row, "n": row}},
    }
    by_key = spec(FREE, api_key_env="A_API_KEY").config
    assert models_dev.models_of(by_key, body) == {
        "m": Listed("m", 7, {Capability.TOOLS: False, Capability.VISION: True})
    }
    by_address = spec(FREE).config
    assert models_dev.models_of(by_address, body) == {}
    assert models_dev.models_of(by_address, {"a": {"api": "https://a.example/v1/", "models": {"m": row}}}).keys() == {
        "m"
    }


@pytest.mark.parametrize(
    "body", [None, [], {"a": None}, {"a": {"env": 1, "models": []}}, {"a": {"api": {}, "env": ["X"]}}]
)
def test_models_dev_in_another_shape_says_nothing(body: Any) -> None:
    assert models_dev.models_of(spec(FREE, api_key_env="X").config, body) == {}
