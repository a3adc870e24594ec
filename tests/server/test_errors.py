"""Every bad request gets an error of OpenAI's shape that says what to change, and costs no provider a call."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llm7router.server.dialects.shape import KINDS
from tests.server.gateway import Gateway, chat_body, error_of
from tests.upstream import Upstream

FUNCTION = {"type": "function", "function": {"name": "lookup"}}


def tool(**function: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "lookup", **function}}


def user(content: Any) -> list[Any]:
    return [{"role": "user", "content": content}]


def nested(levels: int) -> bytes:
    return b'{"messages": ' + b"[" * levels + b"]" * levels + b"}"


NOT_AN_OBJECT = {
    "nothing": (b"", "is not JSON (line 1, column 1)"),
    "an open brace": (b"{\n  ", "is not JSON (line 2, column 3)"),
    "no UTF-8": (b'{"model": "\xff"}', "is not JSON"),
    "NaN": (b'{"temperature": NaN}', "is not JSON"),
    "a number of 5000 digits": (b'{"seed": ' + b"9" * 5000 + b"}", "is not JSON"),
    "a number beyond any": (b'{"temperature": 1e999}', "is not JSON"),
    "a list": (b"[]", "must be a JSON object, not list"),
    "a text": (b'"hi"', "must be a JSON object, not str"),
    "null": (b"null", "must be a JSON object, not NoneType"),
    "65 levels": (nested(65), "nested deeper than 64 levels; flatten it"),
    "40,000 levels": (nested(40_000), "is not JSON"),
}


@pytest.mark.parametrize(("content", "says"), NOT_AN_OBJECT.values(), ids=NOT_AN_OBJECT)
def test_a_body_that_is_no_json_object_says_where(serving: Gateway, content: bytes, says: str) -> None:
    response = serving.post("/v1/chat/completions", content=content)
    assert (response.status_code, error_of(response)["code"]) == (400, "invalid_json")
    assert says in error_of(response)["message"]


WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "a model that is a number": ({"model": 3}, "model", "must be a name"),
    "no messages": ({"messages": None}, "messages", "must be a list of messages"),
    "an empty list of messages": ({"messages": []}, "messages", "must be a list of messages"),
    "messages that are text": ({"messages": "hi"}, "messages", "must be a list of messages"),
    "a message that is a number": ({"messages": [3]}, "messages[0]", "with a role"),
    "an unknown role": ({"messages": [{"role": "bard"}]}, "messages[0]", "system, developer, user"),
    "a message that says nothing": ({"messages": [{"role": "user"}]}, "messages[0].content", "is missing"),
    "content that is a number": ({"messages": user(3)}, "messages[0].content", "text or a list of parts"),
    "a part without a type": ({"messages": user([{}])}, "messages[0].content[0]", "with a type"),
    "a part of an unknown type": (
        {"messages": user([{"type": "smell"}])},
        "messages[0].content[0].type",
        "one of text, image_url",
    ),
    "a text part without text": (
        {"messages": user([{"type": "text"}])}, "messages[0].content[0].text", "must be text"),
    "an image without an address": (
        {"messages": user([{"type": "image_url", "image_url": {}}])}, "messages[0].content[0].image_url", "url"),
    "half of a character": ({"messages": user("\ud800")}, "messages", "surrogates not allowed"),
    "more messages than allowed": ({"messages": user("x") * 2001}, "messages", "more than 2000 messages"),
    "a stream that is a word": ({"stream": "yes"}, "stream", "true or false"),
    "stream_options that are a number": ({"stream_options": 3}, "stream_options", "include_usage"),
    "a number that no provider could mean": (
        {"temperature": 1.5e308}, "temperature", "from -1000000000 to 1000000000 (given: 1.5e+308)"),
    "a number of many digits": ({"temperature": 10**20}, "temperature", "(given: a number of more than 15 digits)"),
    "max_tokens below 1": ({"max_tokens": 0}, "max_tokens", "at least 1"),
    "n below 1": ({"n": 0}, "n", "at least 1"),
    "tools that are text": ({"tools": "x"}, "tools", "list of tools"),
    "a tool without a function": ({"tools": [{"type": "function"}]}, "tools[0]", '"function": {"name"'),
    "a tool with an empty name": ({"tools": [tool(name="")]}, "tools[0]", '"function": {"name"'),
    "a tool of another type": ({"tools": [{**FUNCTION, "type": "web_search"}]}, "tools", "can cost extra"),
    "a tool schema that is text": (
        {"tools": [tool(parameters="none")]}, "tools[0].function.parameters", "must be a JSON schema"),
    "a tool schema of another type": (
        {"tools": [tool(parameters={"type": "string"})]}, "tools[0].function.parameters", '"type": "object"'),
    "a response_format that is text": ({"response_format": "json"}, "response_format", "json_object"),
    "a json_schema without a schema": (
        {"response_format": {"type": "json_schema"}}, "response_format.json_schema", '"schema": {...}'),
    "a tier that costs more": ({"service_tier": "priority"}, "service_tier", "can cost extra"),
    "our own field as a number": ({"llm7router": 3}, "llm7router", "must be an object"),
    "our own field with a typo": ({"llm7router": {"speed": 1}}, "llm7router", "use task_type"),
    "another caller": ({"llm7router": {"caller": "boss"}}, "llm7router", "llm7router.caller is unknown"),
    "an id of a request": ({"llm7router": {"request_id": "x"}}, "llm7router", "llm7router.request_id is unknown"),
    "models that can be compared": (
        {"llm7router": {"interchangeable": True}}, "llm7router", "llm7router.interchangeable is unknown"),
    "a deadline that is text": ({"llm7router": {"deadline_s": "1"}}, "llm7router.deadline_s", "right kind"),
}  # fmt: skip


@pytest.mark.parametrize(("fields", "param", "says"), WRONG.values(), ids=WRONG)
def test_a_field_that_is_wrong_is_named(
    serving: Gateway, answering: Upstream, fields: dict[str, Any], param: str, says: str
) -> None:
    calls = answering.count
    response = serving.post("/v1/chat/completions", content=json.dumps(chat_body() | fields).encode())
    error = error_of(response)
    assert (response.status_code, error["type"], error["param"]) == (400, "invalid_request_error", param)
    assert says in error["message"]
    assert answering.count == calls


def test_a_dry_run_takes_no_more_messages_than_an_answer(serving: Gateway) -> None:
    response = serving.post("/v1/route", {"messages": user("x") * 2001})
    assert (response.status_code, error_of(response)["param"]) == (400, "messages")


@pytest.mark.parametrize("name", KINDS)
def test_a_parameter_of_the_wrong_kind_is_named_and_null_is_as_good_as_absent(shared: Gateway, name: str) -> None:
    error = error_of(shared.chat(**{name: [[]]}))
    assert (error["param"].removesuffix("[0]"), error["type"]) == (name, "invalid_request_error")
    assert shared.chat(**{name: None}).status_code == 200


def test_a_whole_number_may_be_written_with_a_point(shared: Gateway, answering: Upstream) -> None:
    assert shared.chat(max_tokens=100.0, temperature=0.5, seed=1.0).status_code == 200
    assert {answering.last.body[name] for name in ("max_tokens", "temperature", "seed")} == {100, 0.5, 1}


@pytest.mark.parametrize(
    ("model", "near"),
    [("autp", "'auto'"), ("alpha/n", "'alpha/m'"), ("ALPHA", "'alpha'"), ("auto:reasonning", "'auto:reasoning'")],
)
def test_an_unknown_model_is_answered_with_the_nearest_names(serving: Gateway, model: str, near: str) -> None:
    response = serving.chat(model=model)
    error = error_of(response)
    assert (response.status_code, error["code"], error["param"]) == (404, "model_not_found", "model")
    assert near in error["message"]
    assert error_of(serving.client.get(f"/v1/models/{model}"))["message"] == error["message"]


@pytest.mark.parametrize("model", ["gpt-4o", "autp"])
def test_a_program_that_insists_on_a_name_is_sent_to_the_aliases(shared: Gateway, model: str) -> None:
    assert error_of(shared.chat(model=model))["message"].endswith(
        "'auto' takes whoever serves best, and `aliases` in router.yaml add names"
    )


def test_a_prompt_that_fits_nowhere_says_by_how_much_and_is_not_worth_another_try(serving: Gateway) -> None:
    response = serving.chat("x" * 120_000)
    error = error_of(response)
    assert (response.status_code, error["code"], error["param"]) == (400, "context_length_exceeded", "messages")
    assert "about 40020 tokens" in error["message"]
    assert "has 32000; send less" in error["message"]
    assert response.headers["x-should-retry"] == "false"


@pytest.mark.parametrize(
    ("context", "says"),
    [
        ({"task_type": "nonsense"}, "use one of auto, chat"),
        ({"providers": ["alpja"]}, "did you mean 'alpha'?"),
        ({"requires": ["nonsense"]}, "use one of streaming"),
    ],
)
def test_a_context_that_names_what_is_not_there_says_what_is(
    serving: Gateway, context: dict[str, Any], says: str
) -> None:
    response = serving.chat(llm7router=context)
    assert response.status_code == 400
    assert says in error_of(response)["message"]


def test_what_providers_refuse_twice_is_the_clients_to_change_and_hurts_nobody(
    upstream: Upstream, beta: Upstream
) -> None:
    for refusing in (upstream, beta):
        refusing.always("status", 400, "temperature must be at most 2")
    with Gateway({"alpha": upstream, "beta": beta}) as gateway:
        before = gateway.stats()["health"]
        for _ in range(4):
            response = gateway.chat(temperature=99)
            error = error_of(response)
            assert (response.status_code, error["code"]) == (400, "rejected_by_provider")
            assert response.headers["x-should-retry"] == "false"
            assert "temperature must be at most 2" in error["message"]
            assert [attempt["failure"] for attempt in error["llm7router"]["attempts"]] == ["request rejected"] * 2
        assert gateway.stats()["health"] == pytest.approx(before, rel=1e-3)
        assert gateway.stats()["state"] == "available"


def test_a_request_that_litellm_refuses_to_send_hurts_nobody(serving: Gateway, answering: Upstream) -> None:
    before, calls = serving.stats()["health"], answering.count
    for _ in range(4):
        response = serving.post("/v1/chat/completions", {"messages": user([{"type": "refusal", "refusal": "no"}])})
        assert (response.status_code, error_of(response)["code"]) == (400, "rejected_by_provider")
    assert serving.stats()["health"] == pytest.approx(before, rel=1e-3)
    assert answering.count == calls


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/chat/completions", "/v1/route"])
def test_paths_with_and_without_v1_answer(shared: Gateway, path: str) -> None:
    assert shared.post(path, chat_body()).status_code == 200


def test_an_unknown_path_points_to_the_document(serving: Gateway) -> None:
    response = serving.client.get("/v1/nothing")
    assert (response.status_code, error_of(response)["code"]) == (404, "unknown_url")
    assert "/openapi.json" in error_of(response)["message"]


@pytest.mark.parametrize(("method", "path", "allowed"), [
    ("GET", "/v1/chat/completions", "POST"), ("DELETE", "/v1/chat/completions", "POST"),
    ("POST", "/v1/models", "GET"), ("PATCH", "/stats", "GET"), ("OPTIONS", "/healthz", "GET"), ("POST", "/readyz", "GET"),
])  # fmt: skip
def test_a_method_that_a_path_does_not_have_is_answered_with_those_it_has(
    serving: Gateway, method: str, path: str, allowed: str
) -> None:
    response = serving.client.request(method, path, json={})
    assert (response.status_code, error_of(response)["code"]) == (405, "method_not_allowed")
    assert allowed in response.headers["allow"]


@pytest.mark.parametrize("kind", [LookupError, TypeError, ValueError])
def test_a_fault_of_the_gateway_is_a_500_that_says_nothing_of_itself(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, kind: type[Exception]
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise kind("a secret in a message")

    with Gateway({"alpha": upstream}) as gateway:
        for name, ask in {
            "complete": lambda: gateway.chat(),
            "stream": lambda: gateway.chat(stream=True),
            "stats": lambda: gateway.client.get("/stats"),
        }.items():
            with monkeypatch.context() as patch:
                patch.setattr(gateway.router, name, broken)
                response = ask()
            error = error_of(response)
            assert (response.status_code, error["type"], error["code"]) == (500, "server_error", "internal_error")
            assert "secret" not in response.text
        assert gateway.chat().status_code == 200
    assert kind.__name__ in caplog.text
    assert "secret" not in caplog.text
