"""What every engine owes, on the real model."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest

from llm7router.calls.local import engines, errors
from llm7router.calls.local.worker import Worker
from tests.local.conftest import CONTEXT, answer, needs_model, seconds_until, user

pytestmark = needs_model

SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string", "maxLength": 20}, "people": {"type": "integer", "maximum": 99999999}},
    "required": ["city", "people"],
    "additionalProperties": False,
}


async def test_it_answers_in_the_words_of_the_model(worker: Worker) -> None:
    whole = await answer(worker, user("What is 2+2?"), max_tokens=32, temperature=0)
    assert "4" in whole.content
    assert whole.finish_reason == "stop"


async def test_each_token_arrives_as_soon_as_it_exists(worker: Worker) -> None:
    chunks = worker.chunks(user("Count from one to twenty."), {"max_tokens": 24, "temperature": 0})
    arrivals = [time.monotonic() async for chunk in chunks if chunk["choices"] and chunk["choices"][0]["delta"]]
    assert len(arrivals) >= 10
    assert arrivals[-1] - arrivals[0] > 0.05  # they did not come all at once at the end


async def test_usage_counts_prompt_and_answer_exactly(worker: Worker) -> None:
    whole = await answer(worker, user("Say hello."), max_tokens=5, temperature=0)
    assert whole.usage is not None
    assert whole.usage["prompt_tokens"] == 33  # the chat template adds its default system prompt
    assert whole.usage["completion_tokens"] == 5
    assert whole.usage["total_tokens"] == 38


async def test_max_tokens_ends_the_answer_and_says_so(worker: Worker) -> None:
    whole = await answer(worker, user("Tell me a long story."), max_completion_tokens=6)
    assert whole.finish_reason == "length"
    assert whole.usage is not None
    assert whole.usage["completion_tokens"] == 6


async def test_a_stop_string_ends_the_answer_and_is_not_part_of_it(worker: Worker) -> None:
    whole = await answer(worker, user("What is 2+2?"), stop=["4"], max_tokens=32, temperature=0)
    assert whole.content
    assert "4" not in whole.content
    assert whole.finish_reason == "stop"


@pytest.mark.parametrize(
    "response_format",
    [
        pytest.param({"type": "json_schema", "json_schema": {"name": "city", "schema": SCHEMA}}, id="json_schema"),
        pytest.param({"type": "json_object", "schema": SCHEMA}, id="json_object with a schema"),
    ],
)
async def test_an_answer_follows_a_json_schema(worker: Worker, response_format: dict[str, object]) -> None:
    whole = await answer(worker, user("Describe Paris."), response_format=response_format, max_tokens=80, temperature=0)
    assert set(json.loads(whole.content)) == {"city", "people"}


async def test_the_same_seed_gives_the_same_answer(worker: Worker) -> None:
    first, second = [
        (await answer(worker, user("Invent a name."), seed=7, temperature=1.0, max_tokens=8)).content for _ in range(2)
    ]
    assert first == second


async def test_parameters_it_does_not_know_are_ignored(worker: Worker) -> None:
    unknown = {"n": 2, "foo": object(), "user": "someone", "max_retries": 0, "top_p": None, "logit_bias": {"5": 1}}
    assert (await answer(worker, user("Say hello."), max_tokens=4, **unknown)).content


async def test_text_parts_are_read_as_text(worker: Worker) -> None:
    parts = [{"type": "text", "text": "What is"}, {"type": "text", "text": "2+2?"}]
    whole = await answer(worker, [{"role": "user", "content": parts}], max_tokens=32, temperature=0)
    assert "4" in whole.content


async def test_two_requests_at_once_are_answered_one_after_the_other(worker: Worker) -> None:
    spans = []

    async def ask() -> None:
        arrivals = [time.monotonic() async for _ in worker.chunks(user("Say hello."), {"max_tokens": 8})]
        spans.append((arrivals[0], arrivals[-1]))

    await asyncio.gather(ask(), ask())
    (_, first_end), (second_begin, _) = sorted(spans)
    assert first_end <= second_begin + 0.005


async def test_a_prompt_longer_than_the_context_is_told_apart(worker: Worker) -> None:
    with pytest.raises(errors.LocalContextError, match=r"3031.*2048"):
        await answer(worker, user("Hello " * 3000))


@pytest.mark.parametrize(
    ("messages", "parameters"),
    [
        pytest.param([], {}, id="no messages"),
        pytest.param([{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}], {}, id="an image"),
        pytest.param(user("Hi"), {"temperature": "hot"}, id="a temperature that is no number"),
    ],
)
async def test_a_faulty_request_is_refused_and_hurts_nothing(worker: Worker, messages, parameters) -> None:
    with pytest.raises(errors.LocalRequestError):
        await answer(worker, messages, **parameters)
    assert (await answer(worker, user("Say hello."), max_tokens=4)).content


async def test_leaving_a_stream_stops_the_model_within_a_few_tokens(worker: Worker) -> None:
    chunks = worker.chunks(user("Count to a thousand, in words."), {"max_tokens": 1500})
    for _ in range(3):
        await anext(chunks)
    await chunks.aclose()
    assert seconds_until(lambda: worker.depth == 0, 3.0) < 3.0  # the whole answer takes above 15 s, a token 0.01 s


@pytest.mark.slow
def test_it_can_be_stopped_while_it_reads_a_long_prompt(engine_name: str, model_file: Path, monkeypatch) -> None:
    monkeypatch.setenv(engines.VARIABLE, engine_name)
    engine = engines.create(model_file, CONTEXT)
    engine.load()
    seen: list[Any] = []

    def emit(chunk: dict[str, Any] | None) -> bool:
        seen.append(chunk)
        return len(seen) == 2

    engine.generate(user("Word " * 600), {"max_tokens": 100}, emit)
    engine.close()
    assert seen == [None, None]  # asked before the first batch of the prompt and after it, and no more
