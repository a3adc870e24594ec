"""What `litellm.acompletion` is given for a call."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from llm7router.calls.base import Call
from llm7router.calls.transport import NO_AUTHORIZATION
from llm7router.types import Deployment

# No retries: the router fails over by itself. `_skip_mcp_handler`: with tools, LiteLLM imports a package that it does
# not install. `cache`: a host's cache must neither answer nor keep our calls.
ALWAYS: Mapping[str, Any] = {
    "max_retries": 0,
    "num_retries": 0,
    "drop_params": True,
    "_skip_mcp_handler": True,
    "cache": {"no-cache": True, "no-store": True},
}
# Dropped by `drop_params` although every compatible server knows them, unless they are named.
PASSED = frozenset({"user", "tool_choice", "verbosity"})


def arguments(call: Call, stream: bool) -> dict[str, Any]:
    """All arguments but `client`. Messages and parameters are copied, since LiteLLM changes them."""
    deployment = call.deployment
    where = {"model": model_of(call), "api_base": deployment.base_url, "api_key": key_of(deployment)}
    parameters = copy.deepcopy(dict(call.parameters))
    if stream:
        parameters |= {"stream": True} | _usage_wanted(call)
    else:
        parameters.pop("stream_options", None)  # an error for most servers
    if passed := sorted(PASSED & parameters.keys()):
        parameters["allowed_openai_params"] = passed
    messages = copy.deepcopy([dict(message) for message in call.messages])
    # A bound on each read; the deadlines are ours. A stream that goes on may pause for longer than its begin may take.
    longest = max(call.timeout_s, call.deadline_s or 0.0) if stream else call.timeout_s
    return {**parameters, "messages": messages, "timeout": float(longest), **where, **ALWAYS}


def of_embedding(call: Call) -> dict[str, Any]:
    """All arguments of `litellm.aembedding` but `client`.

    Endpoints of `openai/` are called as `hosted_vllm/`, too: there is nothing strict to keep, while `openai/` tries
    again by itself. LiteLLM would send `_skip_mcp_handler` to the provider.
    """
    d = call.deployment
    prefix, _, model = d.litellm_model.partition("/")
    where = {
        "model": f"hosted_vllm/{model}" if prefix == "openai" else d.litellm_model,
        "api_base": d.base_url,
        "api_key": key_of(d),
    }
    always = {name: value for name, value in ALWAYS.items() if name != "_skip_mcp_handler"}
    return {**call.parameters, "input": list(call.inputs), "timeout": float(call.timeout_s), **where, **always}


def _usage_wanted(call: Call) -> dict[str, Any]:
    """Ask for token counts, unless the caller decided or the provider rejects the parameter."""
    if "stream_options" in call.parameters or "stream_options" in call.deployment.unsupported_params:
        return {}
    return {"stream_options": {"include_usage": True}}


def key_of(deployment: Deployment) -> str:
    """Never empty: LiteLLM would send OPENAI_API_KEY, or another provider's, to this host."""
    if not deployment.send_authorization:
        return NO_AUTHORIZATION
    return (deployment.api_key.reveal() if deployment.api_key else "") or "unused"


def model_of(call: Call) -> str:
    """LiteLLM's model name. Strict tools go through `openai/`, since `hosted_vllm/` drops what makes them strict."""
    prefix, _, model = call.deployment.litellm_model.partition("/")
    strict = prefix == "hosted_vllm" and any(_is_strict(tool) for tool in call.parameters.get("tools") or ())
    return f"openai/{model}" if strict else call.deployment.litellm_model


def _is_strict(value: Any) -> bool:
    if isinstance(value, Mapping):
        return "additionalProperties" in value or value.get("strict") is True or any(map(_is_strict, value.values()))
    return isinstance(value, list | tuple) and any(map(_is_strict, value))
