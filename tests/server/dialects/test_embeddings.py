"""`/v1/embeddings`: requests are read strictly, and answers are OpenAI's list."""

from __future__ import annotations

from typing import Any

import pytest

from llm7router.server.dialects import embeddings
from llm7router.server.errors import ApiError
from llm7router.types import Decision, EmbeddingResult
from tests.make import NOW, request

BODY = {"model": "p/m", "input": "Hello"}


def result(**changes: Any) -> EmbeddingResult:
    given = {
        "vectors": ((0.5, -2.0), (1.0, 0.0)), "provider": "p", "model": "m", "cost": 0.0, "latency": 0.1,
        "tokens_input": 9, "decision": Decision(request(), (), (), NOW), "attempts": (), "request_id": "r",
    }  # fmt: skip
    return EmbeddingResult(**{**given, **changes})


def test_a_text_is_a_list_of_one() -> None:
    assert embeddings.read(BODY) == ("p/m", ("Hello",), {}, ())


def test_everything_that_may_be_said_is_read_and_the_rest_is_named() -> None:
    said = {"dimensions": 256, "encoding_format": "base64", "user": "u"}
    body = {**BODY, "input": ["a", "b"], **said, "llm7router": {"allow_training": False}, "truncate": "END", "n": 1}
    assert embeddings.read(body) == ("p/m", ("a", "b"), said, ("truncate", "n"))


def test_null_is_not_said() -> None:
    assert embeddings.read({**BODY, "dimensions": None, "encoding_format": None, "user": None}).parameters == {}


def test_as_many_texts_as_openai_takes() -> None:
    assert len(embeddings.read({**BODY, "input": ["a"] * 2048}).inputs) == 2048


@pytest.mark.parametrize(
    ("changes", "param", "says"),
    [
        ({"model": None}, "model", "model must be the name of an embeddings model"),
        ({"model": ""}, "model", "model must be"),
        ({"model": 5}, "model", "model must be"),
        ({"input": None}, "input", "input must be a text or a list of texts"),
        ({"input": []}, "input", "with at least one"),
        ({"input": {"text": "a"}}, "input", "input must be a text"),
        ({"input": ""}, "input", r"input\[0\] must be a text that is not empty"),
        ({"input": ["a", ""]}, "input", r"input\[1\] must be a text that is not empty"),
        ({"input": ["a", None]}, "input", r"input\[1\] must be a text"),
        ({"input": [1, 2]}, "input", "token ids mean another text to each model; send the text"),
        ({"input": [[1, 2], [3]]}, "input", "token ids"),
        ({"input": ["a"] * 2049}, "input", r"at most 2048 texts \(given 2049\); send the rest in another request"),
        ({"dimensions": 0}, "dimensions", "a whole number of at least 1"),
        ({"dimensions": True}, "dimensions", "a whole number"),
        ({"dimensions": "256"}, "dimensions", "a whole number"),
        ({"encoding_format": "int8"}, "encoding_format", "encoding_format must be float or base64"),
        ({"encoding_format": ["float"]}, "encoding_format", "encoding_format must be"),
        ({"user": 5}, "user", "user must be a text"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_wrong_is_named_with_what_to_change(changes: dict[str, Any], param: str, says: str) -> None:
    with pytest.raises(ApiError, match=says) as raised:
        embeddings.read({**BODY, **changes})
    assert (raised.value.status, raised.value.param) == (400, param)


def test_the_answer_is_openais_list() -> None:
    assert embeddings.whole(result()) == {
        "object": "list",
        "data": [
            {"object": "embedding", "index": 0, "embedding": [0.5, -2.0]},
            {"object": "embedding", "index": 1, "embedding": [1.0, 0.0]},
        ],
        "model": "p/m",
        "usage": {"prompt_tokens": 9, "total_tokens": 9},
    }


def test_base64_stays_base64() -> None:
    answer = embeddings.whole(result(vectors=(), base64=("AAAAPw==",)))
    assert answer["data"] == [{"object": "embedding", "index": 0, "embedding": "AAAAPw=="}]
