"""Which requests are the same, and which may have a stored answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm7router.cache.key import allowed, key_of
from llm7router.calls.params import ALLOWED
from llm7router.types import Capability, Operation, TaskType
from tests import make

HI = [{"role": "user", "content": "Hi"}]
SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    SCALARS | st.text(st.characters(codec="utf-8"), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=3),
    max_leaves=8,
)
PARAMETERS = st.dictionaries(st.sampled_from(sorted(ALLOWED)), JSON, max_size=4)


def key(messages: Any = HI, parameters: Any = None, across: bool = False, **fields: Any) -> str:
    return key_of(messages, parameters or {}, make.request(**fields), across_callers=across)


def backwards(value: Any) -> Any:
    """The same JSON, written down in the other order, with tuples for lists and 1.0 for 1."""
    if isinstance(value, dict):
        return {name: backwards(inner) for name, inner in reversed(value.items())}
    if isinstance(value, list):
        return tuple(backwards(inner) for inner in value)
    return float(value) if type(value) is int else value


@given(PARAMETERS, st.dictionaries(st.text("abc", min_size=1, max_size=3), JSON, max_size=3))
def test_the_order_of_fields_and_the_way_to_write_a_number_change_nothing(
    parameters: dict[str, Any], extra: dict[str, Any]
) -> None:
    message = {**extra, "role": "user", "content": "Hi"}
    assert key([message], parameters) == key([backwards(message)], backwards(parameters))


@given(PARAMETERS)
def test_a_null_is_as_good_as_absent(parameters: dict[str, Any]) -> None:
    without = {name: value for name, value in parameters.items() if value is not None}
    assert key(parameters={**dict.fromkeys(sorted(ALLOWED)), **parameters}) == key(parameters=without)
    assert key([{**HI[0], "name": None}]) == key(HI)


@given(JSON, JSON)
def test_whatever_is_different_json_is_a_different_request(one: Any, other: Any) -> None:
    same = json.dumps(backwards(one), sort_keys=True) == json.dumps(backwards(other), sort_keys=True)
    assert (key(parameters={"tools": [one]}) == key(parameters={"tools": [other]})) == same
    assert (
        key([{"role": "user", "content": [{"x": one}]}]) == key([{"role": "user", "content": [{"x": other}]}])
    ) == same


def test_a_null_inside_of_a_schema_is_not_absent() -> None:
    assert key(parameters={"tools": [{"default": None}]}) != key(parameters={"tools": [{}]})


@given(st.text(st.characters(codec="utf-8"), max_size=5), st.text(st.characters(codec="utf-8"), max_size=5))
def test_nobody_shares_with_another_caller(one: str, other: str) -> None:
    assert (key(caller=one) == key(caller=other)) == (one == other)
    assert key(caller=one) != key(caller=None)
    assert key(caller=one, across=True) == key(caller=other, across=True)
    assert (key(parameters={"user": one}) == key(parameters={"user": other})) == (one == other)
    assert key(parameters={"user": one}, across=True) == key(parameters={"user": other}, across=True)


def test_a_callers_name_cannot_be_mixed_up_with_the_rest_of_a_request() -> None:
    assert key(caller='a","messages":[]') != key(caller="a")
    assert key([{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]) != key(
        [{"role": "user", "content": "ab"}]
    )


DIFFERENT: dict[str, dict[str, Any]] = {
    "another task": {"task": TaskType.CODE},
    "a capability": {"requires": frozenset({Capability.TOOLS})},
    "speed": {"requires_speed": True},
    "another environment": {"environment": "development"},
    "a provider": {"providers": frozenset({"a"})},
    "all but one provider": {"exclude": frozenset({"a"})},
    "no training": {"allow_training": False},
}
THE_SAME: dict[str, dict[str, Any]] = {
    "another id": {"id": "another"},
    "a hint": {"expected_output": 5},
    "money": {"max_usd": 1.0},
    "time": {"deadline_s": 1.0, "wait_s": 0.0},
    "the way to ask for it": {"cache": True},
}


@pytest.mark.parametrize("fields", DIFFERENT.values(), ids=DIFFERENT)
def test_whoever_wants_somebody_else_to_answer_makes_another_request(fields: dict[str, Any]) -> None:
    assert key(**fields) != key()


@pytest.mark.parametrize("fields", THE_SAME.values(), ids=THE_SAME)
def test_what_an_answer_may_cost_or_take_makes_no_other_request(fields: dict[str, Any]) -> None:
    assert key(**fields) == key()


def test_every_parameter_that_can_shape_an_answer_makes_another_request() -> None:
    shapeless = {name for name in ALLOWED if key(parameters={name: 1}) == key()}
    assert shapeless == {"stream_options", "service_tier", "store", "prompt_cache_key", "modalities"}


CACHING = [make.deployment("a/one", cache=True), make.deployment("b/two")]
OPEN = {"temperature": 0}


def test_without_asking_only_answers_of_deployments_that_allow_it_count() -> None:
    assert allowed(make.request(), OPEN, CACHING) == {"a/one"}
    assert allowed(make.request(), {"temperature": 0.0}, CACHING) == {"a/one"}
    assert allowed(make.request(), OPEN, CACHING[1:]) == frozenset()


NOT_UNLESS_ASKED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "no temperature": ({}, {}),
    "null as temperature": ({}, {"temperature": None}),
    "a temperature": ({}, {"temperature": 0.1}),
    "tools": ({}, {**OPEN, "tools": [{}]}),
    "an image": ({"requires": frozenset({Capability.VISION})}, OPEN),
}


@pytest.mark.parametrize(("fields", "parameters"), NOT_UNLESS_ASKED.values(), ids=NOT_UNLESS_ASKED)
def test_whoever_asks_for_it_gets_it_where_deployments_alone_do_not_bring_it(
    fields: dict[str, Any], parameters: dict[str, Any]
) -> None:
    assert allowed(make.request(**fields), parameters, CACHING) == frozenset()
    assert allowed(make.request(**fields, cache=True), parameters, CACHING) is None


NEVER: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "several answers": ({"cache": True, "choices": 2}, {"n": 2}),
    "log probabilities": ({"cache": True}, {"logprobs": True}),
    "the likeliest tokens": ({"cache": True}, {"top_logprobs": 2}),
    "as the caller wants it": ({"cache": False}, OPEN),
}


@pytest.mark.parametrize(("fields", "parameters"), NEVER.values(), ids=NEVER)
def test_some_requests_have_no_stored_answer_whoever_asks(fields: dict[str, Any], parameters: dict[str, Any]) -> None:
    assert allowed(make.request(**fields), parameters, CACHING) == frozenset()


def test_embeddings_do_not_come_here() -> None:
    assert make.request(operation=Operation.EMBEDDINGS).cache is None
