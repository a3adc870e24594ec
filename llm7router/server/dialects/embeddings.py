"""OpenAI's `/v1/embeddings`: what is asked for, and the list that answers. Pure.

It is no `Dialect`: there are no messages, and nothing to stream.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from llm7router.calls.params import EMBEDDINGS
from llm7router.decision.embeddings import FORMATS
from llm7router.server.dialects.context import FIELD
from llm7router.server.errors import ApiError
from llm7router.types import EmbeddingResult

MOST_INPUTS = 2048  # OpenAI's
OWN = frozenset({"model", "input", FIELD})


class Texts(NamedTuple):
    """What is asked for: `inputs` and `parameters` are those of `LLMRouter.embed`."""

    model: str  # as the client named it
    inputs: tuple[str, ...]
    parameters: dict[str, Any]
    ignored: tuple[str, ...]  # fields that were left out


def read(body: Mapping[str, Any]) -> Texts:
    """Raises ApiError (400) for what is no request for embeddings; unknown fields are ignored and named."""
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise ApiError(400, "model must be the name of an embeddings model; GET /v1/models lists names", param="model")
    return Texts(
        model=model,
        inputs=_inputs(body.get("input")),
        parameters=_parameters(body),
        ignored=tuple(name for name in body if name not in EMBEDDINGS and name not in OWN),
    )


def whole(result: EmbeddingResult) -> dict[str, Any]:
    """The list. `model` is who answered, as `provider/model`."""
    vectors: Sequence[Any] = result.base64 or result.vectors
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": vector if isinstance(vector, str) else list(vector)}
            for index, vector in enumerate(vectors)
        ],
        "model": result.deployment,
        "usage": {"prompt_tokens": result.tokens_input, "total_tokens": result.tokens_input},
    }


def _inputs(given: Any) -> tuple[str, ...]:
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts:
        raise ApiError(400, "input must be a text or a list of texts, with at least one", param="input")
    if len(texts) > MOST_INPUTS:
        message = f"input must have at most {MOST_INPUTS} texts (given {len(texts)}); send the rest in another request"
        raise ApiError(400, message, param="input")
    for index, text in enumerate(texts):
        if isinstance(text, int | list):
            message = "input must be text: token ids mean another text to each model; send the text they stand for"
            raise ApiError(400, message, param="input")
        if not isinstance(text, str) or not text:
            raise ApiError(400, f"input[{index}] must be a text that is not empty", param="input")
    return tuple(texts)


def _parameters(body: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: body[name] for name in sorted(EMBEDDINGS) if body.get(name) is not None}
    dimensions, encoding, user = given.get("dimensions"), given.get("encoding_format"), given.get("user")
    if dimensions is not None and (type(dimensions) is not int or dimensions < 1):
        raise ApiError(400, "dimensions must be a whole number of at least 1", param="dimensions")
    if encoding is not None and encoding not in FORMATS:
        raise ApiError(400, f"encoding_format must be {' or '.join(FORMATS)}", param="encoding_format")
    if user is not None and not isinstance(user, str):
        raise ApiError(400, "user must be a text", param="user")
    return given
