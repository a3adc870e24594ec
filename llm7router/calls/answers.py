"""What a finished answer holds. LiteLLM reports empty, cut and failed answers as successes: here they are not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from llm7router.calls.refusals import refusal_of
from llm7router.types import Failure, Outcome

MOST = 10**9  # tokens, or requests; no limit and no context is near it
MOST_CALLS = 256  # tool calls in one answer
NO_PLACE = "a tool call with an impossible index"
CUT = ("model_length", "abort")  # the context was full, the engine gave up: LiteLLM shows "stop" for both
REASONING_ONLY = "only reasoning within max_tokens"


class BadAnswerError(Exception):
    """A piece of an answer that cannot be used."""


def read(response: Any) -> Outcome:
    """A success with usage and headers, or `BAD_ANSWER` (`POLICY` for an empty answer that a filter emptied)."""
    headers = headers_of(response)
    choices = getattr(response, "choices", None) or []
    if not choices:
        return Outcome(Failure.BAD_ANSWER, "an answer without choices", headers=headers)
    failure = None if any(_has_content(choice) for choice in choices) else _why_empty(choices[0])
    if any(place_of(call) is None for choice in choices for call in piece_of(getattr(choice, "message", None)).calls):
        failure = Failure.BAD_ANSWER, NO_PLACE
    if failure is None and any(_native(choice) == "error" for choice in choices):
        failure = Failure.BAD_ANSWER, "the provider's finish reason is an error"
    if failure is not None:
        return Outcome(*failure, headers=headers)
    usage = usage_of(response)
    return Outcome(
        response=response,
        prompt_tokens=usage[0] if usage else None,
        output_tokens=usage[1] if usage else None,
        cache_tokens=cache_tokens(getattr(response, "usage", None)),
        headers=headers,
    )


def usage_of(response: Any) -> tuple[int, int] | None:
    """Prompt and output tokens, or None: LiteLLM puts zeros where the provider said nothing."""
    usage = getattr(response, "usage", None)
    prompt, output = (getattr(usage, name, None) for name in ("prompt_tokens", "completion_tokens"))
    return counts(0 if prompt is None else prompt, 0 if output is None else output, getattr(usage, "total_tokens", 0))


def counts(prompt: Any, output: Any, total: Any = None) -> tuple[int, int] | None:
    """Prompt and output tokens if both can be true and one is more than 0, else None.

    What a total holds beyond them is output, too: some providers leave thoughts out of `completion_tokens`, and bill
    them.
    """
    told_prompt, told_output = count(prompt), count(output)
    if told_prompt is None or told_output is None or not (told_prompt or told_output):
        return None
    return told_prompt, max(told_output, (count(total) or 0) - told_prompt)


WRITTEN = ("cached_creation_tokens", "cache_creation_tokens", "cache_write_tokens", "cache_creation_input_tokens")


def cache_tokens(usage: Any) -> int:
    """Input tokens that are billed once more, at most, since the provider says that it wrote them to a cache.

    What stands in details is a part of the prompt; what stands beside it may not be, and then costs twice the price.
    """
    told = usage if isinstance(usage, Mapping) else usage.model_dump() if hasattr(usage, "model_dump") else {}
    details = told.get("prompt_tokens_details")
    inside = [count(details.get(name)) or 0 for name in WRITTEN] if isinstance(details, Mapping) else []
    return max(*(2 * (count(told.get(name)) or 0) for name in WRITTEN), *inside)


def count(value: Any) -> int | None:
    """A count that a provider gave, if it is a whole number from 0 to a billion: it may be anything."""
    return value if type(value) is int and 0 <= value <= MOST else None


def place_of(call: Mapping[str, Any]) -> int | None:
    """Which tool call of an answer a fragment belongs to, from 0; None if it says what cannot be."""
    index = call.get("index")
    return 0 if index is None else index if type(index) is int and 0 <= index < MOST_CALLS else None


def headers_of(response: Any) -> Mapping[str, str]:
    """The provider's headers, names in lower case. LiteLLM keeps them in a private attribute."""
    hidden = getattr(response, "_hidden_params", None) or {}
    headers = getattr(response, "_response_headers", None) or hidden.get("headers") or {}
    return {str(name).lower(): str(value) for name, value in dict(headers).items()}


class Piece(NamedTuple):
    """What a message or a delta says."""

    text: str = ""
    reasoning: str = ""
    calls: tuple[Mapping[str, Any], ...] = ()
    refusal: str = ""


def piece_of(delta: Any) -> Piece:
    """What a message or a delta of LiteLLM's says."""
    calls = getattr(delta, "tool_calls", None) or ()
    plain = tuple(call if isinstance(call, dict) else call.model_dump(exclude_none=True) for call in calls)
    text, reasoning = getattr(delta, "content", None) or "", getattr(delta, "reasoning_content", None) or ""
    return Piece(text, reasoning, plain, refusal_of(delta))


def ending_of(choice: Any, native: str | None = None) -> str | None:
    """The finish reason of a choice; "length" for an answer that was cut off. `native` is the provider's own word."""
    return ending(choice.finish_reason, native or _native(choice))


def ending(reason: str | None, native: str | None) -> str | None:
    """The same of LiteLLM's word and the provider's."""
    return "length" if reason == "stop" and native in CUT else reason


def forget_endings(response: Any) -> None:
    """For an answer without finish reasons, for which LiteLLM makes up "stop" and "tool_calls"."""
    for choice in getattr(response, "choices", None) or ():
        choice.finish_reason = None


def _has_content(choice: Any) -> bool:
    """More than nothing; what was cut off while it was reasoning is nothing."""
    message = getattr(choice, "message", None)
    others = ("function_call", "audio", "images")
    piece = piece_of(message)
    if piece.text or piece.calls or piece.refusal or any(getattr(message, name, None) for name in others):
        return True
    return bool(piece.reasoning) and getattr(choice, "finish_reason", None) != "length"


def _why_empty(choice: Any) -> tuple[Failure, str]:
    reason = getattr(choice, "finish_reason", None)
    if reason == "content_filter":
        return Failure.POLICY, "a content filter emptied the answer"
    if reason == "length" and piece_of(getattr(choice, "message", None)).reasoning:
        return Failure.NO_ANSWER, REASONING_ONLY
    return Failure.BAD_ANSWER, f"an empty answer (finish reason: {_native(choice) or reason})"


def _native(choice: Any) -> Any:
    """The provider's own finish reason: LiteLLM turns those that it does not know into "stop"."""
    return (getattr(choice, "provider_specific_fields", None) or {}).get("native_finish_reason")
