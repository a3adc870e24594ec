"""What a finished answer holds. LiteLLM reports empty, cut and failed answers as successes: here they are not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llm7router.types import Failure, Outcome


def read(response: Any) -> Outcome:
    """A success with usage and headers, or `BAD_ANSWER` (`POLICY` for an empty answer that a filter emptied)."""
    headers = headers_of(response)
    choices = getattr(response, "choices", None) or []
    if not choices:
        return Outcome(Failure.BAD_ANSWER, "an answer without choices", headers=headers)
    failure = None if any(_has_content(choice) for choice in choices) else _why_empty(choices[0])
    if failure is None and any(_native(choice) == "error" for choice in choices):
        failure = Failure.BAD_ANSWER, "the provider's finish reason is an error"
    if failure is not None:
        return Outcome(*failure, headers=headers)
    usage = usage_of(response)
    return Outcome(
        response=response,
        prompt_tokens=usage[0] if usage else None,
        output_tokens=usage[1] if usage else None,
        headers=headers,
    )


def usage_of(response: Any) -> tuple[int, int] | None:
    """Prompt and output tokens, or None: LiteLLM puts zeros where the provider said nothing."""
    usage = getattr(response, "usage", None)
    counts = (getattr(usage, "prompt_tokens", None) or 0, getattr(usage, "completion_tokens", None) or 0)
    return counts if any(counts) else None


def headers_of(response: Any) -> Mapping[str, str]:
    """The provider's headers, names in lower case. LiteLLM keeps them in a private attribute."""
    hidden = getattr(response, "_hidden_params", None) or {}
    headers = getattr(response, "_response_headers", None) or hidden.get("headers") or {}
    return {str(name).lower(): str(value) for name, value in dict(headers).items()}


def piece_of(delta: Any) -> tuple[str, str, tuple[Mapping[str, Any], ...]]:
    """Text, reasoning and tool calls of a message or of a delta."""
    calls = getattr(delta, "tool_calls", None) or ()
    plain = tuple(call if isinstance(call, dict) else call.model_dump(exclude_none=True) for call in calls)
    return getattr(delta, "content", None) or "", getattr(delta, "reasoning_content", None) or "", plain


def _has_content(choice: Any) -> bool:
    message = getattr(choice, "message", None)
    others = ("function_call", "audio", "images")
    return any(piece_of(message)) or any(getattr(message, name, None) for name in others)


def _why_empty(choice: Any) -> tuple[Failure, str]:
    reason = getattr(choice, "finish_reason", None)
    if reason == "content_filter":
        return Failure.POLICY, "a content filter emptied the answer"
    return Failure.BAD_ANSWER, f"an empty answer (finish reason: {_native(choice) or reason})"


def _native(choice: Any) -> Any:
    """The provider's own finish reason: LiteLLM turns those that it does not know into "stop"."""
    return (getattr(choice, "provider_specific_fields", None) or {}).get("native_finish_reason")
