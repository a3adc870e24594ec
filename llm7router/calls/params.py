"""Which parameters a caller may pass, and how they are made ready for a deployment. Does not import LiteLLM.

An allow-list, since LiteLLM takes where to call, with which key and headers, from the same keyword arguments.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from llm7router.types import Deployment

ALLOWED = frozenset({
    # OpenAI's chat completions
    "temperature", "top_p", "n", "stop", "seed", "max_tokens", "max_completion_tokens", "presence_penalty",
    "frequency_penalty", "logit_bias", "logprobs", "top_logprobs", "user", "tools", "tool_choice",
    "parallel_tool_calls", "response_format", "reasoning_effort", "stream_options", "modalities", "prediction",
    "service_tier", "store", "verbosity", "safety_identifier", "prompt_cache_key",
    # common among compatible servers
    "top_k", "min_p", "repetition_penalty",
})  # fmt: skip
FORBIDDEN: Mapping[str, str] = {
    **dict.fromkeys(("base_url", "api_base", "api_key", "api_version", "organization", "custom_llm_provider", "model"),
                    "where to call is router.yaml's"),
    **dict.fromkeys(("headers", "extra_headers", "extra_body", "extra_query", "client", "metadata"),
                    "it would reach LiteLLM or the connection, not the model"),
    **dict.fromkeys(("fallbacks", "num_retries", "max_retries", "mock_response", "cache", "drop_params"),
                    "the router decides on it"),
    "timeout": "use RequestContext(deadline_s=...)",
    "stream": "use stream()",
}  # fmt: skip


def check(parameters: Mapping[str, Any]) -> None:
    """Raises TypeError, naming every parameter that is not allowed and never a value."""
    faults = [_fault(str(name)) for name in parameters if name not in ALLOWED]
    if faults:
        raise TypeError("; ".join(faults))


def prepare(parameters: Mapping[str, Any], deployment: Deployment, max_tokens: int) -> dict[str, Any]:
    """What to send: without what the deployment rejects, and always with `max_tokens`.

    `max_tokens` is what was reserved; providers that count it must not be told more. A deployment that lists it as
    unsupported gets `max_completion_tokens`.
    """
    ready = {name: value for name, value in parameters.items() if value is not None}
    for name in ("max_completion_tokens", "max_tokens"):
        ready.pop(name, None)
    ready["max_completion_tokens" if "max_tokens" in deployment.unsupported_params else "max_tokens"] = max_tokens
    return {name: value for name, value in ready.items() if name not in deployment.unsupported_params}


def _fault(name: str) -> str:
    shown = name[:40]
    if name in FORBIDDEN:
        return f"{shown}: not a caller's parameter; {FORBIDDEN[name]}"
    close = difflib.get_close_matches(name[:60], ALLOWED, n=1)
    return f"{shown}: unknown parameter" + (f"; did you mean {close[0]!r}?" if close else "")
