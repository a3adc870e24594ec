"""The real call layer: every call goes through `litellm.acompletion`, or `aembedding`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from llm7router.calls import answers, litellm_api, vectors
from llm7router.calls.account import Accounts
from llm7router.calls.base import Call
from llm7router.calls.classify import classify
from llm7router.calls.redact import redact
from llm7router.calls.stream import ContentStream
from llm7router.calls.tail import Tail
from llm7router.clock import Clock, SystemClock
from llm7router.types import Failure, Outcome

if TYPE_CHECKING:
    from llm7router.calls.clients import Clients

LOCAL_PROVIDER = "llm7router_local"  # the prefix of models that LiteLLM finds in this process


class LiteLLMBackend:
    """Implements `llm7router.calls.base.Backend`. LiteLLM is imported by the first call, or by `warm_up`."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._clients: Clients | None = None
        self._handler_registered = False
        self._accounts = Accounts(self._clock)

    async def warm_up(self) -> None:
        """Import LiteLLM now, in a worker thread, so that the first call does not wait for it."""
        await self._open()

    async def complete(self, call: Call) -> Outcome:
        """A whole answer in `outcome.response`, validated to hold one; failures are outcomes too."""
        return await self._whole(call, self._completed)

    async def embed(self, call: Call) -> Outcome:
        """A vector for each input in `outcome.response`, validated by `calls.vectors`; failures are outcomes too."""
        if call.deployment.local:
            return Outcome(Failure.LOCAL_BROKEN, "local models give no embeddings")
        return await self._whole(call, self._embedded)

    async def _whole(self, call: Call, made: Callable[[Call], Awaitable[Outcome]]) -> Outcome:
        loaded = await self._loaded(call)
        if isinstance(loaded, Outcome):
            return loaded
        call = loaded
        self._accounts.ask(call.deployment, call.proxy)
        started = self._clock.monotonic()
        try:
            async with asyncio.timeout(call.timeout_s):
                outcome = await made(call)
        except TimeoutError:
            outcome = Outcome(Failure.TIMEOUT, f"no answer within {call.timeout_s:g} s")
        except Exception as error:
            outcome = classify(error, call.deployment, now=self._clock.now())
        took = self._clock.monotonic() - started
        return replace(outcome, duration_s=took, account=self._accounts.take(call.deployment))

    async def stream(self, call: Call) -> Outcome:
        """Returns once the first content has arrived, in `outcome.stream`, or once the call has failed."""
        loaded = await self._loaded(call)
        if isinstance(loaded, Outcome):
            return loaded
        call = loaded
        self._accounts.ask(call.deployment, call.proxy)
        started = self._clock.monotonic()
        patience = min(call.first_token_s, call.timeout_s)
        stream: ContentStream | None = None
        try:
            async with asyncio.timeout(patience):
                stream = await self._begin(call, started)
                outcome = await stream.wait_for_content()
        except TimeoutError:
            outcome = Outcome(Failure.TIMEOUT, f"no content within {patience:g} s")
        except Exception as error:
            outcome = stream.explain(error) if stream else classify(error, call.deployment, now=self._clock.now())
        except BaseException:  # the caller left
            if stream is not None:
                await stream.aclose()
            raise
        took = self._clock.monotonic() - started
        if stream is not None and outcome is None:
            account = self._accounts.take(call.deployment)
            return Outcome(stream=stream, first_token_s=took, duration_s=took, headers=stream.headers, account=account)
        if stream is not None:
            await stream.aclose()
        return replace(outcome or Outcome(Failure.BAD_ANSWER), duration_s=took)

    async def aclose(self) -> None:
        """Close the connections of the running loop and release local models."""
        await self._accounts.aclose()
        if self._clients is not None:
            await self._clients.aclose()
        if self._handler_registered:
            from llm7router.calls.local import registry

            await registry.aclose(self)

    async def _loaded(self, call: Call) -> Call | Outcome:
        """The call with the time that is left of it once LiteLLM is there, or why it cannot be made."""
        if self._clients is not None:
            return call
        started = self._clock.monotonic()
        try:
            async with asyncio.timeout(call.timeout_s):
                await self._open()
        except TimeoutError:  # nothing was sent, and no provider is to blame
            return Outcome(Failure.REFUSED, "the call layer was not loaded in time")
        except Exception as error:
            return Outcome(Failure.SERVER_ERROR, redact(f"LiteLLM cannot be imported: {type(error).__name__}: {error}"))
        took = self._clock.monotonic() - started
        deadline_s = None if call.deadline_s is None else max(0.0, call.deadline_s - took)
        return replace(call, timeout_s=max(0.0, call.timeout_s - took), deadline_s=deadline_s)

    async def _open(self) -> None:
        await litellm_api.load()
        if self._clients is None:
            from llm7router.calls.clients import Clients  # imports LiteLLM

            self._clients = Clients()

    async def _begin(self, call: Call, started: float) -> ContentStream:
        from llm7router.calls.transport import TAIL, told  # imports httpx

        with told(TAIL, Tail()) as tail:
            wrapper = await self._dispatch(call, stream=True)
        return ContentStream(wrapper, call, tail, self._clock, started)

    async def _completed(self, call: Call) -> Outcome:
        from llm7router.calls.transport import ENDED, Ended, told  # imports httpx

        with told(ENDED, Ended()) as ended:
            response = await self._dispatch(call, stream=False)
        if ended.unsaid:
            answers.forget_endings(response)
        return answers.read(response)

    async def _embedded(self, call: Call) -> Outcome:
        from llm7router.calls.arguments import of_embedding  # imports httpx
        from llm7router.calls.transport import BULK, MAX_BODY, VECTOR_BODY, Bulk, told
        from llm7router.calls.unlogged import record_of  # imports LiteLLM

        assert self._clients is not None
        given = of_embedding(call)
        given["client"] = self._clients.for_call(call, given)
        given["litellm_logging_obj"] = record_of(given, stream=False, function="aembedding")
        with told(BULK, Bulk(MAX_BODY + VECTOR_BODY * len(call.inputs))) as bulk:
            response = await litellm_api.load_now().aembedding(**given)
        return vectors.read(response, len(call.inputs), call.parameters.get("dimensions"), bulk.headers)

    async def _dispatch(self, call: Call, stream: bool) -> Any:
        from llm7router.calls.arguments import arguments  # imports httpx
        from llm7router.calls.unlogged import record_of  # imports LiteLLM

        assert self._clients is not None
        given = arguments(call, stream)
        if call.deployment.local:
            given["model"] = f"{LOCAL_PROVIDER}/{self._local_handle(call)}"
        else:
            given["client"] = self._clients.for_call(call, given)
        given["litellm_logging_obj"] = record_of(given, stream)
        return await litellm_api.load_now().acompletion(**given)

    def _local_handle(self, call: Call) -> str:
        from llm7router.calls.local import registry

        if not self._handler_registered:
            from llm7router.calls.local.handler import LocalHandler  # imports LiteLLM

            litellm_api.register_handler(LOCAL_PROVIDER, LocalHandler())
            self._handler_registered = True
        return registry.ensure(call.deployment, self)
