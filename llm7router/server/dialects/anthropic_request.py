"""From a request to Anthropic's Messages API to the inner language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llm7router.server.dialects import fields, turns
from llm7router.server.dialects.base import Asked
from llm7router.server.dialects.context import FIELD, read_said
from llm7router.server.dialects.turns import Part, Turns

PARAMETERS: Mapping[str, tuple[str, fields.Check[Any]]] = {
    "max_tokens": ("max_tokens", fields.whole(1)),
    "temperature": ("temperature", fields.number(0, 2)),
    "top_p": ("top_p", fields.number(0, 1)),
    "top_k": ("top_k", fields.whole(0)),
    "stop_sequences": ("stop", fields.texts),
}
OWN = frozenset({
    "model", "messages", "system", "stream", "tools", "tool_choice", "thinking", "output_config", "output_format",
    "metadata",  # a user's id, which no provider needs to know
    FIELD,
})  # fmt: skip
CHOICES = {"auto": "auto", "any": "required", "none": "none"}


def read(body: Mapping[str, Any], id: str, created: int) -> Asked:
    """Raises ApiError (400) for what is not a request of this API, or needs what only Anthropic has."""
    if body.get("mcp_servers"):
        raise fields.fault("mcp_servers", "Anthropic calls these servers, nothing here does; leave it out")
    tools, names = _tools(body)
    output = fields.optional(body, "output_config", fields.mapping) or {}
    parameters = fields.parameters(body, PARAMETERS) | tools | _tool_choice(body, names) | _format(body, output)
    if not parameters.get("stop", True):
        del parameters["stop"]
    return Asked(
        id=f"msg_{id}",
        created=created,
        model=fields.optional(body, "model", fields.text) or "auto",
        messages=_messages(body),
        parameters=parameters,
        stream=fields.optional(body, "stream", fields.flag) or False,
        said=read_said(body),
        ignored=fields.ignored(body, {*PARAMETERS, *OWN}) + fields.ignored(output, {"format"}, "output_config"),
        own={"thinking": _thinking(body), "names": turns.shortened(names)},
    )


def _thinking(body: Mapping[str, Any]) -> bool:
    """Whether the answer shows the model's reasoning. How much there is of it is not passed on: agents send a budget
    with every request, and many models take no request that holds `reasoning_effort`.
    """
    thinking = fields.optional(body, "thinking", fields.mapping)
    if thinking is None:
        return False
    kind = fields.name(thinking.get("type"), "thinking.type")
    return kind != "disabled" and thinking.get("display") != "omitted"


def _tools(body: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The parameter, and the names of the functions."""
    functions: dict[str, dict[str, Any]] = {}
    for index, given in enumerate(fields.optional(body, "tools", fields.listed) or ()):
        where = f"tools[{index}]"
        tool = fields.mapping(given, where)
        kind = fields.optional(tool, "type", fields.text, where) or "custom"
        if kind != "custom":
            raise fields.fault(f"{where}.type", f"{kind[:40]!r} runs at Anthropic, and nothing here does; leave it out")
        name = fields.name(tool.get("name"), f"{where}.name")
        if name in functions:
            raise fields.fault(f"{where}.name", f"another tool is named {name[:40]!r}, too; give each its own")
        functions[name] = {"name": turns.short(name), **_function(tool, where)}
    tools = [{"type": "function", "function": function} for function in functions.values()]
    return ({"tools": tools} if tools else {}), list(functions)


def _function(tool: Mapping[str, Any], where: str) -> dict[str, Any]:
    found = {
        "description": fields.optional(tool, "description", fields.text, where),
        "parameters": fields.plain(tool.get("input_schema"), f"{where}.input_schema"),
        "strict": fields.optional(tool, "strict", fields.flag, where),
    }
    return {key: value for key, value in found.items() if value is not None}


def _tool_choice(body: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    choice = fields.optional(body, "tool_choice", fields.mapping)
    if choice is None:
        return {}
    kind = fields.one_of(*CHOICES, "tool")(choice.get("type"), "tool_choice.type")
    alone = fields.optional(choice, "disable_parallel_tool_use", fields.flag, "tool_choice")
    if not names:
        if kind in ("any", "tool"):
            raise fields.fault("tool_choice", "asks for a tool, and there are none; send `tools`, too")
        return {}
    found: dict[str, Any] = {"parallel_tool_calls": False} if alone else {}
    if kind != "tool":
        return {"tool_choice": CHOICES[kind], **found}
    name = fields.text(choice.get("name"), "tool_choice.name")
    if name not in names:
        raise fields.fault("tool_choice.name", f"no tool is named {name[:40]!r}; send one of those in `tools`")
    return {"tool_choice": {"type": "function", "function": {"name": turns.short(name)}}, **found}


def _format(body: Mapping[str, Any], output: Mapping[str, Any]) -> dict[str, Any]:
    """Structured output; `output_format` is its older place."""
    for holder, name, where in ((output, "format", "output_config"), (body, "output_format", "")):
        if (wanted := fields.optional(holder, name, fields.mapping, where)) is not None:
            path = f"{where}.{name}" if where else name
            fields.one_of("json_schema")(wanted.get("type"), f"{path}.type")
            schema = fields.plain(wanted.get("schema"), f"{path}.schema")
            described = {"name": "answer", "schema": schema, "strict": True}
            return {"response_format": {"type": "json_schema", "json_schema": described}}
    return {}


def _messages(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    said = Turns()
    if system := body.get("system"):
        said.say("system", _texts(system, "system"))
    messages = fields.listed(body.get("messages"), "messages")
    if not messages:
        raise fields.fault("messages", "is empty; send at least one message")
    for index, given in enumerate(messages):
        where = f"messages[{index}]"
        message = fields.mapping(given, where)
        role = fields.one_of("user", "assistant", "system")(message.get("role"), f"{where}.role")
        content, place = message.get("content"), f"{where}.content"
        if role == "system":
            said.say(role, _texts(content, place))
        elif isinstance(content, str):
            words = fields.text(content, place)
            said.answer(words) if role == "assistant" else said.say(role, [turns.text(words)])
        elif role == "assistant":
            _assistant(said, fields.listed(content, place), place)
        else:
            _user(said, fields.listed(content, place), place)
    return said.end()


def _assistant(said: Turns, content: list[Any], where: str) -> None:
    """Text and tool calls. Thinking is not passed on: it means something to the model only that wrote it."""
    words: list[str] = []
    calls: list[tuple[str, str, str]] = []
    for place, kind, block in _blocks(content, where):
        if kind == "text":
            words.append(fields.text(block.get("text"), f"{place}.text"))
        elif kind == "tool_use":
            id, name = (fields.name(block.get(key), f"{place}.{key}") for key in ("id", "name"))
            made = fields.mapping(block.get("input", {}), f"{place}.input")
            calls.append((id, name, fields.as_json(made, f"{place}.input")))
        elif kind not in ("thinking", "redacted_thinking"):
            raise _foreign(place, kind, "text, thinking or tool_use")
    if words:
        said.answer("".join(words))
    for call in calls:
        said.call(*call)


def _user(said: Turns, content: list[Any], where: str) -> None:
    """Results of tools first, since they belong right behind their calls."""
    if not content:
        raise fields.fault(where, "is empty; send at least one block")
    parts: list[Part] = []
    for place, kind, block in _blocks(content, where):
        if kind == "tool_result":
            id = fields.name(block.get("tool_use_id"), f"{place}.tool_use_id")
            said.result(id, _result(block, place), f"{place}.tool_use_id")
        else:
            parts.append(_part(kind, block, place, "text, image, document or tool_result"))
    if parts:
        said.say("user", parts)


def _result(block: Mapping[str, Any], where: str) -> list[Part]:
    content = block.get("content")
    if content is None:
        parts = []
    elif isinstance(content, str):
        parts = [turns.text(fields.text(content, f"{where}.content"))]
    else:
        found = _blocks(fields.listed(content, f"{where}.content"), f"{where}.content")
        parts = [_part(kind, inner, place, "text, image or document") for place, kind, inner in found]
    failed = fields.optional(block, "is_error", fields.flag, where)
    return [turns.text("The tool failed:"), *parts] if failed else parts


def _part(kind: str, block: Mapping[str, Any], where: str, known: str) -> Part:
    if kind == "text":
        return turns.text(fields.text(block.get("text"), f"{where}.text"))
    if kind not in ("image", "document"):
        raise _foreign(where, kind, known)
    place = f"{where}.source"
    source = fields.mapping(block.get("source"), place)
    if kind == "document":
        fields.one_of("text")(source.get("type"), f"{place}.type")
        return turns.text(fields.text(source.get("data"), f"{place}.data"))
    if fields.one_of("base64", "url")(source.get("type"), f"{place}.type") == "url":
        return turns.image(fields.name(source.get("url"), f"{place}.url"))
    media, data = (fields.name(source.get(key), f"{place}.{key}") for key in ("media_type", "data"))
    if not media.startswith("image/"):
        raise fields.fault(f"{place}.media_type", "must be an image's, such as image/png")
    return turns.image(f"data:{media};base64,{data}")


def _texts(value: Any, where: str) -> list[Part]:
    if isinstance(value, str):
        return [turns.text(fields.text(value, where))]
    found = []
    for place, kind, block in _blocks(fields.listed(value, where), where):
        fields.one_of("text")(kind, f"{place}.type")
        found.append(turns.text(fields.text(block.get("text"), f"{place}.text")))
    return found


def _blocks(content: list[Any], where: str) -> list[tuple[str, str, Mapping[str, Any]]]:
    """Each block with its place and its type."""
    found = []
    for index, given in enumerate(content):
        block = fields.mapping(given, f"{where}[{index}]")
        found.append((f"{where}[{index}]", fields.name(block.get("type"), f"{where}[{index}].type"), block))
    return found


def _foreign(where: str, kind: str, known: str) -> Exception:
    return fields.fault(f"{where}.type", f"{kind[:40]!r} cannot be passed on; send {known}")
