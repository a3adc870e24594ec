"""What the gateway needs of an API's dialect: how requests are read, and how answers and errors are written.

Inside there is one language: OpenAI's chat messages and parameters in, `CompletionResult` and `StreamChunk` out. A
dialect is pure: no I/O, no clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from llm7router.server.errors import ApiError
from llm7router.server.respond import dumps
from llm7router.types import CompletionResult, Message, StreamChunk


class Asked(NamedTuple):
    """A request in the inner language. `id` and `created` (epoch seconds) name the answer to come."""

    id: str
    created: int
    model: str  # as the client named it
    messages: Sequence[Message]
    parameters: Mapping[str, Any]  # of chat completions
    stream: bool
    said: Mapping[str, Any]  # checked fields of a `RequestContext`
    ignored: tuple[str, ...] = ()  # fields that were left out
    own: Mapping[str, Any] = MappingProxyType({})  # what the dialect needs again when it writes the answer


class Writer(Protocol):
    """Writes one streamed answer: each method returns what goes over the wire now, perhaps nothing."""

    def chunk(self, chunk: StreamChunk) -> bytes:
        """A piece of the answer. The first brings what has to come before it, too."""
        ...

    def end(self, result: CompletionResult) -> bytes:
        """The end of a whole answer, usage included."""
        ...

    def failed(self, error: ApiError) -> bytes:
        """The end of an answer that broke off: one error event, and nothing that says it was whole."""
        ...


class Dialect(Protocol):
    """One API."""

    def read(self, body: Mapping[str, Any], id: str, created: int) -> Asked:
        """Raises ApiError (400) for what is not a request of this API; unknown fields are ignored and named."""
        ...

    def whole(self, asked: Asked, result: CompletionResult) -> dict[str, Any]:
        """The body of a whole answer."""
        ...

    def writer(self, asked: Asked) -> Writer:
        """Writes a streamed answer to this request."""
        ...

    def error(self, error: ApiError) -> dict[str, Any]:
        """The body of an error."""
        ...


def sse(data: Any, event: str | None = None) -> bytes:
    """One server-sent event with JSON in it."""
    named = f"event: {event}\n".encode() if event else b""
    return b"%sdata: %s\n\n" % (named, dumps(data))
