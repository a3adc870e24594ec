"""Streams over the wire: what is content, how they end, and what is left when the client is not."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.router import scene
from tests.server.gateway import Gateway, chat_body, error_of, events_of, head, read_all, said
from tests.upstream import Upstream, wait_until
from tests.upstream_behaviours import Behaviour, completion, event, json_body, raw, stream, tool_call

WORDS = [{"content": "one "}, {"content": "two"}]
SLOW = stream([part for _ in range(400) for part in ({"content": "word "}, 0.05)])


@pytest.fixture
def pair(shared: Gateway, upstream: Upstream, beta: Upstream) -> Iterator[Gateway]:
    """`alpha` first, `beta` next; alpha has 1 s for its first token. `shared` has made LiteLLM warm."""
    timeouts = {"first_token_s": 1, "attempt_s": 5, "total_s": 10}
    with Gateway({"alpha": upstream, "beta": beta}, timeouts=timeouts) as gateway:
        yield gateway
        assert gateway.idle()


NO_CONTENT: dict[str, Behaviour] = {
    "a role, then the end": stream([]),
    "a role, then a cut": stream([], end="reset"),
    "comments, then a cut": stream([": OPENROUTER PROCESSING\n\n"] * 3, end="reset"),
    "comments without an end": stream([": OPENROUTER PROCESSING\n\n", 0.05] * 100),
    "empty deltas, then a cut": stream([{"content": ""}, {}, {"content": None}, {"tool_calls": []}], end="reset"),
    "an error as the first event": stream([b'data: {"error": {"message": "overloaded", "code": 503}}\n\n'], done=False),
    "a page": raw(b"<!DOCTYPE html><html></html>", headers={"content-type": "text/html"}),
    "silence": stream([2.0]),
}


@pytest.mark.parametrize("behaviour", NO_CONTENT.values(), ids=NO_CONTENT)
def test_what_is_no_content_is_failed_over_in_silence(pair: Gateway, upstream: Upstream, behaviour: Behaviour) -> None:
    upstream.always(behaviour)
    with pair.streaming() as response:
        text = response.read().decode()
    assert (response.status_code, said(events_of(text))) == (200, "Hello! ")
    assert response.headers["x-llm7router-provider"] == "beta/m"
    assert response.headers["x-llm7router-attempts"] == "2"
    assert text.endswith("data: [DONE]\n\n")
    assert "alpha" not in text
    assert upstream.count == 1


def test_before_the_first_content_a_failure_has_its_status(pair: Gateway, upstream: Upstream, beta: Upstream) -> None:
    for failing in (upstream, beta):
        failing.always("status", 500)
    response = pair.chat(stream=True)
    assert (response.status_code, response.headers["content-type"]) == (503, "application/json")
    assert [a["deployment"] for a in error_of(response)["llm7router"]["attempts"]] == ["alpha/m", "beta/m"]


def test_the_last_that_may_be_tried_is_not_cut_on_its_first_token(upstream: Upstream, beta: Upstream) -> None:
    """Four attempts are made, so the fourth has nobody behind it, though a fifth provider is configured."""
    upstream.always("status", 500)
    beta.always(stream([0.6, *WORDS]))
    providers = {"a": upstream, "b": upstream, "c": upstream, "slow": beta, "behind": upstream}
    with Gateway(providers, timeouts={"first_token_s": 0.3}) as gateway:
        assert said(gateway.events()) == "one two"
        assert gateway.idle()


@pytest.mark.parametrize("end", ["reset", "clean"])
def test_content_that_is_cut_off_ends_with_one_error_and_no_done(
    pair: Gateway, upstream: Upstream, beta: Upstream, end: str
) -> None:
    upstream.always(stream(WORDS, end=end, finish_reason=None, usage=None, done=False))
    events = pair.events(stream_options={"include_usage": True})
    assert said(events) == "one two"
    assert "[DONE]" not in events
    assert [bool(each.get("error")) for each in events] == [False, False, True]
    last = events[-1]
    assert (last["error"]["type"], last["choices"][0]["finish_reason"]) == ("upstream_interrupted", "error")
    assert last["error"]["llm7router"]["attempts"][0]["deployment"] == "alpha/m"
    assert last["id"] == events[0]["id"]
    assert beta.count == 0, "bytes come from one provider"


def test_a_stall_after_the_first_content_ends_with_an_error(upstream: Upstream) -> None:
    upstream.always(stream(WORDS, end="stall"))
    with Gateway({"alpha": upstream}, timeouts={"between_tokens_s": 0.3}) as gateway:
        events = gateway.events()
        assert said(events) == "one two"
        assert events[-1]["error"]["type"] == "upstream_interrupted"
        assert upstream.wait_closed()


def test_a_whole_answer_whose_connection_stays_open_ends_as_any_other(upstream: Upstream) -> None:
    upstream.always(stream([*WORDS, event({}, "stop")], end="stall"))
    with Gateway({"alpha": upstream}, timeouts={"between_tokens_s": 0.3}) as gateway:
        events = gateway.events(stream_options={"include_usage": True})
        assert (said(events), events[-1]) == ("one two", "[DONE]")
        assert [c["finish_reason"] for each in events[:-1] for c in each["choices"]][-1] == "stop"
        assert events[-2]["usage"]["completion_tokens"] == 3
        assert upstream.wait_closed()


def test_all_events_are_of_one_answer(pair: Gateway) -> None:
    events = pair.events("Hi", stream_options={"include_usage": True})
    assert events.pop() == "[DONE]"
    assert {each["object"] for each in events} == {"chat.completion.chunk"}
    for name in ("id", "created", "model"):
        assert len({each[name] for each in events}) == 1, name
    assert abs(events[0]["created"] - time.time()) < 10
    assert (events[0]["model"], events[0]["id"][:9]) == ("alpha/m", "chatcmpl-")
    deltas = [choice for each in events for choice in each["choices"]]
    assert [("role" in choice["delta"]) for choice in deltas] == [True] + [False] * (len(deltas) - 1)
    assert [choice["finish_reason"] for choice in deltas] == [None] * (len(deltas) - 1) + ["stop"]


def test_a_stream_is_not_to_be_buffered_on_its_way(shared: Gateway) -> None:
    response = shared.chat(stream=True)
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert (response.headers["x-accel-buffering"], response.headers["cache-control"]) == ("no", "no-store")


def test_pieces_arrive_as_the_provider_sends_them(pair: Gateway, upstream: Upstream) -> None:
    upstream.always(stream([{"content": "first"}, 0.4, {"content": "second"}]))
    at = []
    with pair.streaming() as response:
        for line in response.iter_lines():
            at += [time.monotonic()] * ("first" in line or "second" in line)
    assert 0.3 < at[1] - at[0] < 1


@pytest.mark.parametrize("given", [True, False], ids=["given", "not given"])
def test_usage_comes_at_the_end_if_it_was_asked_for(pair: Gateway, upstream: Upstream, given: bool) -> None:
    upstream.always(stream(WORDS, **({} if given else {"usage": None})))
    events = pair.events(stream_options={"include_usage": True})
    assert [each["usage"] for each in events[:-2]] == [None] * len(events[:-2])
    usage = events[-2]
    assert usage["choices"] == []
    if given:
        assert usage["usage"] == {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
    else:
        assert usage["usage"]["completion_tokens"] == 3
        assert usage["usage"]["prompt_tokens"] > 1
    assert not [each for each in pair.events()[:-1] if "usage" in each]


def test_a_provider_that_does_not_know_usage_is_not_asked_for_it(upstream: Upstream) -> None:
    model = scene.model(unsupported_params=["stream_options"])
    with Gateway({"alpha": scene.provider(model, base_url=upstream.base_url)}) as gateway:
        events = gateway.events(stream_options={"include_usage": True})
        assert events[-2]["usage"]["total_tokens"] > 0
        assert "stream_options" not in upstream.last.body


def choice(index: int, content: str, **more: Any) -> bytes:
    given = {"index": index, "delta": {"content": content}, "finish_reason": None, **more}
    return f"data: {json.dumps({'id': 'c1', 'created': 1, 'model': 'x', 'choices': [given]})}\n\n".encode()


def test_several_choices_pass_through(pair: Gateway, upstream: Upstream) -> None:
    ends = [choice(index, "", delta={}, finish_reason="stop") for index in (0, 1)]
    pieces = [choice(0, "a"), choice(1, "b"), choice(1, "d"), choice(0, "c"), *ends]
    upstream.always(stream(pieces, finish_reason=None))  # type: ignore[arg-type]
    events = pair.events(n=2)
    assert (said(events, 0), said(events, 1)) == ("ac", "bd")
    assert upstream.last.body["n"] == 2
    body = completion("a")
    body["choices"].append({**body["choices"][0], "index": 1, "message": {"role": "assistant", "content": "b"}})
    upstream.always(json_body(body))
    whole = pair.chat(n=2).json()["choices"]
    assert [(each["index"], each["message"]["content"]) for each in whole] == [(0, "a"), (1, "b")]


def test_logprobs_pass_through(pair: Gateway, upstream: Upstream) -> None:
    tokens = {"content": [{"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": []}]}
    upstream.always(stream([choice(0, "a", logprobs=tokens)]))  # type: ignore[list-item]
    events = pair.events(logprobs=True, top_logprobs=1)
    told = events[0]["choices"][0]["logprobs"]["content"][0]
    assert (told["token"], told["logprob"]) == ("a", -0.5)
    assert upstream.last.body["logprobs"] is True
    body = completion("a")
    body["choices"][0]["logprobs"] = tokens
    upstream.always(json_body(body))
    assert pair.chat(logprobs=True).json()["choices"][0]["logprobs"]["content"][0]["token"] == "a"


def test_calls_of_tools_are_streamed_in_fragments(pair: Gateway, upstream: Upstream) -> None:
    first, second = tool_call(arguments="", index=0), {"index": 0, "function": {"arguments": '{"city": '}}
    third = {"index": 0, "function": {"arguments": '"Rome"}'}}
    fragments = [{"tool_calls": [fragment]} for fragment in (first, second, third)]
    upstream.always(stream(fragments, finish_reason="tool_calls"))
    tools = [{"type": "function", "function": {"name": "lookup", "parameters": {"type": "object"}}}]
    events = pair.events(tools=tools)
    told = [call for each in events[:-1] for c in each["choices"] for call in c["delta"].get("tool_calls") or ()]
    assert told[0]["function"]["name"] == "lookup"
    assert told[0]["id"] == "t1"
    assert "".join(call["function"]["arguments"] for call in told) == '{"city": "Rome"}'
    assert {call["index"] for call in told} == {0}
    assert events[-2]["choices"][0]["finish_reason"] == "tool_calls"
    assert upstream.last.body["tools"] == tools


def test_reasoning_is_kept_apart(pair: Gateway, upstream: Upstream) -> None:
    upstream.always(stream([{"reasoning_content": "hm"}, {"content": "yes"}]))
    events = pair.events()
    assert [each["choices"][0]["delta"].get("reasoning_content") for each in events[:2]] == ["hm", None]
    assert said(events) == "yes"


@pytest.mark.parametrize("reason", ["length", "content_filter"])
def test_why_an_answer_ended_is_passed_on(pair: Gateway, upstream: Upstream, reason: str) -> None:
    upstream.always(stream(WORDS, finish_reason=reason))
    assert pair.events()[-2]["choices"][0]["finish_reason"] == reason
    upstream.always(json_body(completion("cut", finish_reason=reason)))
    assert pair.chat().json()["choices"][0]["finish_reason"] == reason


def test_half_a_character_of_a_provider_breaks_no_stream(upstream: Upstream) -> None:
    with Gateway({"alpha": upstream}) as gateway:  # nobody else to answer, and no short time for the first token
        upstream.always(stream([{"content": "a\ud83d"}, {"content": "\ude00b"}]))
        events = gateway.events()
        assert events[-1] == "[DONE]"
        assert said(events).startswith("a")
        assert said(events).endswith("b")
        upstream.always(json_body(completion("a\ud83d")))
        assert gateway.chat().json()["choices"][0]["message"]["content"].startswith("a")
        assert gateway.idle()


def test_what_cannot_stream_answers_in_one_piece(upstream: Upstream) -> None:
    model = scene.model(capabilities=["tools"])
    with Gateway({"alpha": scene.provider(model, base_url=upstream.base_url)}) as gateway:
        events = gateway.events()
        assert (said(events), events[-1]) == ("Hello!", "[DONE]")
        assert "stream" not in upstream.last.body


LIMITS = [{"unit": "tokens", "window": "day", "max": 100_000}, {"unit": "concurrent", "max": 2}]


@pytest.fixture
def limited(upstream: Upstream) -> Iterator[Gateway]:
    """A gateway that counts tokens and calls under way."""
    with Gateway({"alpha": scene.provider(base_url=upstream.base_url, limits=LIMITS)}) as gateway:
        yield gateway


def used(gateway: Gateway) -> dict[str, int]:
    """What is used of each limit, by its unit."""
    return {limit["name"].partition("/")[0]: limit["used"] for limit in gateway.stats()["limits"]}


def leave(gateway: Gateway, upstream: Upstream, *, stream: bool, after: bytes = b"") -> None:
    """Ask, wait for the upstream's part and for these bytes, and close the connection."""
    body = json.dumps(chat_body(stream=stream)).encode()
    with gateway.connect() as connection:
        connection.sendall(head(content_length=str(len(body))) + body)
        assert wait_until(lambda: upstream.count == 1, 5)
        heard = b""
        while after not in heard:
            heard += connection.recv(65536)
        assert gateway.stats()["in_flight"] == 1
        assert used(gateway)["concurrent"] == 1


@pytest.mark.parametrize("stream", [True, False], ids=["a stream", "a whole answer"])
def test_a_client_that_leaves_before_the_first_token_ends_the_call_and_its_tokens_stay_charged(
    limited: Gateway, upstream: Upstream, stream: bool
) -> None:
    upstream.always("stall")
    leave(limited, upstream, stream=stream)
    assert upstream.wait_closed(within_s=1)
    assert limited.idle()
    assert used(limited)["concurrent"] == 0
    assert used(limited)["tokens"] > 1000, "what was reserved, since the provider may bill it"


@pytest.mark.parametrize("stream", [True, False], ids=["a stream", "a whole answer"])
def test_a_client_that_leaves_is_noticed_by_other_servers_too(
    shared: Gateway, upstream: Upstream, stream: bool
) -> None:
    upstream.always("stall")
    limited = scene.provider(base_url=upstream.base_url, limits=LIMITS)
    with Gateway({"alpha": limited}, http="httptools") as gateway:
        leave(gateway, upstream, stream=stream)
        assert upstream.wait_closed(within_s=1)
        assert gateway.idle()


def test_a_client_that_leaves_after_a_second_request_ends_the_first(limited: Gateway, upstream: Upstream) -> None:
    upstream.always("stall")
    body = json.dumps(chat_body()).encode()
    whole = head(content_length=str(len(body))) + body
    with limited.connect() as connection:
        connection.sendall(whole)
        assert wait_until(lambda: upstream.count == 1, 5)
        connection.sendall(whole)
        time.sleep(0.1)  # until it has been read
    assert upstream.wait_closed(within_s=1)
    assert limited.idle()
    assert upstream.count == 1, "the second was never made"


def test_a_client_that_leaves_in_the_middle_ends_the_call_and_its_tokens_stay_charged(
    limited: Gateway, upstream: Upstream
) -> None:
    upstream.always(SLOW)
    leave(limited, upstream, stream=True, after=b"word")
    assert upstream.wait_closed(within_s=1)
    assert limited.idle()
    assert used(limited)["concurrent"] == 0
    assert used(limited)["tokens"] > 1000


def test_a_whole_stream_gives_back_what_it_did_not_use(limited: Gateway) -> None:
    limited.events()
    assert used(limited) == {"tokens": 12, "concurrent": 0}


def test_a_slow_reader_gets_every_word(pair: Gateway, upstream: Upstream) -> None:
    words = [{"content": f"{number} " + "x" * 2000} for number in range(300)]
    upstream.always(stream(words))
    body = json.dumps(chat_body(stream=True)).encode()
    with pair.connect() as connection:
        connection.sendall(head(content_length=str(len(body)), connection="close") + body)
        time.sleep(0.5)
        text = read_all(connection)
    assert all(f'"content":"{number} x'.encode() in text for number in range(1, 300))
    assert b"data: [DONE]" in text


def test_streams_at_once_do_not_mix(pair: Gateway, upstream: Upstream) -> None:
    from concurrent.futures import ThreadPoolExecutor

    async def echo(exchange: Any) -> None:
        word = exchange.request.body["messages"][0]["content"]
        await stream([{"content": word}, 0.02] * 5)(exchange)

    upstream.always(echo)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: said(pair.events(f"<{number}>")), range(16)))
    assert answers == [f"<{number}>" * 5 for number in range(16)]
