"""Limits of callers: whoever a request is for, the ledger counts it as it counts a provider's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from llm7router.decision import explain
from llm7router.errors import CallerLimitError
from llm7router.events import Watch
from llm7router.state.ledger import Ledger
from llm7router.state.quota import Refusal
from llm7router.types import Deployment, Failure, Outcome

# Counted as a request, its tokens given back: nobody generated any for this caller.
UNSERVED = Outcome(Failure.REQUEST_REJECTED)


class Admission:
    """Lets requests in while their caller's limits allow. Callers without limits pass."""

    def __init__(self, ledger: Ledger, callers: Mapping[str, Deployment]) -> None:
        self._ledger, self._callers = ledger, callers

    @asynccontextmanager
    async def of(self, watch: Watch) -> AsyncIterator[None]:
        """Holds the caller's part of its limits while the request is served, and corrects it at the end.

        Raises:
            CallerLimitError: a limit of the caller's is used up.
        """
        caller = self._callers.get(watch.request.caller or "")
        if caller is None:
            yield
            return
        request = watch.request
        reserved = await self._ledger.reserve(request, caller, lease_s=request.deadline_s, ignore_breaker=True)
        if isinstance(reserved, Refusal):
            wait = max(0.0, reserved.free_at - self._ledger.now())
            raise CallerLimitError(
                f"{request.caller}: {reserved.reason} (free in {explain.duration(wait)})", retry_after_s=wait
            )
        outcome = Outcome(Failure.CANCELLED)
        try:
            yield
        except Exception:
            outcome = UNSERVED
            raise
        finally:
            if watch.result is not None:
                output = getattr(watch.result, "tokens_output", 0)
                outcome = Outcome(prompt_tokens=watch.result.tokens_input, output_tokens=output)
            await self._ledger.settle(reserved, outcome)
