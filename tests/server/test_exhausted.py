"""When nobody can serve: the answer comes at once, says when to come back, what was tried, and whether it is worth it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from typing import Any

import pytest

from llm7router.testing import ScriptedBackend
from llm7router.types import Failure
from tests.guard import CANARY
from tests.router import scene
from tests.server.gateway import Gateway, error_of
from tests.upstream import Upstream

MINUTE = [{"unit": "requests", "window": "minute", "max": 2}]


def limited(upstream: Upstream, **keys: Any) -> dict[str, Any]:
    return scene.provider(base_url=upstream.base_url, api_key=CANARY, limits=MINUTE, **keys)


@pytest.fixture(params=[False, True], ids=["whole", "stream"])
def stream(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def pair(shared: Gateway, upstream: Upstream, beta: Upstream) -> Iterator[Gateway]:
    """`alpha` first, `beta` next."""
    with Gateway({"alpha": upstream, "beta": beta}) as gateway:
        yield gateway


def test_limits_of_our_own_are_a_429_with_the_earliest_recovery(upstream: Upstream, stream: bool) -> None:
    with Gateway({"alpha": limited(upstream)}) as gateway:
        for _ in range(2):
            assert gateway.chat(stream=stream).status_code == 200
        started = time.monotonic()
        response = gateway.chat(stream=stream)
        error = error_of(response)
        assert (response.status_code, error["type"], error["code"]) == (429, "rate_limit_error", "rate_limit_exceeded")
        assert 50 <= int(response.headers["retry-after"]) <= 66
        assert "x-should-retry" not in response.headers
        assert "1 over requests/minute (free in" in error["message"]
        assert time.monotonic() - started < 0.5
    assert upstream.count == 2


def test_429s_of_all_providers_are_one_with_the_shortest_wait(
    pair: Gateway, upstream: Upstream, beta: Upstream, stream: bool
) -> None:
    upstream.always("status", 429, headers={"retry-after": "40"})
    beta.always("status", 429, headers={"retry-after": "20"})
    response = pair.chat(stream=stream)
    error = error_of(response)
    assert (response.status_code, error["code"], response.headers["retry-after"]) == (429, "rate_limit_exceeded", "20")
    attempts = [(a["deployment"], a["failure"], a["status"]) for a in error["llm7router"]["attempts"]]
    assert attempts == [("alpha/m", "rate limited", 429), ("beta/m", "rate limited", 429)]
    assert error["llm7router"]["attempts"][0]["retry_after_s"] == 40
    again = pair.chat(stream=stream)
    assert (again.status_code, again.headers["retry-after"]) == (429, "20")
    assert (upstream.count, beta.count) == (1, 1), "who said when is not asked before"


def test_failures_are_a_503_with_every_attempt(pair: Gateway, upstream: Upstream, beta: Upstream, stream: bool) -> None:
    upstream.always("status", 500, "boiler on fire")
    beta.always("html")
    response = pair.chat(stream=stream)
    error = error_of(response)
    assert (response.status_code, error["type"], error["code"]) == (503, "server_error", "no_provider_available")
    first, second = error["llm7router"]["attempts"]
    assert (first["failure"], first["status"], first["detail"]) == ("server error", 500, "boiler on fire")
    assert second["failure"] == "bad answer"
    assert first["duration_s"] < 1
    assert "x-should-retry" not in response.headers


def test_a_failure_that_may_be_over_is_not_waited_for_as_long_as_anothers_limit(
    pair: Gateway, upstream: Upstream, beta: Upstream, stream: bool
) -> None:
    upstream.always("status", 500)
    beta.always("status", 429, headers={"retry-after": "3000"})
    responses = [pair.chat(stream=stream) for _ in range(6)]
    assert {response.status_code for response in responses} == {503}
    waits = [int(response.headers["retry-after"]) for response in responses]
    assert waits[0] == 1, "the first provider is not known to be down"
    assert pair.stats()["state"] == "open"
    assert 1 < waits[-1] <= 120, (
        "now its breaker is open, at its fourth time for 60 to 120 s, and not the 3000 of the other"
    )


def test_a_breaker_that_this_very_request_opened_is_known_to_be_open(upstream: Upstream) -> None:
    upstream.always("status", 500)
    with Gateway({"alpha": upstream}) as gateway:
        while gateway.stats()["state"] != "open":
            response = gateway.chat()
        assert int(response.headers["retry-after"]) > 1


def test_what_is_too_much_for_everybody_is_not_to_be_sent_again_at_once(upstream: Upstream) -> None:
    large = {"message": "Request too large: Limit 8000, Requested 32979", "code": "rate_limit_exceeded"}
    upstream.always("status", 413, {"error": large})
    with Gateway({"alpha": upstream}) as gateway:
        assert "retry-after" not in gateway.chat().headers


def test_open_breakers_say_when_they_are_tried_again(pair: Gateway, upstream: Upstream, beta: Upstream) -> None:
    for failing in (upstream, beta):
        failing.always("status", 500)
    responses = [pair.chat() for _ in range(6)]
    assert {response.status_code for response in responses} == {503}
    assert int(responses[-1].headers["retry-after"]) >= 1
    assert pair.stats()["state"] == "open"
    ready = pair.client.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (503, "nothing can serve")
    assert pair.client.get("/healthz").status_code == 200


def test_nothing_that_waiting_could_cure_is_not_worth_another_try(upstream: Upstream, stream: bool) -> None:
    without_a_key = scene.provider(base_url=upstream.base_url)
    del without_a_key["api_key"]
    with Gateway({"alpha": {**without_a_key, "api_key_env": "NOBODY_HAS_SET_THIS"}}) as gateway:
        response = gateway.chat(stream=stream)
        assert (response.status_code, response.headers["x-should-retry"]) == (503, "false")
        assert "retry-after" not in response.headers
        assert "NOBODY_HAS_SET_THIS" in error_of(response)["message"]


def test_a_capability_that_nobody_has_is_not_worth_another_try(serving: Gateway) -> None:
    schema = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}
    response = serving.chat(response_format=schema)
    assert (response.status_code, response.headers["x-should-retry"]) == (503, "false")
    assert "1 without json_schema" in error_of(response)["message"]


def test_a_key_that_every_provider_rejects_names_it(upstream: Upstream) -> None:
    upstream.always("status", 401)
    with Gateway({"alpha": upstream}) as gateway:
        error = error_of(gateway.chat())
        assert error["llm7router"]["attempts"][0]["failure"] == "key rejected"
        upstream.always("answer")
        refused = gateway.chat()
        assert refused.status_code == 503
        assert upstream.count == 1
        assert CANARY not in refused.text


def test_all_remote_providers_down_end_at_the_model_on_this_machine(stream: bool) -> None:
    backend = ScriptedBackend({"alpha/m": Failure.UNREACHABLE, "local/m": "from here"})
    local = {"kind": "llama_cpp", "models": [{**scene.model(quality={"chat": 1}), "path": "none.gguf"}]}
    with Gateway({"alpha": "http://127.0.0.1:1/v1", "local": local}, backend=backend) as gateway:
        response = gateway.chat(stream=stream)
        assert response.status_code == 200
        assert "from" in response.text
        assert response.headers["x-llm7router-provider"] == "local/m"
        assert response.headers["x-llm7router-attempts"] == "2"


def test_all_remote_and_the_local_model_down_say_when_the_first_is_tried_again() -> None:
    backend = ScriptedBackend({"alpha/m": Failure.SERVER_ERROR, "local/m": Failure.LOCAL_BROKEN})
    local = {"kind": "llama_cpp", "models": [{**scene.model(quality={"chat": 1}), "path": "none.gguf"}]}
    with Gateway({"alpha": "http://127.0.0.1:1/v1", "local": local}, backend=backend) as gateway:
        responses = [gateway.chat() for _ in range(5)]
        assert {response.status_code for response in responses} == {503}
        assert int(responses[-1].headers["retry-after"]) >= 1


def test_a_caller_may_wait_for_a_limit_if_it_says_so(upstream: Upstream) -> None:
    second = [{"unit": "requests", "window": "second", "max": 1}]
    with Gateway({"alpha": scene.provider(base_url=upstream.base_url, limits=second)}) as gateway:
        codes = [gateway.chat(llm7router={"wait_s": 3}).status_code for _ in range(2)]
        assert codes == [200, 200]
        refused = gateway.chat()
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "2")


def test_a_key_with_limits_of_its_own_is_told_when_they_free_up(upstream: Upstream) -> None:
    ann = {"name": "ann", "sha256": hashlib.sha256(b"ann").hexdigest(), "limits": MINUTE}
    headers = {"authorization": "Bearer ann"}
    with Gateway({"alpha": upstream}, server={"keys": [ann]}) as gateway:
        assert [gateway.chat(headers=headers).status_code for _ in range(3)] == [200, 200, 429]
        refused = gateway.chat(headers=headers, stream=True)
        assert (refused.status_code, error_of(refused)["code"]) == (429, "rate_limit_exceeded")
        assert 50 <= int(refused.headers["retry-after"]) <= 66
        assert gateway.chat().status_code == 200
    assert upstream.count == 3


def test_a_key_whose_money_is_spent_is_told_so_and_costs_nothing_more(upstream: Upstream) -> None:
    paid = scene.provider(scene.model(cost={"input": 0, "output": 100}), base_url=upstream.base_url, api_key=CANARY)
    budgets = {"ann": {"usd_per_day": 0.25}, "broke": {"usd_per_day": 0}}
    keys = [
        {"name": name, "sha256": hashlib.sha256(name.encode()).hexdigest(), "budget": budget}
        for name, budget in budgets.items()
    ]
    everybody = {"usd_per_request": 1, "usd_per_day": 10}
    with Gateway({"alpha": paid}, server={"keys": keys}, budget=everybody) as gateway:
        broke = gateway.chat(headers={"authorization": "Bearer broke"}, max_tokens=1)
        assert broke.status_code in (429, 503)
        assert "over budget usd/day of broke" in error_of(broke)["message"]
        assert upstream.count == 0
        responses = [gateway.chat(headers={"authorization": "Bearer ann"}, max_tokens=2500) for _ in range(2)]
        assert [response.status_code for response in responses] == [200, 429]
        assert "over budget usd/day of ann" in error_of(responses[1])["message"]
        assert gateway.chat(max_tokens=2500).status_code == 200
    assert upstream.count == 2
