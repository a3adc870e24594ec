import json
from typing import Any

from llm7router.config.schema import json_schema, keys_at


def properties(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json_schema()["$defs"][name]["properties"]
    return found


def test_every_key_has_a_description() -> None:
    schema = json_schema()
    assert all("description" in prop for prop in schema["properties"].values())
    for definition in schema["$defs"].values():
        assert all("description" in prop for prop in definition.get("properties", {}).values())


def test_a_number_may_be_a_variable_and_text_may_not_be_a_number() -> None:
    assert [option["type"] for option in properties("LimitConfig")["max"]["anyOf"]] == ["number", "string"]
    assert properties("LimitConfig")["tz"]["type"] == "string"
    assert properties("ProviderConfig")["enabled"]["default"] is True


def test_unknown_keys_are_marked_by_editors() -> None:
    assert json_schema()["additionalProperties"] is False
    assert json_schema()["$defs"]["ModelConfig"]["additionalProperties"] is False


def test_the_schema_is_json_that_names_its_draft() -> None:
    assert json.loads(json.dumps(json_schema()))["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_the_keys_of_a_place_are_known_at_any_depth() -> None:
    assert keys_at(())[:2] == ("version", "environment")
    assert "base_url" in keys_at(("providers", "any"))
    assert "window" in keys_at(("providers", "any", "pools", "x", 0))
    assert keys_at(("providers", "any", "models", 3, "latency")) == ("first_token_s", "tokens_per_s")
    assert "unit" in keys_at(("providers", "any", "limits_without_key", 0))
    assert keys_at(("providers", "any", "environments")) == ()
    assert keys_at(("nowhere", "at", 0, "all")) == ()
