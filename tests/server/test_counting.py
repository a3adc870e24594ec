"""Anthropic's count of tokens: estimated here, so that it costs nobody a call."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from tests.server.gateway import Gateway
from tests.upstream import Upstream

PATH = "/v1/messages/count_tokens"
TOOL = {"name": "weather", "description": "Tells it", "input_schema": {"type": "object", "properties": {}}}


def body(text: str = "Hello", **fields: Any) -> dict[str, Any]:
    return {"model": "auto", "messages": [{"role": "user", "content": text}], **fields}


def counted(gateway: Gateway, **fields: Any) -> int:
    response = gateway.post(PATH, body(**fields))
    assert response.status_code == 200, response.text
    assert set(response.json()) == {"input_tokens"}
    tokens = response.json()["input_tokens"]
    assert isinstance(tokens, int)
    return tokens


def test_all_that_is_sent_is_counted_and_nobody_is_called(serving: Gateway, answering: Upstream) -> None:
    calls = answering.count
    short = counted(serving)
    assert 1 < short < 50
    assert counted(serving, text="word " * 1000) - short == pytest.approx(1667, abs=5)  # three bytes a token
    assert counted(serving, system="Be brief. " * 100) > short + 300
    assert counted(serving, tools=[TOOL]) > short + 20
    assert answering.count == calls


def test_it_is_what_the_router_plans_with(shared: Gateway) -> None:
    planned = shared.post("/v1/route", {"messages": body("Hello there")["messages"]}).json()["prompt_tokens"]
    assert counted(shared, text="Hello there") == planned


@pytest.mark.parametrize(
    ("fields", "status", "kind"),
    [
        ({"messages": []}, 400, "invalid_request_error"),
        ({"model": "autp"}, 404, "not_found_error"),
        ({"messages": [{"role": "user", "content": "x"}] * 2001}, 400, "invalid_request_error"),
    ],
    ids=["no messages", "an unknown model", "too many messages"],
)
def test_errors_are_anthropics(serving: Gateway, fields: dict[str, Any], status: int, kind: str) -> None:
    response = serving.post(PATH, body() | fields)
    assert (response.status_code, response.json()["type"], response.json()["error"]["type"]) == (status, "error", kind)
    assert response.headers["x-request-id"].startswith("req_")


def test_a_key_counts_for_its_models_only(upstream: Upstream) -> None:
    ann = {"name": "ann", "sha256": hashlib.sha256(b"ann").hexdigest(), "models": ["auto"]}
    with Gateway({"alpha": upstream}, server={"keys": [ann]}) as gateway:
        for model, status in (("auto", 200), ("alpha/m", 403)):
            response = gateway.post(PATH, body(model=model), headers={"x-api-key": "ann", "authorization": ""})
            assert response.status_code == status
