"""What the router needs of a call layer. `LiteLLMBackend` is the real one, `testing.ScriptedBackend` the fake."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from llm7router.proxies import DIRECT, Proxy
from llm7router.types import Deployment, Message, Outcome, StreamChunk


@dataclass(frozen=True, slots=True)
class Call:
    """One call to make: `parameters` are ready to send. `timeout_s` bounds all of it, of a stream its begin.

    It has `messages` to answer, or `inputs` to embed.

    After the first content nobody else can answer: then `deadline_s` bounds the seconds of waiting for the provider,
    counted from the call's start. None: `timeout_s` does.
    """

    deployment: Deployment
    messages: Sequence[Message]
    parameters: Mapping[str, Any]
    timeout_s: float
    first_token_s: float = 15.0  # streams only: most seconds until the first content
    between_tokens_s: float = 20.0  # streams only: most seconds between two contents
    deadline_s: float | None = None  # streams only: seconds for all of it once content has arrived; None: timeout_s
    inputs: Sequence[str] = ()
    proxy: Proxy = DIRECT


class BrokenStreamError(Exception):
    """A stream failed after its first content. `outcome` says how; its `failure` is never None."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.detail)
        self.outcome = outcome


class ChunkStream(Protocol):
    """An answer as it arrives. Raises `BrokenStreamError`; always `aclose()` it, which ends the call upstream."""

    waited_s: float  # seconds spent waiting for the provider, from the start of the call; the caller's own not counted
    usage: tuple[int, int] | None  # prompt and output tokens as the provider counted them; set at the end
    cache_tokens: int  # as `Outcome.cache_tokens`; set with it

    def __aiter__(self) -> AsyncIterator[StreamChunk]: ...

    async def aclose(self) -> None: ...


class Backend(Protocol):
    """Makes calls. Never raises for a failed call: every failure is an `Outcome` with its class.

    `asyncio.CancelledError` is passed on, after the upstream connection was closed or generation stopped.
    """

    async def complete(self, call: Call) -> Outcome:
        """A whole answer in `outcome.response` (LiteLLM's ModelResponse), validated to hold one."""
        ...

    async def stream(self, call: Call) -> Outcome:
        """Returns once the first content has arrived, in `outcome.stream`, or once the call has failed."""
        ...

    async def embed(self, call: Call) -> Outcome:
        """Vectors in `outcome.response`, one for each of the call's inputs, as `calls.vectors` reads them."""
        ...

    async def aclose(self) -> None:
        """Release models and connections."""
        ...
