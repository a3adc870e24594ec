"""Local models as a LiteLLM provider. Importing this module imports litellm."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from typing import Any

import litellm
from litellm import exceptions
from litellm.llms.custom_llm import CustomLLM
from litellm.types.utils import (
    Choices,
    Delta,
    GenericStreamingChunk,
    Message,
    ModelResponse,
    ModelResponseStream,
    StreamingChoices,
    Usage,
)

from llm7router.calls.local import registry
from llm7router.calls.local.assemble import Whole
from llm7router.calls.local.engines import Chunk
from llm7router.calls.local.errors import (
    LocalBusyError,
    LocalContextError,
    LocalError,
    LocalModelError,
    LocalRequestError,
)
from llm7router.calls.local.repeats import joined

LOCAL_PROVIDER = "llm7router_local"


class LocalHandler(CustomLLM):
    """Answers `llm7router_local/HANDLE` with the model that `registry.ensure` gave that handle.

    A LocalError leaves as the LiteLLM exception of its meaning; `errors.find` gets it back from there. There are
    no deadlines in here: the caller's `asyncio.timeout` cancels, and that stops the generation.
    """

    async def acompletion(self, *_: Any, **call: Any) -> ModelResponse:
        """The whole answer."""
        whole = Whole()
        try:
            async with aclosing(_chunks(call)) as chunks:
                async for chunk in chunks:
                    whole.add(chunk)
        except LocalError as error:
            raise _public(error, call) from error
        choice = Choices(finish_reason=whole.finish_reason, index=0, message=Message(**whole.message()))
        counted = {"usage": Usage(**whole.usage)} if whole.usage else {}
        return ModelResponse(model=call["model"], choices=[choice], **counted)

    async def astreaming(self, *_: Any, **call: Any) -> AsyncIterator[Any]:  # type: ignore[override]
        """Each delta as it comes, then the finish reason and usage.

        LiteLLM keeps reasoning and tool calls of the one type, and the usage of the other.
        """
        whole = Whole()
        about = {"id": f"chatcmpl-{uuid.uuid4()}", "model": call["model"]}
        try:
            async with aclosing(_chunks(call)) as chunks, aclosing(joined(chunks, _longest_run())) as pieces:
                async for chunk in pieces:
                    whole.add(chunk)
                    if fields := _delta(chunk):
                        choice = StreamingChoices(index=0, delta=Delta(**fields), finish_reason=None)
                        yield ModelResponseStream(**about, choices=[choice])
        except LocalError as error:
            raise _public(error, call) from error
        yield GenericStreamingChunk(
            text="", is_finished=True, finish_reason=whole.finish_reason or "stop", usage=_usage(whole), index=0
        )

    def completion(self, *_: Any, **call: Any) -> ModelResponse:
        """The whole answer, for synchronous callers without a running event loop."""
        return asyncio.run(self.acompletion(**call))

    def streaming(self, *_: Any, **call: Any) -> Iterator[Any]:
        """Each delta as it comes, for synchronous callers without a running event loop."""
        with asyncio.Runner() as runner:
            pieces = self.astreaming(**call)
            while True:
                try:
                    yield runner.run(anext(pieces))  # type: ignore[arg-type]
                except StopAsyncIteration:
                    return


def _chunks(call: dict[str, Any]) -> Any:
    return registry.worker(call["model"]).chunks(call["messages"], call.get("optional_params") or {})


def _longest_run() -> int:
    """How many equal pieces in a row may be shown: LiteLLM ends a stream at its limit of 100, taking it for a loop."""
    return max(2, getattr(litellm, "REPEATED_STREAMING_CHUNK_LIMIT", 100) // 2)


def _delta(chunk: Chunk) -> dict[str, Any]:
    """What a chunk adds to the message; empty if nothing."""
    choices = chunk.get("choices") or [{}]
    delta = choices[0].get("delta") or {}
    fields = {name: delta[name] for name in ("content", "reasoning_content", "tool_calls") if delta.get(name)}
    return {"role": "assistant", **fields} if fields else {}


def _usage(whole: Whole) -> Any:
    if whole.usage is None:
        return None
    return {name: whole.usage.get(name, 0) for name in ("prompt_tokens", "completion_tokens", "total_tokens")}


def _public(error: LocalError, call: dict[str, Any]) -> Exception:
    """The LiteLLM exception with the same meaning."""
    about = {"message": str(error), "model": call["model"], "llm_provider": LOCAL_PROVIDER}
    if isinstance(error, LocalContextError):
        return exceptions.ContextWindowExceededError(**about)
    if isinstance(error, LocalRequestError):
        return exceptions.BadRequestError(**about)
    if isinstance(error, LocalBusyError):
        return exceptions.RateLimitError(**about)
    if isinstance(error, LocalModelError):
        return exceptions.ServiceUnavailableError(**about)
    return exceptions.InternalServerError(**about)
