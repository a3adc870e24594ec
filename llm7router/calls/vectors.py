"""What an embeddings answer holds: a vector for each text, in their order, of finite numbers. Pure.

A vector is a tuple of floats, or text: base64 of float32, little-endian, as OpenAI has it. Servers differ in which of
the two they send, whatever was asked for, so both are read, and turned into what was asked for.
"""

from __future__ import annotations

import base64
import binascii
import sys
from array import array
from collections.abc import Mapping, Sequence
from typing import Any

from llm7router.calls.answers import BadAnswerError, count, headers_of
from llm7router.types import Failure, Outcome

Vector = tuple[float, ...] | str
LARGEST = 3.4e38  # that float32 holds
NUMBERS = frozenset({int, float})


def read(response: Any, texts: int, dimensions: int | None, headers: Mapping[str, str] | None = None) -> Outcome:
    """A success with one vector for each of `texts`, in their order, or why it is none.

    `headers` are those of the answer where the response does not have them. Vectors of another size than was asked
    for are no ill health: the model knows no other.
    """
    headers = headers or headers_of(response)
    try:
        entries = _in_order(getattr(response, "data", None), texts)
        read_vectors = [_vector(entry.get("embedding")) for entry in entries]
    except BadAnswerError as error:
        return Outcome(Failure.BAD_ANSWER, str(error), headers=headers)
    sizes = {size for size, _ in read_vectors}
    if len(sizes) > 1:
        return Outcome(Failure.BAD_ANSWER, "vectors of different sizes", headers=headers)
    size = sizes.pop()
    if dimensions is not None and size != dimensions:
        detail = f"vectors of {size} numbers, where {dimensions} were asked for"
        return Outcome(Failure.UNSUPPORTED, detail, headers=headers)
    vectors = tuple(vector for _, vector in read_vectors)
    return Outcome(response=vectors, prompt_tokens=_tokens(response), output_tokens=0, headers=headers)


def floats(vectors: Sequence[Vector]) -> tuple[tuple[float, ...], ...]:
    """As numbers."""
    return tuple(tuple(_decoded(vector)) if isinstance(vector, str) else vector for vector in vectors)


def encoded(vectors: Sequence[Vector]) -> tuple[str, ...]:
    """As base64. Numbers lose what float32 does not hold."""
    return tuple(vector if isinstance(vector, str) else _encoded(vector) for vector in vectors)


def _in_order(data: Any, texts: int) -> list[Any]:
    """The entries by their index. Where none has one, the order is theirs; where JSON left out a 0, it is 0."""
    if not isinstance(data, list | tuple) or not all(hasattr(entry, "get") for entry in data):
        raise BadAnswerError("an answer without vectors")
    if len(data) != texts:
        raise BadAnswerError(f"{len(data)} vectors for {texts} texts")
    indices = [entry.get("index") for entry in data]
    if all(index is None for index in indices):
        return list(data)
    places = [0 if index is None else index for index in indices]
    if any(type(place) is not int for place in places) or sorted(places) != list(range(texts)):
        raise BadAnswerError("vectors whose indices are not those of the texts")
    return [entry for _, entry in sorted(zip(places, data, strict=True), key=lambda pair: pair[0])]


def _vector(given: Any) -> tuple[int, Vector]:
    """The number of numbers, and the vector. Raises BadAnswerError."""
    numbers: Sequence[float]
    try:
        if isinstance(given, str):
            numbers = _decoded(given)
        elif isinstance(given, list | tuple) and set(map(type, given)) <= NUMBERS:
            numbers = given = tuple(map(float, given))
        else:
            raise BadAnswerError("a vector that is no list of numbers")
    except (ValueError, OverflowError, binascii.Error):
        raise BadAnswerError("a vector that cannot be read") from None
    if not numbers:
        raise BadAnswerError("an empty vector")
    if not all(-LARGEST <= number <= LARGEST for number in numbers):  # nor is NaN
        raise BadAnswerError("a vector with a number that is not finite")
    return len(numbers), given


def _decoded(text: str) -> array[float]:
    """Raises ValueError for what is no base64, and for a length that is no multiple of four bytes."""
    numbers = array("f")
    numbers.frombytes(base64.b64decode(text, validate=True))
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _encoded(vector: Sequence[float]) -> str:
    numbers = array("f", vector)
    if sys.byteorder == "big":
        numbers.byteswap()
    return base64.b64encode(numbers.tobytes()).decode()


def _tokens(response: Any) -> int | None:
    """Tokens of the texts as the provider counted them; some only give the total, and LiteLLM puts 0 for nothing."""
    usage = getattr(response, "usage", None)
    told = (count(getattr(usage, name, None)) for name in ("prompt_tokens", "total_tokens"))
    return next((tokens for tokens in told if tokens), None)
