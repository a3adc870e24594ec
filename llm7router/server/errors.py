"""What goes wrong, as the client sees it: one table from our errors to HTTP, and OpenAI's error body."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from llm7router.calls.params import ALLOWED, EMBEDDINGS
from llm7router.calls.redact import printable
from llm7router.decision import explain
from llm7router.errors import (
    AllProvidersExhaustedError,
    ArgumentError,
    CallerLimitError,
    ConfigError,
    ModelNotFoundError,
    NoProviderAvailableError,
    RequestRejectedError,
    RoutingError,
    StreamInterruptedError,
)
from llm7router.types import Capability, Failure, Operation

LONGEST = 2000  # characters of a message
LIMITS = frozenset({Failure.RATE_LIMITED, Failure.QUOTA_GONE, Failure.REFUSED})  # what waiting alone cures
FIELDS = ALLOWED | EMBEDDINGS | {"messages", "model", "input"}
REJECTED = (400, 413, 422)  # statuses of providers that are passed on


class ApiError(Exception):
    """An answer that is an error. `type` and `code` are OpenAI's words; `param` names the field at fault.

    `extra` goes into the body under `llm7router`; `retry` says whether trying the same again can help.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        retry_after_s: float | None = None,
        retry: bool | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.type, self.code, self.param = status, type, code, param
        self.message = printable(message)[:LONGEST]
        self.retry_after_s, self.retry, self.extra = retry_after_s, retry, dict(extra or {})

    def headers(self) -> dict[str, str]:
        """`retry-after` in whole seconds, and what OpenAI's SDKs read before they try again."""
        headers = {"www-authenticate": "Bearer"} if self.status == 401 else {}
        if self.retry_after_s is not None and math.isfinite(self.retry_after_s):
            headers["retry-after"] = str(max(1, math.ceil(self.retry_after_s)))
        if self.retry is not None:
            headers["x-should-retry"] = str(self.retry).lower()
        return headers

    def body(self) -> dict[str, Any]:
        """OpenAI's."""
        error = {"message": self.message, "type": self.type, "param": self.param, "code": self.code}
        return {"error": error | ({"llm7router": self.extra} if self.extra else {})}


def of(error: Exception) -> ApiError:
    """The answer to an exception. What is no error of ours is a fault of ours, and says nothing of itself."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, ModelNotFoundError):
        return ApiError(404, str(error), code="model_not_found", param="model")
    if isinstance(error, RequestRejectedError):
        status = error.status if error.status in REJECTED else 400
        return ApiError(status, str(error), code="rejected_by_provider", retry=False, extra=_attempts(error))
    if isinstance(error, StreamInterruptedError):
        kind = "upstream_interrupted"
        return ApiError(502, str(error), type=kind, code=kind, extra=_attempts(error))
    if isinstance(error, CallerLimitError):
        return ApiError(
            429,
            str(error),
            type="rate_limit_error",
            code="rate_limit_exceeded",
            retry_after_s=error.retry_after_s,
            retry=None if error.retry_after_s is not None else False,
        )
    if isinstance(error, NoProviderAvailableError | AllProvidersExhaustedError):
        return _nothing_served(error)
    if isinstance(error, ArgumentError | ConfigError):
        return ApiError(400, str(error), param=_field(str(error)))
    return ApiError(500, "a fault in the gateway; its log has the name", type="server_error", code="internal_error")


def stopping() -> ApiError:
    """The answer to what is under way for longer than a server that stops waits."""
    return ApiError(503, "the gateway is stopping; send the request again", type="server_error", code="stopping",
                    retry_after_s=1)  # fmt: skip


def _field(message: str) -> str | None:
    """The field that a message begins with, if it does."""
    name = re.match(r"\w*", message)
    return name[0] if name and name[0] in FIELDS else None


def _nothing_served(error: RoutingError) -> ApiError:
    if (too_long := _context_too_long(error)) is not None:
        return too_long
    tried = [attempt.failure for attempt in error.attempts]
    waits = error.retry_after_s is not None
    # 429 only if waiting cures it: limits stand in the way of everything that was or would have been called.
    limited = all(failure in LIMITS for failure in tried) if tried else waits and _limits_alone(error)
    return ApiError(
        429 if limited and waits else 503,
        str(error),
        type="rate_limit_error" if limited and waits else "server_error",
        code="rate_limit_exceeded" if limited and waits else "no_provider_available",
        retry_after_s=error.retry_after_s,
        retry=None if waits or tried else False,  # nothing changes by itself
        extra=_attempts(error),
    )


def _limits_alone(error: RoutingError) -> bool:
    """Whether whatever ends by itself is a limit, and no breaker and no key that was rejected."""
    rejected = (
        [r.rejection for r in error.decision.rejected if r.rejection.free_at is not None] if error.decision else []
    )
    return all(r.filter == "rate_limits" or (r.filter == "block" and r.summary in LIMITS) for r in rejected)


def _context_too_long(error: RoutingError) -> ApiError | None:
    """The prompt fits nowhere: the client must shorten it, and waiting does not help."""
    decision = error.decision
    if error.attempts or decision is None or decision.candidates:
        return None
    texts = decision.request.operation is Operation.EMBEDDINGS
    usable = [
        r
        for r in explain.asked_for(decision)[0]
        if r.rejection.filter != "off" and (Capability.EMBEDDINGS in r.deployment.capabilities) == texts
    ]
    if not usable or any(r.rejection.filter != "context" for r in usable):
        return None
    most = max(r.deployment.context_window for r in usable)
    needed = decision.request.prompt_tokens
    return ApiError(
        400,
        f"about {needed} tokens were sent, and the longest context that is left has {most}; send less",
        code="context_length_exceeded",
        param="input" if texts else "messages",
        retry=False,
    )


def _attempts(error: RoutingError) -> dict[str, Any]:
    return {
        "attempts": [
            {
                "deployment": attempt.deployment,
                "failure": attempt.failure,
                "status": attempt.status,
                "detail": attempt.detail,  # redacted where it was read
                "retry_after_s": None if attempt.retry_after_s in (None, math.inf) else attempt.retry_after_s,
                "duration_s": round(attempt.duration_s, 3),
            }
            for attempt in error.attempts
        ]
    }
