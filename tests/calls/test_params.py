"""Parameters: which are allowed, how they are prepared, and that each allowed one arrives."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm7router.calls import params
from llm7router.calls.backend import LiteLLMBackend
from tests.calls.helpers import call, deployment, make
from tests.upstream import Upstream

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
EXAMPLES: dict[str, Any] = {
    "temperature": 0.5, "top_p": 0.9, "n": 2, "stop": ["x"], "seed": 7, "max_tokens": 9, "max_completion_tokens": 9,
    "presence_penalty": 0.1, "frequency_penalty": 0.2, "logit_bias": {"1": 1}, "logprobs": True, "top_logprobs": 2,
    "user": "u", "tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "f"}},
    "parallel_tool_calls": False, "reasoning_effort": "low", "stream_options": {"include_usage": True},
    "response_format": {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": SCHEMA}},
    "modalities": ["text"], "service_tier": "auto", "store": True,
    "verbosity": "low", "safety_identifier": "s", "prompt_cache_key": "k", "top_k": 3, "min_p": 0.1,
    "repetition_penalty": 1.1,
}  # fmt: skip


def test_every_allowed_parameter_has_an_example() -> None:
    assert set(EXAMPLES) == params.ALLOWED
    params.check(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
async def test_an_allowed_parameter_arrives_as_it_was_given(
    backend: LiteLLMBackend, upstream: Upstream, name: str, prefix: str, way: str
) -> None:
    given = {name: EXAMPLES[name]} | ({"tools": [TOOL]} if name == "tool_choice" else {})
    await make(backend, way, call(upstream, given, prefix=prefix))
    if name == "stream_options" and way == "whole":  # an error for most servers
        assert name not in upstream.last.body
    else:
        assert upstream.last.body[name] == EXAMPLES[name]


async def test_nothing_is_added_to_the_parameters(
    backend: LiteLLMBackend, upstream: Upstream, prefix: str, way: str
) -> None:
    await make(backend, way, call(upstream, {}, prefix=prefix))
    extra = {"stream", "stream_options"} if way == "stream" else set()
    assert set(upstream.last.body) == {"model", "messages"} | extra


@pytest.mark.parametrize(
    "function",
    [
        pytest.param({"name": "f", "strict": True, "parameters": SCHEMA}, id="both"),
        pytest.param({"name": "f", "strict": True, "parameters": {"type": "object", "properties": {}}}, id="strict"),
        pytest.param({"name": "f", "parameters": SCHEMA}, id="additionalProperties"),
    ],
)
async def test_strict_tools_arrive_strict(
    backend: LiteLLMBackend, upstream: Upstream, function: dict[str, Any], way: str
) -> None:
    tools = [{"type": "function", "function": function}]
    await make(backend, way, call(upstream, {"tools": tools}))
    assert upstream.last.body["tools"] == tools
    assert upstream.last.body["model"] == "m"


async def test_strict_tools_are_sent_once_even_if_rejected(
    backend: LiteLLMBackend, upstream: Upstream, way: str
) -> None:
    tools = [{"type": "function", "function": {"name": "f", "strict": True, "parameters": SCHEMA}}]
    detail = [{"type": "extra_forbidden", "loc": ["body", "temperature"], "msg": "Extra inputs are not permitted"}]
    for body in ({"detail": detail}, {"error": {"message": str({"detail": detail})}}, {"message": {"detail": detail}}):
        before = upstream.count
        upstream.always("status", 422, body)
        await make(backend, way, call(upstream, {"tools": tools, "temperature": 0.1}))
        assert upstream.count == before + 1


@pytest.mark.parametrize(
    "name", ["base_url", "api_base", "api_key", "extra_headers", "headers", "model", "custom_llm_provider", "client",
             "fallbacks", "mock_response", "num_retries", "timeout", "metadata", "litellm_params", "extra_body",
             "litellm_metadata", "stream", "messages", "_skip_mcp_handler", "organization", "aws_region_name", "audio",
             "prediction", "web_search_options"],
)  # fmt: skip
def test_what_is_not_the_callers_is_refused_without_its_value(name: str) -> None:
    with pytest.raises(TypeError, match=f"^{name}: ") as caught:
        params.check({name: "very-secret-value", "temperature": 1})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tools", [{"type": "web_search"}]),
        ("tools", [TOOL, {"type": "web_search_preview"}]),
        ("tools", [{"function": {"name": "f"}}]),
        ("tools", {"type": "function"}),
        ("tools", "function"),
        ("service_tier", "priority"),
        ("service_tier", ["auto"]),
        ("modalities", ["text", "audio"]),
        ("modalities", "audio"),
        ("audio", {"voice": "alloy", "format": "wav"}),
        ("prediction", {"type": "content", "content": "x"}),
        ("web_search_options", {}),
    ],
)
def test_what_could_cost_extra_is_refused(name: str, value: Any) -> None:
    with pytest.raises(TypeError, match=rf"^{name}: .* can cost extra"):
        params.check({"temperature": 1, name: value})


@pytest.mark.parametrize("tier", params.TIERS)
def test_service_tiers_that_cost_no_more_pass(tier: str) -> None:
    params.check({"service_tier": tier, "tools": (TOOL,), "modalities": ("text",), "seed": None})


NESTED: list[Any] = []
NESTED.append(NESTED)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("user", datetime.now(UTC)),
        ("user", b"x"),
        ("user", "\ud800"),
        ("stop", {"x"}),
        ("temperature", float("nan")),
        ("top_p", float("inf")),
        ("temperature", Decimal("0.5")),
        ("tools", [TOOL | {"x": object()}]),
        ("logit_bias", {("a", 1): 1}),
        ("response_format", NESTED),
    ],
)
def test_what_cannot_be_sent_is_the_callers_fault(name: str, value: Any) -> None:
    with pytest.raises(TypeError, match=f"^{name}: "):
        params.check({name: value})
    with pytest.raises(TypeError, match=r"^the third message: "):
        params.check_json(value, "the third message")


TEXTS = st.text('aZ0 "\\\n\0\x7fé漢😀\ud800', max_size=8)  # all characters would be a table of 1 s


@given(st.dictionaries(st.sampled_from(sorted(params.ALLOWED)), st.none() | st.integers() | TEXTS | st.floats()))
def test_preparing_raises_nothing(given_parameters: dict[str, Any]) -> None:
    params.prepare(given_parameters, deployment("http://127.0.0.1:9/v1"), 7)


def test_a_slip_is_answered_with_the_name_that_was_meant() -> None:
    with pytest.raises(TypeError, match=r"^temperatur: unknown parameter; did you mean 'temperature'[?]$"):
        params.check({"temperatur": 1})


def test_every_fault_is_named_at_once() -> None:
    with pytest.raises(TypeError, match=r"api_key: .*; topk: unknown parameter; did you mean 'top_k'"):
        params.check({"api_key": 1, "topk": 2})


def test_max_tokens_is_always_sent_under_one_name() -> None:
    target = deployment("http://127.0.0.1:9/v1")
    assert params.prepare({}, target, 77) == {"max_tokens": 77}
    assert params.prepare({"max_completion_tokens": 500, "max_tokens": 400}, target, 77) == {"max_tokens": 77}


def test_a_deployment_without_max_tokens_gets_its_newer_name() -> None:
    target = deployment("http://127.0.0.1:9/v1", unsupported_params=frozenset({"max_tokens"}))
    assert params.prepare({"max_tokens": 5}, target, 77) == {"max_completion_tokens": 77}


def test_what_a_deployment_rejects_and_what_is_none_is_left_out() -> None:
    target = deployment("http://127.0.0.1:9/v1", unsupported_params=frozenset({"logit_bias"}))
    given = {"logit_bias": {"1": 2}, "seed": None, "top_p": 0.5}
    assert params.prepare(given, target, 7) == {"top_p": 0.5, "max_tokens": 7}
    assert given["logit_bias"] == {"1": 2}
