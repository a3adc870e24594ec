"""Everything the package raises on purpose.

    Llm7RouterError
    ├── ArgumentError                    a value of the caller's is of the wrong kind; a TypeError, too
    ├── ConfigError                      router.yaml, keys or arguments are wrong; nothing was called
    │   └── ModelNotFoundError           nothing has the name that was asked for
    ├── RoutingError                     a request got no answer
    │   ├── CallerLimitError             who asks has used up a limit of its own
    │   ├── NoProviderAvailableError     nothing could be tried: every deployment was rejected beforehand
    │   ├── AllProvidersExhaustedError   everything that could be tried failed
    │   ├── RequestRejectedError         the request itself is at fault, as providers said
    │   └── StreamInterruptedError       an answer broke off after its first content had been passed on
    └── StoreError                       the state store cannot be used

Messages hold no keys and no prompts; details are attributes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llm7router.config.faults import Fault
    from llm7router.types import AttemptRecord, Decision


class Llm7RouterError(Exception):
    """Base of every error that the package raises on purpose."""


class ArgumentError(Llm7RouterError, TypeError):
    """Messages, context or parameters are of the wrong kind. Apart from other TypeErrors, which are faults of ours:
    the gateway passes on what this says, and nothing of those.
    """


class ConfigError(Llm7RouterError):
    """The configuration cannot be used. `faults` lists every fault found, not only the first."""

    def __init__(self, message: str, faults: Sequence[Fault] = ()) -> None:
        super().__init__(message)
        self.faults = tuple(faults)


class ModelNotFoundError(ConfigError):
    """Nothing has the name that was asked for as `model`. `nearest` are names like it, the nearest first."""

    def __init__(self, model: str, nearest: Sequence[str]) -> None:
        hint = f"did you mean {', '.join(map(repr, nearest))}? " if nearest else ""
        advice = "'auto' takes whoever serves best, and `aliases` in router.yaml add names"
        super().__init__(f"no model {model[:80]!r}; {hint}{advice}")
        self.model, self.nearest = model, tuple(nearest)


class RoutingError(Llm7RouterError):
    """A request got no answer.

    `decision` says what was ranked and what was rejected, `attempts` what was tried and how each ended,
    `retry_after_s` is the time in seconds until the first candidate is available again, or None if unknown.
    """

    def __init__(
        self,
        message: str,
        *,
        decision: Decision | None = None,
        attempts: Sequence[AttemptRecord] = (),
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.decision = decision
        self.attempts = tuple(attempts)
        self.retry_after_s = retry_after_s


class CallerLimitError(RoutingError):
    """A limit of the caller's own (`server.keys` in router.yaml) is used up. `retry_after_s` is when it frees up."""


class NoProviderAvailableError(RoutingError):
    """Every deployment was rejected before any call: limits, keys, capabilities, breakers or the budget."""


class AllProvidersExhaustedError(RoutingError):
    """Every deployment that could be tried failed, or the deadline passed."""


class RequestRejectedError(RoutingError):
    """The request itself is at fault. `status` is the first provider's HTTP status, if it gave one."""

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        decision: Decision | None = None,
        attempts: Sequence[AttemptRecord] = (),
    ) -> None:
        super().__init__(message, decision=decision, attempts=attempts)
        self.status = status


class StreamInterruptedError(RoutingError):
    """An answer broke off after its first content had been passed on, so no other provider could take over."""


class StoreError(Llm7RouterError):
    """The state store cannot be opened, read or written."""
