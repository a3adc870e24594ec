"""Stored answers over HTTP, from real providers' answers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest

from tests.server.gateway import Gateway, error_of, events_of, said
from tests.upstream import Upstream
from tests.upstream_behaviours import completion, json_body, stream, tool_call

OTHER = "sk-llm7-the-key-of-somebody-else"
ASK = {"llm7router": {"cache": True}}
TOOLS = [{"type": "function", "function": {"name": "now", "parameters": {"type": "object", "properties": {}}}}]


@pytest.fixture
def gateway(shared: Gateway, upstream: Upstream) -> Iterator[Gateway]:
    """One of its own, with a second caller; `shared` has made LiteLLM warm."""
    keys = [{"name": "other", "sha256": hashlib.sha256(OTHER.encode()).hexdigest()}]
    with Gateway({"alpha": upstream}, server={"keys": keys}) as running:
        yield running


def test_the_second_answer_is_the_first_ones_with_an_id_of_its_own(gateway: Gateway, upstream: Upstream) -> None:
    first, second = gateway.chat(**ASK), gateway.chat(**ASK)
    assert upstream.count == 1
    assert "x-llm7router-cached" not in first.headers
    assert second.headers["x-llm7router-cached"] == "true"
    assert second.headers["x-llm7router-provider"] == "alpha/m"
    assert second.headers["x-llm7router-attempts"] == "0"
    assert second.headers["x-request-id"] != first.headers["x-request-id"]
    one, two = first.json(), second.json()
    assert one["choices"] == two["choices"]
    assert (one["model"], one["usage"]) == (two["model"], two["usage"])
    assert one["id"] != two["id"]
    assert two["id"].removeprefix("chatcmpl-") in second.headers["x-request-id"]


def test_without_asking_each_request_is_sent(gateway: Gateway, upstream: Upstream) -> None:
    for _ in range(2):
        assert "x-llm7router-cached" not in gateway.chat(temperature=0).headers
    assert upstream.count == 2


def test_a_stream_can_be_stored_and_given_in_any_api(gateway: Gateway, upstream: Upstream) -> None:
    first = gateway.events(stream_options={"include_usage": True}, **ASK)
    with gateway.streaming(stream_options={"include_usage": True}, **ASK) as response:
        again = events_of(response.read().decode())
    assert response.headers["x-llm7router-cached"] == "true"
    assert said(again) == said(first) != ""
    assert again[-1] == "[DONE]"
    assert again[-2]["usage"] == first[-2]["usage"]
    assert [event["choices"][0]["finish_reason"] for event in again[:-2]][-1] == "stop"
    assert again[0]["id"] != first[0]["id"]
    body: dict[str, Any] = {"model": "auto", "input": "Hello", **ASK}
    responses = [gateway.post("/v1/responses", body) for _ in range(2)]
    assert responses[-1].headers["x-llm7router-cached"] == "true"
    assert responses[0].json()["output"][0]["content"] == responses[1].json()["output"][0]["content"]
    body = {"model": "auto", "max_tokens": 50, "messages": [{"role": "user", "content": "Hello"}], **ASK}
    messages = [gateway.post("/v1/messages", body) for _ in range(2)]
    assert messages[0].json()["content"] == messages[1].json()["content"]
    assert messages[1].headers["x-llm7router-cached"] == "true"
    assert upstream.count <= 3


def test_tools_are_cached_for_whoever_asks_and_come_back_as_calls(gateway: Gateway, upstream: Upstream) -> None:
    called = completion(None, finish_reason="tool_calls", tool_calls=[tool_call("now", "{}")])
    upstream.always(json_body(called))
    first, second = gateway.chat(tools=TOOLS, **ASK), gateway.chat(tools=TOOLS, **ASK)
    assert second.headers["x-llm7router-cached"] == "true"
    calls = [each.json()["choices"][0]["message"]["tool_calls"] for each in (first, second)]
    assert calls[0] == calls[1]
    assert second.json()["choices"][0]["finish_reason"] == "tool_calls"
    events = gateway.events(tools=TOOLS, **ASK)
    (fragment,) = [call for event in events[:-1] for call in event["choices"][0]["delta"].get("tool_calls") or ()]
    assert fragment == {**calls[0][0], "index": 0}
    assert upstream.count == 1


@pytest.mark.parametrize("said", ["length", "model_length"])
def test_an_answer_that_was_cut_at_its_length_is_not_stored(gateway: Gateway, upstream: Upstream, said: str) -> None:
    upstream.always(json_body(completion("Hel", finish_reason=said)))
    for _ in range(2):
        assert gateway.chat(**ASK).json()["choices"][0]["finish_reason"] == "length"
    upstream.always(stream([{"content": "Hel"}], finish_reason=said))
    for _ in range(2):
        assert gateway.events(**ASK)[-2]["choices"][0]["finish_reason"] == "length"
    assert upstream.count == 4


def test_one_caller_never_gets_what_another_one_asked_for(gateway: Gateway, upstream: Upstream) -> None:
    gateway.chat(**ASK)
    others = gateway.chat(headers={"authorization": f"Bearer {OTHER}"}, **ASK)
    assert "x-llm7router-cached" not in others.headers
    assert upstream.count == 2


def test_anything_but_true_or_false_is_the_clients_fault(gateway: Gateway) -> None:
    for value in (1, "yes", None, 60):
        response = gateway.chat(llm7router={"cache": value})
        assert (response.status_code, error_of(response)["param"]) == (400, "llm7router.cache")


def test_figures_tell_stored_answers_from_calls(gateway: Gateway) -> None:
    for _ in range(3):
        gateway.chat(**ASK)
    page = gateway.client.get("/metrics").text
    assert 'llm7router_cached_total{model="m",provider="alpha"} 2.0' in page
    assert 'llm7router_attempts_total{model="m",outcome="ok",provider="alpha"} 1.0' in page
    assert 'llm7router_tokens_total{model="m",provider="alpha",type="output"}' in page
    usage = gateway.chat(**ASK).json()["usage"]
    assert f'provider="alpha",type="output"}} {usage["completion_tokens"]}.0' in page, "of the one call"
