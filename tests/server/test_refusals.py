"""A refusal is an answer, which every API tells in its own way; nobody else is asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from tests.server.dialects.answers import events
from tests.server.gateway import Gateway
from tests.upstream import Upstream
from tests.upstream_behaviours import completion, event, json_body, stream

SAID = "I cannot help with that."
USER = [{"role": "user", "content": "Hello"}]
BODIES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": USER},
    "/v1/completions": {"prompt": "Hello"},
    "/v1/responses": {"input": "Hello"},
    "/v1/messages": {"messages": USER, "max_tokens": 50},
}


@pytest.fixture
def gateway(shared: Gateway, upstream: Upstream, beta: Upstream) -> Iterator[Gateway]:
    """The first provider refuses, the second would answer; `shared` has made LiteLLM warm."""
    with Gateway({"alpha": upstream, "beta": beta}) as running:
        upstream.always(json_body(completion(None, refusal=SAID)))
        yield running
        assert beta.count == 0


def whole(gateway: Gateway, path: str, **more: Any) -> dict[str, Any]:
    response = gateway.post(path, {"model": "auto", **BODIES[path], **more})
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


def streamed(gateway: Gateway, upstream: Upstream, path: str) -> list[dict[str, Any]]:
    upstream.always(stream([{"refusal": "I cannot "}, {"refusal": "help with that."}]))
    response = gateway.post(path, {"model": "auto", "stream": True, **BODIES[path]})
    assert response.status_code == 200, response.text
    return events(response.content)


def test_chat_completions_have_a_field_for_it(gateway: Gateway, upstream: Upstream) -> None:
    body = whole(gateway, "/v1/chat/completions")
    ChatCompletion.model_validate(body, strict=True)
    (choice,) = body["choices"]
    assert choice["message"] == {"role": "assistant", "content": None, "refusal": SAID}
    assert choice["finish_reason"] == "stop"
    chunks = streamed(gateway, upstream, "/v1/chat/completions")
    for chunk in chunks:
        ChatCompletionChunk.model_validate(chunk)
    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    assert "".join(delta.get("refusal") or "" for delta in deltas) == SAID
    assert not any(delta.get("content") for delta in deltas)


def test_of_several_choices_each_may_be_one(gateway: Gateway, upstream: Upstream) -> None:
    body = completion("Yes.")
    body["choices"] += [{**completion(None, refusal=SAID)["choices"][0], "index": 1}]
    upstream.always(json_body(body))
    choices = whole(gateway, "/v1/chat/completions", n=2)["choices"]
    said = [(choice["message"]["content"], choice["message"]["refusal"]) for choice in choices]
    assert said == [("Yes.", None), (None, SAID)]
    second = {"index": 1, "delta": {"refusal": SAID}, "finish_reason": None}
    upstream.always(stream([{"content": "Yes."}, event({}).replace(
        json.dumps([{"index": 0, "delta": {}, "finish_reason": None}]).encode(), json.dumps([second]).encode())]))  # fmt: skip
    with gateway.streaming(n=2) as response:
        chunks = events(response.read())
    choices = [choice for chunk in chunks for choice in chunk["choices"] if choice["index"] == 1]
    assert "".join(choice["delta"].get("refusal") or "" for choice in choices) == SAID


def test_responses_have_a_part_for_it(gateway: Gateway, upstream: Upstream) -> None:
    body = whole(gateway, "/v1/responses")
    Response.model_validate(body)
    (item,) = body["output"]
    assert (item["type"], item["content"]) == ("message", [{"type": "refusal", "refusal": SAID}])
    told = streamed(gateway, upstream, "/v1/responses")
    for each in told:
        TypeAdapter(ResponseStreamEvent).validate_python(each)
    assert "".join(each["delta"] for each in told if each["type"] == "response.refusal.delta") == SAID
    assert [each["refusal"] for each in told if each["type"] == "response.refusal.done"] == [SAID]
    assert told[-1]["response"]["output"][0]["content"] == item["content"]


def test_messages_have_it_as_text(gateway: Gateway, upstream: Upstream) -> None:
    body = whole(gateway, "/v1/messages")
    assert (body["content"], body["stop_reason"]) == ([{"type": "text", "text": SAID}], "end_turn")
    told = streamed(gateway, upstream, "/v1/messages")
    deltas = [each["delta"] for each in told if each["type"] == "content_block_delta"]
    assert {delta["type"] for delta in deltas} == {"text_delta"}
    assert "".join(delta["text"] for delta in deltas) == SAID


def test_completions_have_it_as_text(gateway: Gateway, upstream: Upstream) -> None:
    assert whole(gateway, "/v1/completions")["choices"][0]["text"] == SAID
    told = streamed(gateway, upstream, "/v1/completions")
    assert "".join(each["choices"][0]["text"] for each in told if each["choices"]) == SAID


@pytest.mark.parametrize("stream_first", [False, True], ids=["whole", "streamed"])
def test_it_is_not_stored(gateway: Gateway, upstream: Upstream, stream_first: bool) -> None:
    if stream_first:
        upstream.always(stream([{"content": "Well. "}, {"refusal": SAID}]))
    else:
        upstream.always(json_body(completion("Well. ", refusal=SAID)))
    for _ in range(2):
        response = gateway.chat(stream=stream_first, llm7router={"cache": True})
        assert SAID in response.text
        assert "x-llm7router-cached" not in response.headers
    assert upstream.count == 2
