"""What hooks hear: one frozen record for each request, when it has ended.

A hook is any callable that takes a `RequestEvent`. It runs in the event loop between two requests, so it must be
quick; what it raises is logged and changes nothing. Metrics, traces, the request log and the dashboard are hooks.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from llm7router.errors import (
    AllProvidersExhaustedError,
    CallerLimitError,
    NoProviderAvailableError,
    RequestRejectedError,
    StreamInterruptedError,
)
from llm7router.types import AttemptRecord, CompletionResult, Decision, EmbeddingResult, Message, Request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llm7router.clock import Clock

log = logging.getLogger("llm7router")

OK, CANCELLED, FAULT = "ok", "cancelled", "fault"
ENDINGS: dict[type[BaseException], str] = {
    CallerLimitError: "limited",
    NoProviderAvailableError: "unavailable",
    AllProvidersExhaustedError: "exhausted",
    RequestRejectedError: "rejected",
    StreamInterruptedError: "interrupted",
}
OUTCOMES = (OK, *ENDINGS.values(), CANCELLED, FAULT)


@dataclass(frozen=True, slots=True)
class RequestEvent:
    """A request and how it ended.

    `at` is the instant of its begin in epoch seconds, `duration_s` the seconds from there to its end; `first_token_s`
    those to the first content, of a stream that had any. `outcome` is one of `OUTCOMES`: ok, limited (the caller's own
    limits), unavailable (nothing could be tried), exhausted (everything failed), rejected (the request is at fault),
    interrupted (a stream broke off), cancelled (the caller left), or fault (of this program). A request has `messages`
    to answer or `inputs` to embed, by `request.operation`. Those and `result` hold content: a hook that passes them on
    must have been asked to.
    """

    at: float
    request: Request
    outcome: str
    duration_s: float
    stream: bool
    decision: Decision | None
    attempts: tuple[AttemptRecord, ...]
    first_token_s: float | None = None
    error: str = ""  # the message for people; no keys, no prompts
    result: CompletionResult | EmbeddingResult | None = field(default=None, repr=False)
    messages: Sequence[Message] = field(default=(), repr=False)
    inputs: Sequence[str] = field(default=(), repr=False)

    @property
    def deployment(self) -> str | None:
        """`provider/model` that answered, perhaps an earlier request (`result.cached`), or that was tried last."""
        if self.attempts:
            return self.attempts[-1].deployment
        return self.result.deployment if self.result is not None else None


Hook = Callable[[RequestEvent], None]


@dataclass(slots=True)
class Watch:
    """What is known of a request under way. The engine and the router fill it in."""

    request: Request
    messages: Sequence[Message]
    stream: bool
    began: float  # monotonic seconds
    decision: Decision | None = None
    records: list[AttemptRecord] = field(default_factory=list)
    first_token_s: float | None = None
    result: CompletionResult | EmbeddingResult | None = None
    inputs: Sequence[str] = ()


class Hooks:
    """The hooks of a router, in the order in which they were added."""

    def __init__(self, clock: Clock, hooks: Sequence[Hook] = ()) -> None:
        self._clock = clock
        self._hooks = list(hooks)

    def add(self, hook: Hook) -> None:
        """Call it for each request from now on."""
        self._hooks.append(hook)

    def remove(self, hook: Hook) -> None:
        """No longer call it. Nothing happens if it was not added."""
        if hook in self._hooks:
            self._hooks.remove(hook)

    @contextmanager
    def watching(self, watch: Watch) -> Iterator[Watch]:
        """Tells every hook how the request inside ended."""
        try:
            yield watch
        except BaseException as error:
            self._tell(watch, error)
            raise
        self._tell(watch, None)

    def _tell(self, watch: Watch, error: BaseException | None) -> None:
        if not self._hooks:
            return
        duration_s = self._clock.monotonic() - watch.began
        event = RequestEvent(
            at=self._clock.now() - duration_s,
            request=watch.request,
            outcome=OK if watch.result is not None else _outcome(error),
            duration_s=duration_s,
            stream=watch.stream,
            decision=watch.decision,
            attempts=tuple(watch.records),
            first_token_s=watch.first_token_s,
            error=str(error) if type(error) in ENDINGS else "",
            result=watch.result,
            messages=watch.messages,
            inputs=watch.inputs,
        )
        for hook in list(self._hooks):
            try:
                hook(event)
            except Exception as fault:  # an observer must not harm what it observes
                # Its words may quote what it was given.
                name = getattr(hook, "__qualname__", type(hook).__name__)
                log.error("the hook %s failed: %s", name, type(fault).__name__)


def _outcome(error: BaseException | None) -> str:
    if error is None:
        return OK
    if isinstance(error, Exception):
        return ENDINGS.get(type(error), FAULT)
    return CANCELLED  # CancelledError, or GeneratorExit of a stream that nobody reads any more
