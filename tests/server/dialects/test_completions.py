from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from openai.types import Completion

from llm7router.calls.params import check
from llm7router.decision.request import check_messages
from llm7router.server.dialects.base import Asked
from llm7router.server.dialects.completions import COMPLETIONS
from llm7router.server.errors import ApiError
from llm7router.types import CompletionResult, StreamChunk
from tests.server.dialects.answers import chunked, events, result, streamed


def read(**given: Any) -> Asked:
    asked = COMPLETIONS.read({"model": "auto", "prompt": "Once", **given}, "7", 1700000000)
    check_messages(asked.messages)
    check(asked.parameters)
    return asked


def test_a_prompt_becomes_a_message():
    asked = read(max_tokens=9, stop=["X"], temperature=0, seed=1, n=1, best_of=1, suffix="", logprobs=5)
    assert asked.messages == [{"role": "user", "content": "Once"}]
    assert asked.parameters == {"max_tokens": 9, "stop": ["X"], "temperature": 0, "seed": 1}
    assert (asked.id, asked.stream, asked.ignored) == ("cmpl-7", False, ("logprobs",))
    assert read(prompt=["Once"]).messages == asked.messages


FAULTS: list[tuple[str, dict[str, Any], str]] = [
    ("no prompt", {"prompt": None}, "prompt: is missing; send a string"),
    ("several", {"prompt": ["a", "b"]}, "prompt: holds 2 texts; send one in each request"),
    ("none in a list", {"prompt": []}, "prompt: holds 0 texts; send one in each request"),
    ("token ids", {"prompt": [1, 2]}, "prompt: must be text; send no token ids"),
    ("lists of token ids", {"prompt": [[1, 2]]}, "prompt: must be text; send no token ids"),
    ("a number", {"prompt": 5}, "prompt: must be a string (given: 5)"),
    ("a suffix", {"suffix": "x"}, "suffix: nothing here fills in between two texts; leave it out"),
    ("the best of two", {"best_of": 2}, "best_of: one answer is given to each request"),
    ("two answers", {"n": 2}, "n: one answer is given to each request"),
    ("no flag", {"echo": "yes"}, "echo: must be true or false (given: 'yes')"),
    ("no stop", {"stop": 5}, "stop: must be a string (given: 5)"),
]


@pytest.mark.parametrize(("given", "message"), [case[1:] for case in FAULTS], ids=[case[0] for case in FAULTS])
def test_a_wrong_request_says_what_to_change(given: dict[str, Any], message: str):
    with pytest.raises(ApiError) as caught:
        read(**given)
    assert caught.value.status == 400
    assert caught.value.message.startswith(message)


def test_a_whole_answer_is_a_text_completion():
    body = COMPLETIONS.whole(read(echo=True), result(" upon", finish_reason="length"))
    assert body == {
        "id": "cmpl-7",
        "object": "text_completion",
        "created": 1700000000,
        "model": "groq/llama",
        "choices": [{"text": "Once upon", "index": 0, "logprobs": None, "finish_reason": "length"}],
        "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
    }
    Completion.model_validate(body)


@pytest.mark.parametrize("echo", [True, False], ids=["echo", "no echo"])
@settings(deadline=None)
@given(answer=chunked(mixed=True))
def test_a_stream_ends_with_the_same_text_whatever_its_pieces(
    echo: bool, answer: tuple[CompletionResult, list[StreamChunk]]
):
    whole, chunks = answer
    asked = read(echo=echo, stream=True, stream_options={"include_usage": True})
    wire = streamed(COMPLETIONS, asked, whole, chunks)
    body = COMPLETIONS.whole(asked, whole)
    *written, usage = [Completion.construct(**event) for event in events(wire)]  # its type knows no null reason
    assert "".join(event.choices[0].text for event in written) == body["choices"][0]["text"]
    assert [event.choices[0].finish_reason for event in written if event.choices[0].finish_reason] == [
        body["choices"][0]["finish_reason"]
    ]
    assert usage.choices == []
    assert usage.usage is not None
    assert usage.usage.model_dump(exclude_none=True) == body["usage"]
    assert wire.endswith(b"data: [DONE]\n\n")


def test_usage_is_sent_only_when_asked_for():
    wire = streamed(COMPLETIONS, read(stream=True), result("x"), [StreamChunk("x")])
    assert all("usage" not in event and event["choices"] for event in events(wire))


def test_a_broken_stream_ends_with_an_error_and_no_end():
    error = ApiError(502, "cut off", type="upstream_interrupted")
    wire = COMPLETIONS.writer(read()).failed(error)
    assert events(wire) == [error.body()]
    assert b"[DONE]" not in wire
