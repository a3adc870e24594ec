"""Whether the fields of a chat completion are of the kind that OpenAI's API says: what is not costs nobody a call.

Only kinds: which values are good, each provider decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llm7router.server.dialects import fields
from llm7router.server.errors import ApiError

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
SAYING = ("system", "developer", "user")  # an assistant may have called a tool instead
PARTS = ("text", "image_url", "input_audio", "file", "video_url", "refusal")
FORMATS = ("text", "json_object", "json_schema")
MOST = 10**9  # beyond any number that a provider could mean

NUMBERS = ("temperature", "top_p", "presence_penalty", "frequency_penalty", "min_p", "repetition_penalty")
TEXTS = ("user", "reasoning_effort", "verbosity", "safety_identifier", "prompt_cache_key")
KINDS: Mapping[str, fields.Check[Any]] = {
    **dict.fromkeys(NUMBERS, fields.number(-MOST, MOST)),
    **dict.fromkeys(("seed", "top_k", "top_logprobs"), fields.whole(-(2**63), 2**64)),
    **dict.fromkeys(("logprobs", "parallel_tool_calls", "store", "stream"), fields.flag),
    **dict.fromkeys(TEXTS, fields.text),
    "stop": fields.text_or_texts,
    "logit_bias": fields.mapping,
    "tool_choice": lambda value, where: value if isinstance(value, Mapping) else fields.text(value, where),
}


def check(body: Mapping[str, Any]) -> None:
    """Raise ApiError (400), naming the field. Null is as good as absent, as at OpenAI's."""
    for name in body.keys() & KINDS.keys():
        fields.optional(body, name, KINDS[name])
    _check_messages(body.get("messages"))
    _check_tools(body.get("tools"))
    _check_format(body.get("response_format"))


def _check_messages(messages: Any) -> None:
    if not isinstance(messages, list) or not messages:
        raise _fault("messages", 'must be a list of messages, such as [{"role": "user", "content": "Hello"}]')
    for index, message in enumerate(messages):
        if not isinstance(message, dict) or message.get("role") not in ROLES:
            raise _fault(f"messages[{index}]", f"must be an object with a role: {', '.join(ROLES)}")
        content = message.get("content")
        if (content is None or content == []) and message["role"] in SAYING:
            raise _fault(f"messages[{index}].content", "is missing; send text or a list of parts")
        if isinstance(content, list):
            for place, part in enumerate(content):
                _check_part(part, f"messages[{index}].content[{place}]")
        elif not (content is None or isinstance(content, str)):
            raise _fault(f"messages[{index}].content", "must be text or a list of parts")


def _check_part(part: Any, where: str) -> None:
    kind = part.get("type") if isinstance(part, dict) else None
    if not isinstance(kind, str):
        raise _fault(where, 'must be an object with a type, such as {"type": "text", "text": "Hello"}')
    if kind not in PARTS:
        raise _fault(f"{where}.type", f"must be one of {', '.join(PARTS)}")
    if kind == "text" and not isinstance(part.get("text"), str):
        raise _fault(f"{where}.text", "must be text")
    if kind == "image_url":
        image = part.get("image_url")
        if not isinstance(image.get("url") if isinstance(image, dict) else image, str):
            raise _fault(f"{where}.image_url", 'must be an object such as {"url": "https://..."}')


def _check_tools(tools: Any) -> None:
    if tools is None:
        return
    if not isinstance(tools, list):
        raise _fault("tools", "must be a list of tools")
    for index, tool in enumerate(tools):
        function = tool.get("function") if isinstance(tool, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str) or not function["name"]:
            example = '{"type": "function", "function": {"name": ..., "parameters": {...}}}'
            raise _fault(f"tools[{index}]", f"must be {example}")
        schema = function.get("parameters")
        # Functions take an object; a schema without a type allows one.
        if schema is not None and not (isinstance(schema, dict) and schema.get("type", "object") == "object"):
            raise _fault(f"tools[{index}].function.parameters", 'must be a JSON schema of `"type": "object"`')


def _check_format(wanted: Any) -> None:
    if wanted is None:
        return
    if not isinstance(wanted, dict) or wanted.get("type") not in FORMATS:
        raise _fault("response_format", f"must be an object whose type is {', '.join(FORMATS)}")
    if wanted["type"] == "json_schema":
        named = wanted.get("json_schema")
        if not isinstance(named, dict) or not isinstance(named.get("schema", {}), dict):
            raise _fault("response_format.json_schema", 'must be {"name": ..., "schema": {...}}')


def _fault(where: str, words: str) -> ApiError:
    return ApiError(400, f"{where} {words}", param=where)
