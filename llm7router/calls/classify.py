"""From an exception to an `Outcome`: what the provider said, then its status, then how the connection ended.

Works on strings only, so that nothing keeps the exception: LiteLLM's frames hold the key.
"""

from __future__ import annotations

import re
from dataclasses import replace

from llm7router.calls.axis import axis_of
from llm7router.calls.local import errors as local
from llm7router.calls.redact import redact
from llm7router.calls.reply import Reply, chain, reply_of
from llm7router.calls.retry_after import parse_wait
from llm7router.calls.rules import failure_of, rule_for
from llm7router.clock import SystemClock
from llm7router.types import Deployment, Failure, Outcome

# Failures of which a provider may say when they end.
WAITING = frozenset({Failure.RATE_LIMITED, Failure.QUOTA_GONE, Failure.NO_QUOTA, Failure.OVERLOADED})
LIMITED = frozenset({Failure.RATE_LIMITED, Failure.QUOTA_GONE})
UNSENT = frozenset({Failure.REQUEST_REJECTED, Failure.UNSUPPORTED})  # LiteLLM's own refusals: nothing was sent
LOCAL: dict[type[local.LocalError], Failure] = {
    local.LocalModelError: Failure.LOCAL_BROKEN,
    local.LocalBusyError: Failure.BUSY,
    local.LocalContextError: Failure.CONTEXT_TOO_LONG,
    local.LocalRequestError: Failure.REQUEST_REJECTED,
    local.LocalFailedError: Failure.SERVER_ERROR,
}
# LiteLLM's classes that say more than their status; only consulted when the text did not decide.
CLASSES = {
    "ContextWindowExceededError": Failure.CONTEXT_TOO_LONG,
    "ContentPolicyViolationError": Failure.POLICY,
    "UnsupportedParamsError": Failure.UNSUPPORTED,
}
# By class name, since these libraries are only loaded when there is something to call. The first that is found counts.
LOST = (
    (frozenset({"NeverSentError", "ConnectTimeout", "ClientConnectorError"}), Failure.UNREACHABLE),
    (frozenset({"TimeoutError", "TimeoutException", "Timeout"}), Failure.TIMEOUT),
    (frozenset({"TransportError", "DecodingError"}), Failure.BAD_ANSWER),
)
_CODE = re.compile(r'"(?:code|status)"\s{0,4}:\s{0,4}"?([1-5][0-9]{2})\b')


def classify(error: BaseException, deployment: Deployment, *, now: float | None = None) -> Outcome:
    """How a call failed. Never raises. `now`, in epoch seconds, is for waits given as a date."""
    if (found := local.find(error)) is not None:
        return Outcome(LOCAL.get(type(found), Failure.LOCAL_BROKEN), redact(str(found), deployment))
    lost = _lost(error)
    reply = reply_of(error)
    if not reply.arrived and lost is not None:
        return Outcome(lost[0], redact(lost[1], deployment))
    now = SystemClock.now() if now is None else now
    kind = type(error).__name__
    if reply.arrived and reply.status is not None:
        return said(reply, deployment, now, kind)
    if type(error).__module__.partition(".")[0] not in {"litellm", "openai"}:  # a fault on this side
        return Outcome(Failure.SERVER_ERROR, redact(f"{kind}: {reply.message}", deployment))
    outcome = said(reply, deployment, now, kind)
    return _mild(outcome) if outcome.failure in UNSENT else _begun(outcome, deployment)


def inside(text: str, deployment: Deployment, now: float) -> Outcome:
    """What an error inside an answer means; `text` is its JSON."""
    code = _CODE.search(text)
    return _begun(said(Reply(int(code[1]) if code else None, text), deployment, now), deployment)


def said(reply: Reply, deployment: Deployment, now: float, kind: str = "") -> Outcome:
    """What a provider's error means."""
    status = reply.status or 0
    rule = rule_for(reply.text, reply.status)
    failure = rule.failure if rule is not None else CLASSES.get(kind, failure_of(status))
    return Outcome(
        failure,
        redact(reply.message or f"HTTP {status}", deployment),
        status=reply.status,
        retry_after_s=parse_wait(reply.headers, reply.text, now) if failure in WAITING else None,
        axis=axis_of(reply.text) if failure in LIMITED else None,
        upstream_only=rule is not None and rule.upstream_only,
        headers=reply.headers,
    )


def _begun(outcome: Outcome, deployment: Deployment) -> Outcome:
    """An error after a 200. What costs money may have been at work by then, and be billed; of what is free, the
    failure alone says what is given back."""
    return replace(_mild(outcome), generated=not deployment.free)


def _mild(outcome: Outcome) -> Outcome:
    """The provider answered, so it is up; what it said is no answer."""
    if outcome.failure in {Failure.SERVER_ERROR, Failure.OVERLOADED}:
        return replace(outcome, failure=Failure.BAD_ANSWER, retry_after_s=None)
    return outcome


def _lost(error: BaseException) -> tuple[Failure, str] | None:
    """What became of the connection, if that is what failed, in the words of the deepest error that tells."""
    links = [(link, {base.__name__ for base in type(link).__mro__}) for link in chain(error)]
    for known, failure in LOST:
        if told := [link for link, names in links if names & known]:
            return failure, str(told[-1]) or type(told[-1]).__name__
    return None
