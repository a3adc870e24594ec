"""Which parameters a caller may pass, and how they are made ready for a deployment. Does not import LiteLLM.

An allow-list, since LiteLLM takes where to call, with which key and headers, from the same keyword arguments.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from typing import Any

from llm7router.errors import ArgumentError
from llm7router.types import Deployment

ALLOWED = frozenset({
    # OpenAI's chat completions
    "temperature", "top_p", "n", "stop", "seed", "max_tokens", "max_completion_tokens", "presence_penalty",
    "frequency_penalty", "logit_bias", "logprobs", "top_logprobs", "user", "tools", "tool_choice",
    "parallel_tool_calls", "response_format", "reasoning_effort", "stream_options", "modalities",
    "service_tier", "store", "verbosity", "safety_identifier", "prompt_cache_key",
    # common among compatible servers
    "top_k", "min_p", "repetition_penalty",
})  # fmt: skip
EMBEDDINGS = frozenset({"dimensions", "encoding_format", "user"})  # of embeddings, in place of those
FORBIDDEN: Mapping[str, str] = {
    **dict.fromkeys(("base_url", "api_base", "api_key", "api_version", "organization", "custom_llm_provider", "model"),
                    "where to call is router.yaml's"),
    **dict.fromkeys(("headers", "extra_headers", "extra_body", "extra_query", "client", "metadata"),
                    "it would reach LiteLLM or the connection, not the model"),
    **dict.fromkeys(("fallbacks", "num_retries", "max_retries", "mock_response", "cache", "drop_params"),
                    "the router decides on it"),
    **dict.fromkeys(("audio", "prediction", "web_search_options"),
                    "it can cost extra, for which router.yaml has no price"),
    "timeout": "use RequestContext(deadline_s=...)",
    "stream": "use stream()",
}  # fmt: skip


# Faster tiers cost more than the prices in router.yaml.
TIERS = ("auto", "default", "flex")


def check(parameters: Mapping[str, Any], allowed: frozenset[str] = ALLOWED) -> None:
    """Raises ArgumentError, naming every parameter that is not allowed or not JSON, and never a value."""
    faults = [_fault(str(name), allowed) for name in parameters if name not in allowed]
    known = [(name, value) for name, value in parameters.items() if name in allowed and value is not None]
    faults += [fault for name, value in known if (fault := _json_fault(value, name) or _extra_cost(name, value))]
    if faults:
        raise ArgumentError("; ".join(faults))


def check_json(value: Any, what: str) -> None:
    """Raises ArgumentError unless the value, which the message calls `what`, can be sent as JSON."""
    if fault := _json_fault(value, what):
        raise ArgumentError(fault)


def prepare(parameters: Mapping[str, Any], deployment: Deployment, max_tokens: int) -> dict[str, Any]:
    """What to send: without what the deployment rejects, and always with `max_tokens`.

    `max_tokens` is what was reserved; providers that count it must not be told more. A deployment that lists it as
    unsupported gets `max_completion_tokens`. 0 is for embeddings, which generate nothing: then there is none.
    """
    ready = {name: value for name, value in parameters.items() if value is not None}
    for name in ("max_completion_tokens", "max_tokens"):
        ready.pop(name, None)
    if max_tokens:
        ready["max_completion_tokens" if "max_tokens" in deployment.unsupported_params else "max_tokens"] = max_tokens
    return {name: value for name, value in ready.items() if name not in deployment.unsupported_params}


def _json_fault(value: Any, what: str) -> str | None:
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return f"{what}: holds half of a character (a lone surrogate), which cannot be sent"
    except RecursionError:
        return f"{what}: nested too deeply, or in itself"
    except (TypeError, ValueError) as error:
        return f"{what}: cannot be written as JSON ({str(error)[:80]})"
    return None


def _extra_cost(name: str, value: Any) -> str | None:
    """What of a parameter can cost more than tokens at router.yaml's prices."""
    if name == "tools" and not _only_functions(value):
        return "tools: must be a list of tools of `type: function`; others can cost extra"
    if name == "service_tier" and value not in TIERS:
        return f"service_tier: must be {', '.join(TIERS[:-1])} or {TIERS[-1]}; others can cost extra"
    if name == "modalities" and value not in (["text"], ("text",)):
        return "modalities: must be ['text']; others can cost extra"
    return None


def _only_functions(tools: Any) -> bool:
    return isinstance(tools, list | tuple) and all(
        isinstance(tool, Mapping) and tool.get("type") == "function" for tool in tools
    )


def _fault(name: str, allowed: frozenset[str]) -> str:
    shown = name[:40]
    if allowed is EMBEDDINGS and (name in ALLOWED or name == "stream"):
        return f"{shown}: a parameter of chat completions; embeddings have {', '.join(sorted(EMBEDDINGS))}"
    if name in FORBIDDEN:
        return f"{shown}: not a caller's parameter; {FORBIDDEN[name]}"
    close = difflib.get_close_matches(name[:60], sorted(allowed), n=1)
    return f"{shown}: unknown parameter" + (f"; did you mean {close[0]!r}?" if close else "")
