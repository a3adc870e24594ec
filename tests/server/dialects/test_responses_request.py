from __future__ import annotations

import time
from typing import Any

import pytest

from llm7router.calls.params import check
from llm7router.decision.request import check_messages
from llm7router.server.dialects.base import Asked
from llm7router.server.dialects.responses import RESPONSES
from llm7router.server.errors import ApiError

SCHEMA = {"type": "object", "properties": {}}
TOOL = {"type": "function", "name": "weather", "description": "Tells it", "parameters": SCHEMA, "strict": False}
CALL = {"type": "function_call", "id": "fc_1", "call_id": "t1", "name": "weather", "arguments": "{}"}


def read(**given: Any) -> Asked:
    asked = RESPONSES.read({"model": "auto", "input": "Hi", **given}, "7", 1700000000)
    check_messages(asked.messages)
    check(asked.parameters)
    return asked


def fault(**given: Any) -> str:
    with pytest.raises(ApiError) as caught:
        read(**given)
    assert caught.value.status == 400
    assert caught.value.param is not None
    assert caught.value.message.startswith(caught.value.param)
    return caught.value.message


def test_a_plain_request_becomes_a_chat():
    asked = read(
        instructions="Be brief",
        max_output_tokens=64,
        temperature=0.5,
        top_p=0.9,
        user="u",
        parallel_tool_calls=False,
        reasoning={"effort": "low"},
        stream=True,
    )
    assert asked.messages == [{"role": "system", "content": "Be brief"}, {"role": "user", "content": "Hi"}]
    assert asked.parameters == {
        "max_tokens": 64,
        "temperature": 0.5,
        "top_p": 0.9,
        "user": "u",
        "parallel_tool_calls": False,
        "reasoning_effort": "low",
    }
    assert (asked.id, asked.model, asked.stream, asked.ignored) == ("resp_7", "auto", True, ())


def test_items_become_messages():
    asked = read(
        input=[
            {"role": "developer", "content": "Rules"},
            {
                "type": "message",
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "See"},
                    {"type": "input_image", "image_url": "https://x.example/a.png", "detail": "low"},
                ],
            },
            {"type": "reasoning", "id": "rs_1", "summary": []},
            {
                "role": "assistant",
                "content": [{"type": "output_text", "text": "A"}, {"type": "refusal", "refusal": "B"}],
            },
            CALL,
            {**CALL, "call_id": "t2"},
            {"type": "function_call_output", "call_id": "t1", "output": "rain"},
            {
                "type": "function_call_output",
                "call_id": "t2",
                "output": [
                    {"type": "input_text", "text": "sun"},
                    {"type": "input_image", "image_url": "data:image/png;base64,AA"},
                ],
            },
        ]
    )
    function = {"name": "weather", "arguments": "{}"}
    assert asked.messages == [
        {"role": "system", "content": "Rules"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "See"},
                {"type": "image_url", "image_url": {"url": "https://x.example/a.png", "detail": "low"}},
            ],
        },
        {
            "role": "assistant",
            "content": "AB",
            "tool_calls": [
                {"id": "t1", "type": "function", "function": function},
                {"id": "t2", "type": "function", "function": function},
            ],
        },
        {"role": "tool", "tool_call_id": "t1", "content": "rain"},
        {"role": "tool", "tool_call_id": "t2", "content": "sun"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Of the result of t2:"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}},
            ],
        },
    ]


def test_words_between_a_call_and_its_result_join_the_call():
    said = [CALL, {"role": "assistant", "content": "Wait"}, {**CALL, "type": "function_call_output", "output": "rain"}]
    call, result = read(input=said).messages
    assert (call["content"], call["tool_calls"][0]["id"], result["role"]) == ("Wait", "t1", "tool")


def test_flat_tools_become_functions():
    asked = read(tools=[TOOL], tool_choice={"type": "function", "name": "weather"})
    function = {"name": "weather", "description": "Tells it", "parameters": SCHEMA, "strict": False}
    assert asked.parameters["tools"] == [{"type": "function", "function": function}]
    assert asked.parameters["tool_choice"] == {"type": "function", "function": {"name": "weather"}}
    assert read(tools=[TOOL], tool_choice="required").parameters["tool_choice"] == "required"
    assert "tool_choice" not in read(tool_choice="auto").parameters


def test_every_format_of_text_becomes_a_response_format():
    form = {"type": "json_schema", "name": "n", "schema": SCHEMA, "strict": True}
    described = {"name": "n", "schema": SCHEMA, "strict": True}
    assert read(text={"format": form}).parameters["response_format"] == {
        "type": "json_schema",
        "json_schema": described,
    }
    assert read(text={"format": {"type": "json_object"}}).parameters["response_format"] == {"type": "json_object"}
    assert "response_format" not in read(text={"format": {"type": "text"}}).parameters


def test_what_nothing_reads_is_named():
    assert read(store=True, include=["x"], text={"verbosity": "low"}).ignored == ("include", "text.verbosity", "store")
    assert read(store=False).ignored == ()


FAULTS: list[tuple[str, dict[str, Any], str]] = [
    ("no input", {"input": None}, "input: is missing or empty; send a string"),
    ("an empty input", {"input": []}, "input: is missing or empty"),
    ("an input that is none", {"input": 5}, "input: must be a list (given: 5)"),
    ("nothing but reasoning", {"input": [{"type": "reasoning"}]}, "input: holds nothing"),
    ("an item that is none", {"input": [5]}, "input[0]: must be an object"),
    ("a foreign item", {"input": [{"type": "web_search_call"}]}, "input[0].type: 'web_search_call' cannot be passed on"),
    ("a reference", {"input": [{"type": "item_reference", "id": "x"}]}, "input[0].type: nothing is stored here"),
    ("a role that is none", {"input": [{"role": "x", "content": ""}]}, "input[0].role: must be one of user, assistant"),
    ("a file", {"input": [{"role": "user", "content": [{"type": "input_file"}]}]},
     "input[0].content[0].type: 'input_file' cannot be passed on; send input_text or input_image"),
    ("a stored image", {"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}]},
     "input[0].content[0].file_id: nothing is stored here"),
    ("an assistant's image", {"input": [{"role": "assistant", "content": [{"type": "input_image", "image_url": "x"}]}]},
     "input[0].content[0].type: only users send images"),
    ("a result of nothing", {"input": [{"type": "function_call_output", "call_id": "x", "output": "y"}]},
     "input[0].call_id: no tool call before it has the id 'x'; send the call, too"),
    ("a stored conversation", {"previous_response_id": "resp_1"}, "previous_response_id: nothing is stored here"),
    ("another one", {"conversation": "c"}, "conversation: nothing is stored here"),
    ("the background", {"background": True}, "background: nothing is stored here"),
    ("a tool of OpenAI's", {"tools": [{"type": "web_search"}]}, "tools[0].type: 'web_search' is a tool of OpenAI's"),
    ("a custom tool", {"tools": [{"type": "custom", "name": "x"}]}, "tools[0].type: 'custom' is a tool of OpenAI's"),
    ("a tool in chat's shape", {"tools": [{"type": "function", "function": {"name": "x"}}]},
     "tools[0].name: must be a string (given: nothing)"),
    ("a choice of no tool", {"tool_choice": "required"}, "tool_choice: asks for a tool"),
    ("a choice that is none", {"tool_choice": {"type": "web_search"}}, "tool_choice.type: must be function"),
    ("a format that is none", {"text": {"format": {"type": "grammar"}}}, "text.format.type: must be one of text"),
    ("a schema without a name", {"text": {"format": {"type": "json_schema", "schema": {}}}}, "text.format.name: must be"),
    ("metadata that is none", {"metadata": {"a": 5}}, "metadata.a: must be a string (given: 5)"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "message"), [case[1:] for case in FAULTS], ids=[case[0] for case in FAULTS])
def test_a_wrong_request_says_what_to_change(given: dict[str, Any], message: str):
    assert fault(**given).startswith(message)


def test_as_many_tools_as_a_body_can_hold_keep_nobody_waiting():
    started = time.process_time()
    asked = read(tools=[{"type": "function", "name": f"t{number}"} for number in range(20_000)])
    assert len(asked.parameters["tools"]) == 20_000
    assert time.process_time() - started < 2
