"""Embeddings through the real LiteLLM over real HTTP."""

from __future__ import annotations

import asyncio
import base64
import struct
from typing import Any

import pytest

from llm7router.calls import params, vectors
from llm7router.calls.backend import LiteLLMBackend
from llm7router.calls.base import Call
from llm7router.calls.transport import MAX_BODY, NO_AUTHORIZATION
from llm7router.types import Deployment, Failure, Kind
from tests.calls.failure_cases import REFUSALS
from tests.calls.helpers import arrived, deployment, saw_close
from tests.guard import CANARY
from tests.upstream import Upstream
from tests.upstream_behaviours import vector

TEXTS = ("first", "second", "third")
# Of answers that are wrong for chats only, or whose words are about chats.
CHATS_ONLY = {"no choices", "null choices", "choices missing", "empty text", "a filter emptied it"}
OF_ALL = {name: case for name, case in REFUSALS.items() if name not in CHATS_ONLY}


def packed(*numbers: float) -> str:
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


BAD_DATA = {
    "missing": None,
    "text": "vectors",
    "empty": [],
    "one too few": [vector(0, [1.0]), vector(1, [1.0])],
    "one too many": [vector(index, [1.0]) for index in range(4)],
    "no entries": [1, 2, 3],
    "an index twice": [vector(index, [1.0]) for index in (0, 1, 1)],
    "an index beyond the end": [vector(index, [1.0]) for index in (0, 1, 3)],
    "an index that is text": [vector(index, [1.0]) for index in (0, 1, "2")],
    "an index that is true": [vector(index, [1.0]) for index in (0, True, 2)],
    "no vector": [vector(0, [1.0]), vector(1, None), vector(2, [1.0])],
    "an empty vector": [vector(index, []) for index in range(3)],
    "a number as text": [vector(index, ["1.0"]) for index in range(3)],
    "true for a number": [vector(index, [True]) for index in range(3)],
    "not a number": [vector(index, [float("nan")]) for index in range(3)],
    "infinity": [vector(index, [float("inf")]) for index in range(3)],
    "more than float32 holds": [vector(index, [1e39]) for index in range(3)],
    "more than a float holds": [vector(index, [10**400]) for index in range(3)],
    "different sizes": [vector(0, [1.0]), vector(1, [1.0, 2.0]), vector(2, [1.0])],
    "no base64": [vector(index, "?!") for index in range(3)],
    "base64 of half a number": [vector(index, "AAA=") for index in range(3)],
    "base64 of not a number": [vector(index, packed(float("nan"))) for index in range(3)],
}


def embed(
    where: Upstream | str | Deployment,
    parameters: dict[str, Any] | None = None,
    *,
    prefix: str = "hosted_vllm",
    inputs: tuple[str, ...] = TEXTS,
    timeout_s: float = 5.0,
) -> Call:
    url = where.base_url if isinstance(where, Upstream) else where
    target = url if isinstance(url, Deployment) else deployment(url, prefix)
    return Call(target, (), parameters or {}, timeout_s, inputs=inputs)


async def test_vectors_come_with_their_usage_and_headers(
    backend: LiteLLMBackend, upstream: Upstream, prefix: str
) -> None:
    upstream.always("embeddings", headers={"X-RateLimit-Remaining-Requests": "41"})
    outcome = await backend.embed(embed(upstream, prefix=prefix))
    assert outcome.response == ((0.0, 0.5, -2.0), (1.0, 0.5, -2.0), (2.0, 0.5, -2.0))
    assert (outcome.failure, outcome.prompt_tokens, outcome.output_tokens) == (None, 7, 0)
    assert outcome.headers["x-ratelimit-remaining-requests"] == "41"
    assert 0 < outcome.duration_s < 5


async def test_the_request_carries_the_model_the_key_the_texts_and_nothing_else(
    backend: LiteLLMBackend, upstream: Upstream, prefix: str
) -> None:
    given = {"dimensions": 3, "encoding_format": "float", "user": "u"}
    for parameters in ({}, given):
        assert (await backend.embed(embed(upstream, parameters, prefix=prefix))).ok
        assert upstream.last.path == "/v1/embeddings"
        assert upstream.last.headers["authorization"] == f"Bearer {CANARY}"
        assert upstream.last.body == {"model": "m", "input": list(TEXTS), **parameters}


async def test_no_key_is_sent_where_none_is_wanted(backend: LiteLLMBackend, upstream: Upstream, prefix: str) -> None:
    target = deployment(upstream.base_url, prefix, send_authorization=False)
    assert (await backend.embed(embed(target))).ok
    assert "authorization" not in upstream.last.headers
    assert NO_AUTHORIZATION not in str(upstream.last.headers)


@pytest.mark.parametrize("case", OF_ALL)
async def test_a_refusal_is_classified_as_that_of_a_chat_and_never_tried_again(
    backend: LiteLLMBackend, upstream: Upstream, case: str, prefix: str
) -> None:
    failure, behaviour = OF_ALL[case]
    upstream.always(behaviour)
    patience_s = 1.0 if failure is Failure.TIMEOUT else 5.0
    outcome = await backend.embed(embed(upstream, prefix=prefix, timeout_s=patience_s))
    assert (outcome.failure, upstream.count) == (failure, 1), outcome
    assert outcome.response is None
    assert 0 < len(outcome.detail) <= 300
    assert CANARY not in repr(outcome)


@pytest.mark.parametrize("case", BAD_DATA)
async def test_vectors_that_cannot_be_are_a_bad_answer(
    backend: LiteLLMBackend, upstream: Upstream, case: str, prefix: str
) -> None:
    upstream.always("embeddings", BAD_DATA[case]) if BAD_DATA[case] is not None else upstream.always("json_body", {})
    outcome = await backend.embed(embed(upstream, prefix=prefix))
    assert (outcome.failure, outcome.response, upstream.count) == (Failure.BAD_ANSWER, None, 1), outcome


async def test_the_wrong_number_of_vectors_is_said(backend: LiteLLMBackend, upstream: Upstream) -> None:
    upstream.always("embeddings", BAD_DATA["one too few"])
    assert (await backend.embed(embed(upstream))).detail == "2 vectors for 3 texts"


@pytest.mark.parametrize(
    "indices",
    [(2, 0, 1), (2, None, 1), (None, None, None)],
    ids=["shuffled", "a 0 left out", "no index at all"],
)
async def test_vectors_are_in_the_order_of_the_texts(
    backend: LiteLLMBackend, upstream: Upstream, indices: tuple[int | None, ...]
) -> None:
    data = [vector(index, [float(place if index is None and indices[0] is None else index or 0)])
            for place, index in enumerate(indices)]  # fmt: skip
    upstream.always("embeddings", data)
    assert (await backend.embed(embed(upstream))).response == ((0.0,), (1.0,), (2.0,))


async def test_base64_is_passed_through(backend: LiteLLMBackend, upstream: Upstream, prefix: str) -> None:
    upstream.always("embeddings", [vector(0, packed(1.5, -2))])
    outcome = await backend.embed(embed(upstream, {"encoding_format": "base64"}, prefix=prefix, inputs=("a",)))
    assert outcome.response == (packed(1.5, -2),)
    assert upstream.last.body["encoding_format"] == "base64"


def test_numbers_and_base64_are_turned_into_one_another() -> None:
    assert vectors.floats([packed(1.5, -2), (1.0, 2.0)]) == ((1.5, -2.0), (1.0, 2.0))
    assert vectors.encoded([packed(1.5, -2), (1.0, 2.0)]) == (packed(1.5, -2), packed(1, 2))


async def test_vectors_of_another_size_than_asked_for_are_no_ill_health(
    backend: LiteLLMBackend, upstream: Upstream
) -> None:
    outcome = await backend.embed(embed(upstream, {"dimensions": 256}))
    assert (outcome.failure, outcome.detail) == (
        Failure.UNSUPPORTED, "vectors of 3 numbers, where 256 were asked for",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [(None, None), ({}, None), ({"prompt_tokens": 0}, None), ({"prompt_tokens": -1}, None),
     ({"total_tokens": 9}, 9), ({"prompt_tokens": 8, "total_tokens": 9}, 8), ({"prompt_tokens": "8"}, None)],
    ids=str,
)  # fmt: skip
async def test_usage_that_cannot_be_is_no_usage(
    backend: LiteLLMBackend, upstream: Upstream, usage: Any, tokens: int | None
) -> None:
    upstream.always("embeddings", usage=usage)
    outcome = await backend.embed(embed(upstream))
    assert (outcome.ok, outcome.prompt_tokens) == (True, tokens), outcome


async def test_many_vectors_may_take_more_room_than_an_answer(backend: LiteLLMBackend, upstream: Upstream) -> None:
    texts, numbers = 300, [0.0123456789012345678] * 1536
    upstream.always("embeddings", [vector(index, numbers) for index in range(texts)])
    outcome = await backend.embed(embed(upstream, inputs=("x",) * texts, timeout_s=30))
    assert outcome.ok, outcome
    assert len(outcome.response) == texts
    assert texts * len(str(numbers)) > MAX_BODY


async def test_one_vector_may_not_take_the_room_of_many(backend: LiteLLMBackend, upstream: Upstream) -> None:
    upstream.always("raw", b"[" * (MAX_BODY + 2**20))
    assert (await backend.embed(embed(upstream, timeout_s=30))).failure is Failure.BAD_ANSWER


async def test_a_refused_connection_was_never_sent(backend: LiteLLMBackend, refused: str, prefix: str) -> None:
    assert (await backend.embed(embed(refused, prefix=prefix))).failure is Failure.UNREACHABLE


async def test_leaving_closes_the_connection(backend: LiteLLMBackend, upstream: Upstream) -> None:
    upstream.always("stall")
    task = asyncio.create_task(backend.embed(embed(upstream)))
    await arrived(upstream)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await saw_close(upstream)


async def test_a_local_model_embeds_nothing(backend: LiteLLMBackend) -> None:
    outcome = await backend.embed(embed(Deployment(id="local/m", provider="local", model="m", kind=Kind.LLAMA_CPP)))
    assert outcome.failure is Failure.LOCAL_BROKEN


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("temperature", "temperature: a parameter of chat completions; embeddings have dimensions, encoding_format, user"),
        ("stream", "stream: a parameter of chat completions"),
        ("api_base", "api_base: not a caller's parameter; where to call is router.yaml's"),
        ("dimension", "dimension: unknown parameter; did you mean 'dimensions'"),
    ],
)  # fmt: skip
def test_only_the_parameters_of_embeddings_are_passed(name: str, says: str) -> None:
    with pytest.raises(TypeError, match=says):
        params.check({"user": "u", name: "very-secret-value"}, params.EMBEDDINGS)


def test_no_room_for_an_answer_is_asked_for() -> None:
    target = deployment("http://127.0.0.1:9/v1", unsupported_params=frozenset({"user"}))
    assert params.prepare({"dimensions": 3, "user": "u", "encoding_format": None}, target, 0) == {"dimensions": 3}
