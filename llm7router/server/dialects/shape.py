"""Whether the fields of a chat completion are of the kind that OpenAI's API says: what is not costs nobody a call.

Only kinds: which values are good, each provider decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from llm7router.server.errors import ApiError

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
SAYING = ("system", "developer", "user")  # an assistant may have called a tool instead
PARTS = ("text", "image_url", "input_audio", "file", "video_url", "refusal")
FORMATS = ("text", "json_object", "json_schema")
Check = Callable[[Any], bool]


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < float("inf")


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _object(value: Any) -> bool:
    return isinstance(value, Mapping)


def _texts(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(item, str) for item in value))


def _text_or_object(value: Any) -> bool:
    return isinstance(value, str | Mapping)


def _each(names: Iterable[str], check: Check, words: str) -> dict[str, tuple[Check, str]]:
    return dict.fromkeys(names, (check, words))


KINDS: Mapping[str, tuple[Check, str]] = {
    **_each(
        ("temperature", "top_p", "presence_penalty", "frequency_penalty", "min_p", "repetition_penalty"),
        _number,
        "a number",
    ),
    **_each(("seed", "top_k", "top_logprobs"), _whole, "a whole number"),
    **_each(("logprobs", "parallel_tool_calls", "store", "stream"), _flag, "true or false"),
    **_each(("user", "reasoning_effort", "verbosity", "safety_identifier", "prompt_cache_key"), _text, "text"),
    "stop": (_texts, "text, or a list of texts"),
    "logit_bias": (_object, "an object of tokens and numbers"),
    "tool_choice": (_text_or_object, '"auto", "none", "required", or an object that names a function'),
}


def check(body: Mapping[str, Any]) -> None:
    """Raise ApiError (400), naming the field. Null is as good as absent, as at OpenAI's."""
    for name, value in body.items():
        if value is not None and name in KINDS and not KINDS[name][0](value):
            raise _fault(name, f"must be {KINDS[name][1]}")
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
