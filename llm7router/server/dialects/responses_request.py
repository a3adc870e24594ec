"""From a request to OpenAI's Responses API to the inner language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llm7router.server.dialects import fields, turns
from llm7router.server.dialects.base import Asked
from llm7router.server.dialects.context import FIELD, read_said
from llm7router.server.dialects.turns import Part, Turns

PARAMETERS: Mapping[str, tuple[str, fields.Check[Any]]] = {
    "max_output_tokens": ("max_tokens", fields.whole(1)),
    "temperature": ("temperature", fields.number(0, 2)),
    "top_p": ("top_p", fields.number(0, 1)),
    "parallel_tool_calls": ("parallel_tool_calls", fields.flag),
    "user": ("user", fields.text),
}
OWN = frozenset({
    "model", "input", "instructions", "stream", "tools", "tool_choice", "text", "reasoning", "metadata", "store",
    "previous_response_id", "conversation", "background", "prompt", FIELD,
})  # fmt: skip
STORED = ("previous_response_id", "conversation", "background", "prompt")
ROLES = {"user": "user", "assistant": "assistant", "system": "system", "developer": "system"}
DROPPED = ("reasoning", "compaction_trigger")


def read(body: Mapping[str, Any], id: str, created: int) -> Asked:
    """Raises ApiError (400) for what is not a request of this API, or needs what only OpenAI has."""
    for name in STORED:
        if body.get(name):
            raise fields.fault(name, "nothing is stored here; leave it out, and send the whole conversation as `input`")
    tools = _tools(body)
    text = fields.optional(body, "text", fields.mapping) or {}
    reasoning = fields.optional(body, "reasoning", fields.mapping) or {}
    effort = fields.optional(reasoning, "effort", fields.name, "reasoning")
    form, echoed = _format(text)
    choice = _tool_choice(body, [tool["name"] for tool in tools])
    parameters = fields.parameters(body, PARAMETERS) | form
    if tools:
        inner = [{name: value for name, value in tool.items() if name != "type"} for tool in tools]
        parameters["tools"] = [{"type": "function", "function": function} for function in inner]
    if choice is not None and tools:
        function = choice if isinstance(choice, str) else {"type": "function", "function": {"name": choice["name"]}}
        parameters["tool_choice"] = function
    if effort is not None:
        parameters["reasoning_effort"] = effort
    ignored = fields.ignored(body, {*PARAMETERS, *OWN}) + fields.ignored(text, {"format"}, "text")
    if fields.optional(body, "store", fields.flag):
        ignored += ("store",)
    return Asked(
        id=f"resp_{id}",
        created=created,
        model=fields.optional(body, "model", fields.text) or "auto",
        messages=_messages(body),
        parameters=parameters,
        stream=fields.optional(body, "stream", fields.flag) or False,
        said=read_said(body),
        ignored=ignored,
        own={
            "instructions": body.get("instructions"),
            "metadata": _metadata(body),
            "reasoning": {"effort": effort, "summary": None},
            "text": {"format": echoed},
            "tool_choice": choice or "auto",
            "tools": [{"description": None, "parameters": None, "strict": None, **tool} for tool in tools],
            **{name: body.get(name) for name in PARAMETERS},
        },
    )


def _metadata(body: Mapping[str, Any]) -> dict[str, str]:
    given = fields.optional(body, "metadata", fields.mapping) or {}
    return {fields.text(key, "metadata"): fields.text(value, f"metadata.{key[:40]}") for key, value in given.items()}


def _tools(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Function tools, in the flat shape of this API."""
    tools: dict[str, dict[str, Any]] = {}
    for index, given in enumerate(fields.optional(body, "tools", fields.listed) or ()):
        where = f"tools[{index}]"
        tool = fields.mapping(given, where)
        kind = fields.name(tool.get("type"), f"{where}.type")
        if kind != "function":
            wrong = (
                f"{kind[:40]!r} is a tool of OpenAI's own, which nothing here runs; leave it out, or send a function"
            )
            raise fields.fault(f"{where}.type", wrong)
        name = fields.name(tool.get("name"), f"{where}.name")
        if name in tools:
            raise fields.fault(f"{where}.name", f"another tool is named {name[:40]!r}, too; give each its own")
        found = {
            "type": kind,
            "name": name,
            "description": fields.optional(tool, "description", fields.text, where),
            "parameters": fields.optional(tool, "parameters", fields.plain, where),
            "strict": fields.optional(tool, "strict", fields.flag, where),
        }
        tools[name] = {key: value for key, value in found.items() if value is not None}
    return list(tools.values())


def _tool_choice(body: Mapping[str, Any], names: list[str]) -> Any:
    """As this API writes it, checked, or None."""
    choice = body.get("tool_choice")
    if choice is None:
        return None
    if isinstance(choice, str):
        fields.one_of("auto", "none", "required")(choice, "tool_choice")
        if choice == "required" and not names:
            raise fields.fault("tool_choice", "asks for a tool, and there are none; send `tools`, too")
        return choice
    fields.one_of("function")(fields.mapping(choice, "tool_choice").get("type"), "tool_choice.type")
    name = fields.text(choice.get("name"), "tool_choice.name")
    if name not in names:
        raise fields.fault("tool_choice.name", f"no tool is named {name[:40]!r}; send one of those in `tools`")
    return {"type": "function", "name": name}


def _format(text: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The parameter, and what the answer says of it."""
    form = fields.optional(text, "format", fields.mapping, "text") or {"type": "text"}
    kind = fields.one_of("text", "json_object", "json_schema")(form.get("type"), "text.format.type")
    if kind == "text":
        return {}, {"type": kind}
    if kind == "json_object":
        return {"response_format": {"type": kind}}, {"type": kind}
    found = {
        "name": fields.name(form.get("name"), "text.format.name"),
        "description": fields.optional(form, "description", fields.text, "text.format"),
        "schema": fields.plain(form.get("schema"), "text.format.schema"),
        "strict": fields.optional(form, "strict", fields.flag, "text.format"),
    }
    described = {key: value for key, value in found.items() if value is not None}
    return {"response_format": {"type": kind, "json_schema": described}}, {"type": kind, **described}


def _messages(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    said = Turns()
    if instructions := fields.optional(body, "instructions", fields.text):
        said.say("system", [turns.text(instructions)])
    given = body.get("input")
    if isinstance(given, str):
        said.say("user", [turns.text(fields.text(given, "input"))])
    elif given is None or given == []:
        raise fields.fault("input", "is missing or empty; send a string, or a list of items")
    else:
        for index, item in enumerate(fields.listed(given, "input")):
            _item(said, fields.mapping(item, f"input[{index}]"), f"input[{index}]")
    if not (messages := said.end()):
        raise fields.fault("input", "holds nothing that could be answered; send a message")
    return messages


def _item(said: Turns, item: Mapping[str, Any], where: str) -> None:
    kind = fields.optional(item, "type", fields.text, where) or "message"
    if kind == "message":
        _message(said, item, where)
    elif kind == "function_call":
        id, name = (fields.name(item.get(key), f"{where}.{key}") for key in ("call_id", "name"))
        said.call(id, name, fields.text(item.get("arguments"), f"{where}.arguments"))
    elif kind == "function_call_output":
        id, output = fields.name(item.get("call_id"), f"{where}.call_id"), item.get("output")
        said.result(id, _parts(output, f"{where}.output"), f"{where}.call_id")
    elif kind == "item_reference":
        raise fields.fault(f"{where}.type", "nothing is stored here; send the item itself")
    elif kind not in DROPPED:
        known = "message, function_call or function_call_output"
        raise fields.fault(f"{where}.type", f"{kind[:40]!r} cannot be passed on; send {known}")


def _message(said: Turns, item: Mapping[str, Any], where: str) -> None:
    role = ROLES[fields.one_of(*ROLES)(item.get("role"), f"{where}.role")]
    parts = _parts(item.get("content"), f"{where}.content")
    if role == "user":
        said.say(role, parts)
        return
    for index, part in enumerate(parts):
        if part["type"] != "text":
            raise fields.fault(f"{where}.content[{index}].type", "only users send images; send it as the user's")
    if role == "assistant":
        said.answer("".join(part["text"] for part in parts))
    else:
        said.say(role, parts)


def _parts(content: Any, where: str) -> list[Part]:
    if isinstance(content, str):
        return [turns.text(fields.text(content, where))]
    return [_part(given, f"{where}[{index}]") for index, given in enumerate(fields.listed(content, where))]


def _part(given: Any, where: str) -> Part:
    part = fields.mapping(given, where)
    kind = fields.name(part.get("type"), f"{where}.type")
    if kind in ("input_text", "output_text", "text"):
        return turns.text(fields.text(part.get("text"), f"{where}.text"))
    if kind == "refusal":
        return turns.text(fields.text(part.get("refusal"), f"{where}.refusal"))
    if kind != "input_image":
        raise fields.fault(f"{where}.type", f"{kind[:40]!r} cannot be passed on; send input_text or input_image")
    if part.get("file_id"):
        raise fields.fault(f"{where}.file_id", "nothing is stored here; send `image_url`, which may be a data URL")
    detail = fields.optional(part, "detail", fields.one_of("auto", "low", "high", "original"), where)
    return turns.image(fields.name(part.get("image_url"), f"{where}.image_url"), detail)
