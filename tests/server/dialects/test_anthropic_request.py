from __future__ import annotations

import time
from typing import Any

import pytest

from llm7router.calls.params import check
from llm7router.decision.request import check_messages
from llm7router.server.dialects.anthropic import MESSAGES
from llm7router.server.dialects.base import Asked
from llm7router.server.errors import ApiError

TOOL = {"name": "weather", "description": "Tells it", "input_schema": {"type": "object", "properties": {}}}
USE = {"type": "tool_use", "id": "t1", "name": "weather", "input": {"city": "Köln"}}
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
SHOWN = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}


def read(**given: Any) -> Asked:
    body = {"model": "auto", "max_tokens": 64, "messages": [{"role": "user", "content": "Hi"}], **given}
    asked = MESSAGES.read(body, "7", 1700000000)
    check_messages(asked.messages)
    check(asked.parameters)
    return asked


def said(*messages: dict[str, Any]) -> Any:
    return read(messages=list(messages)).messages


def fault(**given: Any) -> str:
    with pytest.raises(ApiError) as caught:
        read(**given)
    assert caught.value.status == 400
    assert caught.value.param is not None
    assert caught.value.message.startswith(caught.value.param)
    return caught.value.message


def test_a_plain_request_becomes_a_chat():
    asked = read(system="Be brief", temperature=0.5, top_p=0.9, top_k=5, stop_sequences=["X"], stream=True)
    assert asked.messages == [{"role": "system", "content": "Be brief"}, {"role": "user", "content": "Hi"}]
    assert asked.parameters == {"max_tokens": 64, "temperature": 0.5, "top_p": 0.9, "top_k": 5, "stop": ["X"]}
    assert (asked.id, asked.model, asked.stream, asked.ignored) == ("msg_7", "auto", True, ())


def test_blocks_of_text_become_text():
    asked = read(
        system=[{"type": "text", "text": "A", "cache_control": {"type": "ephemeral"}}, {"type": "text", "text": "B"}],
        messages=[
            {"role": "user", "content": [{"type": "text", "text": "C"}, {"type": "text", "text": "D"}]},
            {"role": "assistant", "content": [{"type": "text", "text": "E"}, {"type": "text", "text": "F"}]},
        ],
    )
    assert [message["content"] for message in asked.messages] == ["A\nB", "C\nD", "EF"]


def test_images_are_passed_on_as_data_or_as_addresses():
    linked = {"type": "image", "source": {"type": "url", "url": "https://x.example/a.png"}}
    (message,) = said({"role": "user", "content": [{"type": "text", "text": "See"}, IMAGE, linked]})
    assert message["content"] == [
        {"type": "text", "text": "See"},
        SHOWN,
        {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}},
    ]


def test_results_of_tools_stand_right_behind_their_calls_and_thinking_is_dropped():
    _, call, result, user = said(
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "hm", "signature": ""}, USE]},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Go on"},
                {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "rain"}, IMAGE]},
            ],
        },
    )
    function = {"name": "weather", "arguments": '{"city": "Köln"}'}
    assert call == {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "t1", "type": "function", "function": function}],
    }
    assert result == {"role": "tool", "tool_call_id": "t1", "content": "rain"}
    assert user == {
        "role": "user",
        "content": [{"type": "text", "text": "Of the result of t1:"}, SHOWN, {"type": "text", "text": "Go on"}],
    }


def test_a_failed_tool_says_so_and_an_empty_result_is_empty_text():
    uses = [USE, {**USE, "id": "t2"}]
    failed = {"type": "tool_result", "tool_use_id": "t1", "is_error": True, "content": "no such city"}
    empty = {"type": "tool_result", "tool_use_id": "t2"}
    answers = said({"role": "assistant", "content": uses}, {"role": "user", "content": [failed, empty]})[1:]
    assert [message["content"] for message in answers] == ["The tool failed:\nno such city", ""]


def test_tools_and_their_choice_become_functions():
    asked = read(tools=[TOOL], tool_choice={"type": "any", "disable_parallel_tool_use": True})
    function = {"name": "weather", "description": "Tells it", "parameters": TOOL["input_schema"]}
    assert asked.parameters["tools"] == [{"type": "function", "function": function}]
    assert asked.parameters["tool_choice"] == "required"
    assert asked.parameters["parallel_tool_calls"] is False


@pytest.mark.parametrize(
    ("choice", "inner"),
    [
        ({"type": "auto"}, "auto"),
        ({"type": "none"}, "none"),
        ({"type": "tool", "name": "weather"}, {"type": "function", "function": {"name": "weather"}}),
    ],
    ids=["auto", "none", "one tool"],
)
def test_every_choice_of_a_tool_has_its_word(choice: Any, inner: Any):
    assert read(tools=[TOOL], tool_choice=choice).parameters["tool_choice"] == inner


def test_names_of_tools_that_are_too_long_for_openai_are_shortened_everywhere():
    name = "mcp__" + "x" * 90
    used = {"role": "assistant", "content": [{**USE, "name": name}]}
    asked = read(tools=[{**TOOL, "name": name}], tool_choice={"type": "tool", "name": name}, messages=[used])
    (short,) = asked.own["names"]
    assert len(short) == 64
    assert asked.own["names"] == {short: name}
    assert asked.parameters["tools"][0]["function"]["name"] == short
    assert asked.parameters["tool_choice"]["function"]["name"] == short
    assert asked.messages[0]["tool_calls"][0]["function"]["name"] == short


def test_structured_output_becomes_a_response_format():
    form = {"type": "json_schema", "schema": {"type": "object"}}
    for asked in (read(output_config={"format": form, "effort": "high"}), read(output_format=form)):
        assert asked.parameters["response_format"]["json_schema"]["schema"] == {"type": "object"}
    assert read(output_config={"effort": "high"}).ignored == ("output_config.effort",)


def test_thinking_decides_what_is_shown_and_nothing_else():
    assert read(thinking={"type": "enabled", "budget_tokens": 2000}).own["thinking"]
    assert read(thinking={"type": "adaptive"}).own["thinking"]
    assert not read(thinking={"type": "disabled"}).own["thinking"]
    assert not read(thinking={"type": "adaptive", "display": "omitted"}).own["thinking"]
    assert not read().own["thinking"]


def test_what_nothing_reads_is_named_and_the_user_is_dropped_in_silence():
    asked = read(metadata={"user_id": "u"}, service_tier="auto", betas=["x"])
    assert asked.ignored == ("service_tier", "betas")
    assert "user" not in asked.parameters


FAULTS: list[tuple[str, dict[str, Any], str]] = [
    ("no messages", {"messages": None}, "messages: must be a list (given: nothing)"),
    ("empty messages", {"messages": []}, "messages: is empty"),
    ("a message that is none", {"messages": [5]}, "messages[0]: must be an object (given: 5)"),
    ("a role that is none", {"messages": [{"role": "wizard", "content": "x"}]}, "messages[0].role: must be one of"),
    ("content that is none", {"messages": [{"role": "user", "content": 5}]}, "messages[0].content: must be a list"),
    ("an empty message", {"messages": [{"role": "user", "content": []}]}, "messages[0].content: is empty"),
    ("a foreign block", {"messages": [{"role": "user", "content": [{"type": "hologram"}]}]},
     "messages[0].content[0].type: 'hologram' cannot be passed on; send text, image"),
    ("a file", {"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "file"}}]}]},
     "messages[0].content[0].source.type: must be base64 or url (given: 'file')"),
    ("a result of nothing",
     {"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t9", "content": "x"}]}]},
     "messages[0].content[0].tool_use_id: no tool call before it has the id 't9'"),
    ("half a character", {"messages": [{"role": "user", "content": "\ud800"}]}, "messages[0].content: holds half"),
    ("a tool of Anthropic's", {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
     "tools[0].type: 'web_search_20250305' runs at Anthropic"),
    ("a tool without a schema", {"tools": [{"name": "f"}]}, "tools[0].input_schema: must be an object"),
    ("two tools of one name", {"tools": [TOOL, TOOL]}, "tools[1].name: another tool is named 'weather', too"),
    ("a tool that is not there", {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "x"}},
     "tool_choice.name: no tool is named 'x'"),
    ("a tool out of none", {"tool_choice": {"type": "any"}}, "tool_choice: asks for a tool"),
    ("servers", {"mcp_servers": [{}]}, "mcp_servers: Anthropic calls these"),
    ("no tokens", {"max_tokens": 0}, "max_tokens: must be a whole number from 1"),
    ("a flag for a number", {"temperature": True}, "temperature: must be a number from 0 to 2 (given: true)"),
    ("no finite number", {"temperature": float("nan")}, "temperature: must be a number from 0 to 2 (given: nan)"),
    ("stops that are none", {"stop_sequences": ["a", 5]}, "stop_sequences[1]: must be a string (given: 5)"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "message"), [case[1:] for case in FAULTS], ids=[case[0] for case in FAULTS])
def test_a_wrong_request_says_what_to_change(given: dict[str, Any], message: str):
    assert fault(**given).startswith(message)


def test_as_many_tools_as_a_body_can_hold_keep_nobody_waiting():
    started = time.process_time()
    asked = read(tools=[{**TOOL, "name": f"t{number}"} for number in range(20_000)])
    assert len(asked.parameters["tools"]) == 20_000
    assert time.process_time() - started < 2
