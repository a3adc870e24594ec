from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import ValidationError
from pydantic_core import ErrorType

from llm7router.config import from_data
from llm7router.config.faults import MESSAGES, MOST, Fault, dotted, explain, located, shown
from llm7router.config.models import Config
from llm7router.config.schema import keys_at
from llm7router.errors import ConfigError
from tests.config.conftest import Told

BAD: list[Any] = [
    None, True, 1, 0, -1, 2.5, 1e300, float("inf"), float("nan"), 10**30, 1 << 5000, "", "x", "9" * 400, "y" * 400,
    "2026-10-05T10:00", "2026-10-05T10:00:00+25:00", "\ud800", [], ["x"], [None], [1], {}, {"x": 1}, {"a b": 1},
    {"x" * 99: {}}, {1: 1}, {"chat": 9}, {"chat": 0}, b"x", object(),
]  # fmt: skip

LIMIT = {
    "unit": "requests", "window": "day", "max": 5, "kind": "calendar", "tz": "UTC", "scope": "key", "safety": 0.5,
    "header": "h", "counts": "reserved", "note": "n", "source": "s", "checked": "2026-10-05",
}  # fmt: skip
PRICE = {"input": 1, "output": 2}
MODEL = {
    "id": "m", "enabled": True, "title": "t", "litellm_model": "l", "path": None, "context_window": 9, "max_output": 9,
    "capabilities": ["tools"], "cost": PRICE, "list_cost": PRICE, "neurons_per_mtok": PRICE,
    "latency": {"first_token_s": 1, "tokens_per_s": 1}, "quality": {"chat": 3}, "pool": "p", "limits": [LIMIT],
    "unsupported_params": ["x"], "cache": True, "data": {"trains_on_prompts": True, "opt_out_url": "u", "note": "n"}, "source": "s",
    "checked": "2026-10-05", "note": "n",
}  # fmt: skip
PROVIDER = {
    "title": "t", "kind": "openai", "enabled": True, "base_url": "https://a.b/v1", "litellm_provider": "x",
    "api_key_env": "K", "api_key": "k", "send_authorization": True, "account_url": "https://a.b/key",
    "counts": "actual", "signup_url": "u", "limits": [LIMIT], "signup_needs": ["phone"],
    "key_check": {"path": "/k", "header": "h", "bad_key_status": 400}, "models_list": {"path": "/m", "key": True},
    "pkce": {"authorize": "/a", "exchange": "/e"}, "cache": True,
    "limits_per_model": [LIMIT], "limits_without_key": [LIMIT], "pools": {"p": [LIMIT]}, "environments": {"e": 0.5},
    "unsupported_params": ["x"], "data": {"trains_on_prompts": "maybe"}, "models": [MODEL], "source": "s",
    "checked": "2026-10-05", "terms": "t", "note": "n",
}  # fmt: skip
FULL: dict[str, Any] = {
    "version": 1, "environment": "e",
    "scoring": {"weights": {"cost": 1}, "rate_limits": "block", "latency": {"target_s": 1.0}},
    "budget": {"usd_per_request": 0, "usd_per_day": 0, "usd_per_month": 1},
    "timeouts": {"first_token_s": 1, "between_tokens_s": 1, "attempt_s": 1, "total_s": 1},
    "state": {"store": "disk", "path": "p"},
    "cache": {"ttl_s": 1, "max_mb": 1, "store": "disk", "across_callers": True}, "providers": {"x": PROVIDER},
}  # fmt: skip


def variations(data: Any) -> Iterator[Any]:
    """The data with one value at a time replaced by each bad one, and with one key removed or too many."""
    if isinstance(data, dict):
        yield from ({key: value for key, value in data.items() if key != gone} for gone in data)
        yield {**data, "surplus": 1}
        yield from ({**data, key: changed} for key, value in data.items() for changed in variations(value))
    elif isinstance(data, list):
        yield from ([changed] for changed in variations(data[0]))
    yield from BAD


def errors() -> Iterator[tuple[Any, Any]]:
    for data in variations(FULL):
        try:
            Config.model_validate(data)
        except ValidationError as error:
            yield from ((detail, data) for detail in error.errors(include_url=False, include_input=False))


def kinds(schema: Any) -> Iterator[str]:
    """Every node type in pydantic's own compiled form of the models."""
    if isinstance(schema, dict):
        if isinstance(schema.get("type"), str):
            yield schema["type"]
        yield from (name for value in schema.values() for name in kinds(value))
    elif isinstance(schema, list | tuple):
        yield from (name for value in schema for name in kinds(value))


def test_a_full_configuration_has_no_faults() -> None:
    assert set(FULL["providers"]["x"]) == set(type(Config.model_validate(FULL).providers["x"]).model_fields)
    from_data(FULL | {"providers": {"x": PROVIDER | {"models": [MODEL | {"limits": []}]}}}, env={})


def test_every_error_that_bad_values_raise_is_in_the_table() -> None:
    seen = {detail["type"] for detail, _ in errors()}
    assert seen <= set(MESSAGES)
    assert len(seen) > 20


def test_every_kind_of_schema_node_is_one_that_the_table_was_written_for() -> None:
    expected = {
        "model", "model-fields", "model-field", "definitions", "definition-ref", "default", "nullable", "enum",
        "literal", "dict", "list", "str", "bool", "float", "int", "date", "any",
        "function-before", "no-info",  # a flag is no number, which is told as a float tells it
    }  # fmt: skip
    assert set(kinds(Config.__pydantic_core_schema__)) - {"requests", "pyrequired"} <= expected


def test_the_table_names_only_errors_that_pydantic_has() -> None:
    assert set(MESSAGES) <= set(get_args(ErrorType))


def test_every_message_says_what_is_wrong_and_what_to_do() -> None:
    for detail, data in errors():
        message = explain(detail, data, keys_at).message
        assert "; " in message
        assert "pydantic" not in message.lower()
        assert len(message) < 600


def test_an_error_that_the_table_does_not_know_is_still_a_sentence() -> None:
    detail: Any = {"type": "url_parsing", "loc": ("environment",), "msg": "Input should be a valid URL"}
    problem = explain(detail, {"environment": "x"}, keys_at)
    assert (problem.path, problem.message) == (
        ("environment",),
        "input should be a valid url; see `llm7router config schema`",
    )


def test_a_fault_reads_as_file_line_path_and_sentence() -> None:
    path = ("providers", "groq", "models", 0, "qualty")
    assert dotted(path) == "providers.groq.models[0].qualty"
    assert str(Fault("f.yaml", 3, path, "m")) == "f.yaml:3: providers.groq.models[0].qualty: m"
    assert str(Fault("f.yaml", 3, (), "m")) == "f.yaml:3: m"
    assert str(Fault("f.yaml", None, path[:2], "m")) == "f.yaml: providers.groq: m"


def test_a_value_in_a_message_is_short() -> None:
    assert shown("x" * 1000) == repr("x" * 37 + "...")
    assert [shown(item) for item in (None, True, 3, [1], {"a": 1})] == ["nothing", "true", "3", "a list", "a mapping"]


def test_the_example_of_the_manual_reads_as_promised(told: Told) -> None:
    text = """\
        version: 1
        providers:
          groq:
            base_url: https://api.groq.com/openai/v1
            models:
              - id: m
                qualty: {chat: 3}
        """
    assert told(text) == ["router.yaml:7: providers.groq.models[0].qualty: unknown key; did you mean 'quality'?"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("environmnt: x", "environmnt: unknown key; did you mean 'environment'?"),
        ("zzz: x", "zzz: unknown key; use one of version, environment, scoring, budget, alerts, timeouts, proxy, state, cache, history, server, aliases, "
            "tasks, strengths, providers"),
        ("timeouts: {total_s: 5s}", "timeouts.total_s: must be a number (given '5s'); write digits, without a unit"),
        ("budget: {usd_per_day: true}", "budget.usd_per_day: must be a number (given true); write digits, without a unit"),
        ("timeouts: {total_s: 0}", "timeouts.total_s: must be more than 0 (given 0); change the number"),
        ("providers: []",
         "providers: must be a mapping (given a list); write `key: value` lines under it, or leave it out"),
        ("environment: 5", "environment: must be text (given 5); put it in quotes"),
        ("environment: [sk-1]", "environment: must be text (given a list); put it in quotes"),
        ("providers: {a b: {base_url: 'https://a.b'}}",
         "providers.a b: not a name (given 'a b'); "
         "begin with a letter or digit, and go on with those, `_`, `.` and `-`"),
        ("scoring: {rate_limits: blok}",
         "scoring.rate_limits: not one of the values that exist (given 'blok'); did you mean 'block'?"),
        ("scoring: {weights: {cots: 3}}", "scoring.weights.cots: unknown factor; did you mean 'cost'?"),
        ("scoring: {latency: {target: 3}}", "scoring.latency.target: unknown parameter; did you mean 'target_s'?"),
    ],
)  # fmt: skip
def test_each_fault_says_what_is_wrong_and_what_to_do(told: Told, line: str, message: str) -> None:
    assert told(f"version: 1\n{line}\n") == [f"router.yaml:2: {message}"]


def test_a_wrong_name_of_a_task_is_compared_with_the_tasks(told: Told) -> None:
    text = "version: 1\nproviders: {a: {base_url: 'https://a.b', models: [{id: m, quality: {chatt: 3}}]}}\n"
    assert told(text)[0].endswith(
        "quality.chatt: not one of the values that exist (given 'chatt'); did you mean 'chat'?"
    )


@pytest.mark.parametrize(
    "provider",
    [
        "{api_key: [sk-SECRET]}",
        "{api_key: {sk: sk-SECRET}}",
        "{apikey: sk-SECRET}",
        "{api_key: sk-SECRET, models: 1}",
        "sk-SECRET",
        "[sk-SECRET]",
        "{base_url: 'https://sk-SECRET@a.b'}",
        "{base_url: 'https://a.b/?key=sk-SECRET'}",
        "{base_url: 'sk-SECRET'}",
        "{base_url: 'https://a.b', title: {x: sk-SECRET}}",
        "{base_url: 'https://a.b', enabled: \"${KEY}\"}",
        "{base_url: 'https://a.b', models: [{id: m, pool: \"${KEY}\"}]}",
    ],
)
def test_no_fault_repeats_a_key(told: Told, provider: str) -> None:
    faults = told(f"version: 1\nproviders:\n  a: {provider}\n", {"KEY": "sk-SECRET"})
    assert faults
    assert "SECRET" not in "\n".join(faults)


def test_a_hidden_cause_does_not_hold_what_the_message_hides() -> None:
    with pytest.raises(ConfigError) as caught:
        from_data({"version": 1, "providers": {"a": {"api_key": ["sk-SECRET"]}}}, env={})
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_thousands_of_faults_are_counted_and_not_listed() -> None:
    with pytest.raises(ConfigError) as caught:
        from_data({"version": 1, **{f"k{index}": 1 for index in range(5000)}}, env={})
    assert len(caught.value.faults) == MOST + 1
    assert str(caught.value.faults[-1]) == "<config>: 4900 more faults; put these right first"


def test_the_same_fault_is_told_once() -> None:
    from llm7router.config.faults import Problem

    assert len(located([Problem(("a",), "m"), Problem(("a",), "m")], "f", {})) == 1
