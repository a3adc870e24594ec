"""The 28 fault scenarios, F1 to F28: each that a provider can cause is played through the gateway, and every one has a
test somewhere, which `COVERED_BY` names.

Here the first provider misbehaves and the second answers: the client notices nothing, whole or streamed.
"""

from __future__ import annotations

import ast
import asyncio
import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.readme_tables import ROOT
from tests.router import scene
from tests.server.gateway import Gateway, events_of, said
from tests.upstream import Exchange, Upstream, refusing_url
from tests.upstream_behaviours import (
    SSE,
    Behaviour,
    comments_forever,
    completion,
    endless,
    error_event,
    html,
    json_body,
    raw,
    reset,
    reset_in_body,
    slow_bytes,
    stall,
    status,
    stream,
)

GROQ_LARGE = {
    "error": {
        "message": "Request too large for model `X` on tokens per minute (TPM): Limit 8000, Requested 32979",
        "type": "tokens",
        "code": "rate_limit_exceeded",
    }
}


def written(*pieces: bytes, cut: bool = False) -> Behaviour:
    """These bytes, as they are, and the end of the connection."""

    async def act(exchange: Exchange) -> None:
        for piece in pieces:
            await exchange.send(piece)
            await asyncio.sleep(0.01)
        exchange.keep_alive = False
        if cut:
            exchange.reset()

    return act


def bomb() -> Behaviour:
    """64 MB of white space in 64 kB."""
    packed = gzip.compress(b" " * 2**26)
    return raw(packed, headers={"content-encoding": "gzip"})


HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
BODY = json.dumps(completion()).encode()
SPLIT = [("F11", f"JSON that ends after {at} bytes", raw(BODY[:at])) for at in (1, 40, len(BODY) - 1)]
FAULTS: list[tuple[str, str, Behaviour]] = [
    ("F3", "a reset before the head", reset()),
    ("F4", "a reset in the middle of the head", written(b"HTTP/1.1 200 OK\r\ncontent-ty", cut=True)),
    ("F4", "a reset in the middle of the body", reset_in_body()),
    ("F5", "an error inside of a 200", written(HEAD + b"content-length: 38\r\n\r\n" + b'{"error": {"message": "x", "code": 1}} ')),
    ("F9", "silence", stall()),
    ("F10", "a byte at a time", slow_bytes()),
    ("F11", "a length that is too long", written(HEAD + b"content-length: 9999\r\n\r\n" + BODY)),
    ("F11", "a length that is too short", written(HEAD + b"content-length: 20\r\n\r\n" + BODY)),
    ("F11", "bad chunks", written(HEAD + b"transfer-encoding: chunked\r\n\r\nzz\r\n" + BODY)),
    ("F11", "a page with status 200", html()),
    ("F11", "no UTF-8", raw(b'{"choices": "\xff\xfe"}')),
    *SPLIT,
    ("F12", "a 500", status(500)),
    ("F12", "a 502 page", html(502)),
    ("F13", "a 429 with seconds", status(429, headers={"retry-after": "2"})),
    ("F13", "a 429 with nothing", status(429)),
    ("F13", "a 429 for ten years", status(429, headers={"retry-after": "315360000"})),
    ("F13", "a 429 for less than nothing", status(429, headers={"retry-after": "-5"})),
    ("F13", "a 429 for NaN", status(429, headers={"retry-after": "NaN"})),
    ("F15", "a 401", status(401)),
    ("F16", "a model that is gone", status(404)),
    ("F17", "Groq's 413", status(413, GROQ_LARGE)),
    ("F18", "an empty answer", json_body(completion(""))),
    ("F18", "no choices", json_body({"id": "x", "choices": []})),
    ("F19", "a gzip bomb", bomb()),
    ("F19", "a body without an end", endless()),
]  # fmt: skip
STREAMS: list[tuple[str, str, Behaviour]] = [
    ("F5", "an error as the first event", stream([error_event()], done=False)),
    ("F6", "a role, then a cut", stream([], end="reset")),
    ("F8", "keep-alives alone", comments_forever()),
    ("F9", "silence after the role", stream([], end="stall")),
    ("F11", "bad chunks in a stream", written(b"HTTP/1.1 200 OK\r\n" + "".join(
        f"{name}: {value}\r\n" for name, value in SSE.items()).encode() + b"\r\nzz\r\n")),
    ("F19", "a line without an end", endless(b"data: " + b"x" * 65536, {"content-type": "text/event-stream"})),
]  # fmt: skip
COVERED_BY = {
    "F1": "tests/server/test_scenarios.py::test_a_refused_connection_is_failed_over",
    "F2": "tests/calls/test_transport.py::test_a_host_that_does_not_accept_is_given_up_early",
    "F3": "tests/server/test_scenarios.py::test_a_fault_of_the_first_provider_is_not_noticed",
    "F4": "tests/server/test_scenarios.py::test_a_fault_of_the_first_provider_is_not_noticed",
    "F5": "tests/server/test_scenarios.py::test_a_fault_of_the_first_provider_is_not_noticed",
    "F6": "tests/server/test_scenarios.py::test_a_fault_of_the_first_provider_is_not_noticed",
    "F7": "tests/server/test_streaming.py::test_content_that_is_cut_off_ends_with_one_error_and_no_done",
    "F8": "tests/server/test_scenarios.py::test_a_fault_of_the_first_provider_is_not_noticed",
    "F9": "tests/server/test_streaming.py::test_a_stall_after_the_first_content_ends_with_an_error",
    "F10": "tests/server/test_scenarios.py::test_a_fault_of_the_first_provider_is_not_noticed",
    "F11": "tests/server/test_scenarios.py::test_a_fault_of_the_first_provider_is_not_noticed",
    "F12": "tests/server/test_scenarios.py::test_every_request_is_answered_while_half_of_one_provider_fails",
    "F13": "tests/server/test_exhausted.py::test_429s_of_all_providers_are_one_with_the_shortest_wait",
    "F14": "tests/state/test_learn.py::test_a_refusal_long_before_the_limit_lowers_it_and_it_grows_back",
    "F15": "tests/server/test_exhausted.py::test_a_key_that_every_provider_rejects_names_it",
    "F16": "tests/server/test_scenarios.py::test_a_model_that_is_gone_is_not_asked_for_again",
    "F17": "tests/server/test_scenarios.py::test_who_finds_one_request_too_large_gets_the_next",
    "F18": "tests/server/test_streaming.py::test_why_an_answer_ended_is_passed_on",
    "F19": "tests/server/test_scenarios.py::test_a_fault_of_the_first_provider_is_not_noticed "
    "tests/calls/test_transport.py::test_an_answer_is_bounded",
    "F20": "tests/calls/test_failures.py::test_an_unknown_host_was_never_sent "
    "tests/calls/test_failures.py::test_a_certificate_that_nobody_vouches_for_ends_before_anything_is_sent",
    "F21": "tests/server/test_exhausted.py::test_all_remote_and_the_local_model_down_say_when_the_first_is_tried_again",
    "F22": "tests/state/test_processes.py::test_the_lease_of_a_killed_worker_frees_up_when_it_ends_and_not_before",
    "F23": "tests/server/test_service.py::test_told_to_stop_it_lets_50_streams_end_and_does_not_wait_for_the_dashboard",
    "F24": "tests/server/test_reload.py::test_edits_in_the_middle_of_traffic_take_effect_and_fail_nobody",
    "F25": "tests/state/test_redis.py::test_a_paused_server_is_given_up_after_a_quarter_second",
    "F26": "tests/faults/test_whole_router.py::test_clock_a_jump_between_two_attempts_of_one_request_makes_no_room",
    "F27": "tests/state/test_windows.py::test_a_pacific_day_is_as_long_as_the_clocks_make_it",
    "F28": "tests/faults/test_saturated.py::"
    "test_a_saturated_day_uses_97_percent_of_what_the_limits_allow_without_a_429_of_ours",
}


CASES = [(name, behaviour, streamed) for _, name, behaviour in FAULTS for streamed in (False, True)]
CASES += [(name, behaviour, True) for _, name, behaviour in STREAMS]
IDS = [f"{f} {name}, {way}" for f, name, _ in FAULTS for way in ("whole", "stream")]
IDS += [f"{f} {name}, stream" for f, name, _ in STREAMS]


@pytest.fixture(scope="module")
def faulty() -> Iterator[Upstream]:
    """The upstream of all faults: `m0` has the first, and so on."""
    with Upstream() as running:
        for number, (_, behaviour, _) in enumerate(CASES):
            running.always(behaviour, model=f"m{number}")
        yield running


@pytest.fixture(scope="module")
def gateway(shared: Gateway, faulty: Upstream, answering: Upstream) -> Iterator[Gateway]:
    """A provider for each fault, with half a second for an attempt, and `beta`. `shared` has made LiteLLM warm."""
    able = {"quality": {"chat": 5}}
    providers: dict[str, Any] = {
        f"f{number}": scene.provider(scene.model(f"m{number}", **able), base_url=faulty.base_url)
        for number in range(len(CASES))
    }
    providers["beta"] = scene.provider(scene.model(quality={"chat": 1}), base_url=answering.base_url)
    with Gateway(providers, timeouts={"first_token_s": 0.5, "attempt_s": 0.5, "total_s": 10}) as running:
        yield running
        assert running.idle()


def assert_beta_answers(gateway: Gateway, first: str, *, streamed: bool) -> None:
    """The second provider's answer, in one piece, and no word of the first."""
    response = gateway.chat(stream=streamed, llm7router={"providers": [first, "beta"]})
    assert response.status_code == 200, response.text
    assert response.headers["x-llm7router-provider"] == "beta/m"
    assert response.headers["x-llm7router-attempts"] == "2"
    assert f"{first}/" not in response.text
    events = events_of(response.text)
    assert (said(events) if streamed else response.json()["choices"][0]["message"]["content"]).strip() == "Hello!"


@pytest.mark.parametrize("number", range(len(CASES)), ids=IDS)
def test_a_fault_of_the_first_provider_is_not_noticed(gateway: Gateway, faulty: Upstream, number: int) -> None:
    assert_beta_answers(gateway, f"f{number}", streamed=CASES[number][2])
    sent = [request for request in faulty.requests if request.model == f"m{number}"]
    assert len(sent) == 1, "nothing is sent twice"


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
def test_a_refused_connection_is_failed_over(shared: Gateway, beta: Upstream, streamed: bool) -> None:
    with refusing_url() as url, Gateway({"alpha": url, "beta": beta}) as gateway:
        assert_beta_answers(gateway, "alpha", streamed=streamed)


def test_a_model_that_is_gone_is_not_asked_for_again(shared: Gateway, upstream: Upstream, beta: Upstream) -> None:
    upstream.always("status", 404)
    with Gateway({"alpha": upstream, "beta": beta}) as gateway:
        assert [gateway.chat().status_code for _ in range(3)] == [200] * 3
        state = gateway.stats()
    assert (upstream.count, beta.count) == (1, 3)
    assert (state["state"], state["reason"]) == ("blocked", "model gone")


def test_who_finds_one_request_too_large_gets_the_next(shared: Gateway, upstream: Upstream, beta: Upstream) -> None:
    upstream.script("m", [("status", 413, GROQ_LARGE), "answer"])
    with Gateway({"alpha": upstream, "beta": beta}) as gateway:
        served = [gateway.chat().headers["x-llm7router-provider"] for _ in range(2)]
    assert served == ["beta/m", "alpha/m"], "it was the request's size, and no limit that has to free up"


def test_every_request_is_answered_while_half_of_one_provider_fails(
    shared: Gateway, upstream: Upstream, beta: Upstream
) -> None:
    upstream.script("m", ["answer", ("status", 500)] * 30)
    with Gateway({"alpha": upstream, "beta": beta}) as gateway:
        codes = [gateway.chat(stream=bool(number % 2)).status_code for number in range(30)]
    assert codes == [200] * 30
    assert upstream.count + beta.count <= 45, "a request costs one and a half calls at most"


def named_in(path: str) -> set[str]:
    """Names of the tests in a file."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_scenario_has_a_test_that_exists() -> None:
    assert list(COVERED_BY) == [f"F{number}" for number in range(1, 29)]
    known: dict[str, Any] = {}
    for scenario, nodes in COVERED_BY.items():
        for node in nodes.split():
            path, _, name = node.partition("::")
            assert name in known.setdefault(path, named_in(path)), scenario
    assert {name for name, _, _ in [*FAULTS, *STREAMS]} <= set(COVERED_BY)
