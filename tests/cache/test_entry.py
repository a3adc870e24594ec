"""What is kept of an answer, and that nothing else is taken for one."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm7router.cache.entry import Entry, dumps, entry_of, loads
from llm7router.types import CompletionResult, Decision
from tests import make

CALL = {"id": "c1", "type": "function", "function": {"name": "now", "arguments": "{}"}}


def result(**fields: Any) -> CompletionResult:
    given: dict[str, Any] = {
        "content": "Hello!", "provider": "a", "model": "vendor/m", "cost": 0.1, "latency": 2.0, "tokens_input": 10,
        "tokens_output": 5, "finish_reason": "stop", "tool_calls": (), "reasoning": "Hm.", "attempts": (),
        "decision": Decision(make.request(), (), (), make.NOW), "request_id": "r", "estimated_usage": True,
    }  # fmt: skip
    return CompletionResult(**{**given, **fields})


def test_an_answer_comes_back_as_it_was_but_free_and_as_the_new_requests() -> None:
    kept = entry_of(result(tool_calls=(CALL,)), make.NOW)
    assert kept is not None
    again = loads(dumps(kept)).result(make.request(id="new"), make.NOW + 5, 0.001)
    assert (again.content, again.reasoning, again.tool_calls) == ("Hello!", "Hm.", (CALL,))
    assert (again.deployment, again.finish_reason) == ("a/vendor/m", "stop")
    assert (again.tokens_input, again.tokens_output, again.estimated_usage) == (10, 5, True)
    assert (again.cached, again.cost, again.latency, again.request_id) == (True, 0.0, 0.001, "new")
    assert (again.attempts, again.decision.request.id, again.decision.best) == ((), "new", None)


def message(**fields: Any) -> Any:
    return SimpleNamespace(choices=[SimpleNamespace(message=SimpleNamespace(**fields))])


NOT_KEPT: dict[str, dict[str, Any]] = {
    "cut at a length": {"finish_reason": "length"},
    "filtered": {"finish_reason": "content_filter"},
    "without an end": {"finish_reason": None},
    "empty": {"content": ""},
    "with a function call of old": {"response": message(function_call={"name": "f"})},
    "with an image": {"response": message(images=[{}])},
    "a refusal": {"refusal": "No.", "content": ""},
    "with a refusal": {"refusal": "No."},
    "with another choice's refusal": {"response": message(refusal="No.")},
}


@pytest.mark.parametrize("fields", NOT_KEPT.values(), ids=NOT_KEPT)
def test_what_is_no_whole_answer_is_not_kept(fields: dict[str, Any]) -> None:
    assert entry_of(result(**fields), make.NOW) is None


def test_a_tool_call_is_a_whole_answer() -> None:
    kept = entry_of(result(content="", tool_calls=(CALL,), finish_reason="tool_calls"), make.NOW)
    assert kept is not None
    assert loads(dumps(kept)) == kept


@given(st.text(), st.none() | st.text())
def test_any_text_survives_half_characters_included(content: str, reasoning: str | None) -> None:
    entry = Entry(make.NOW, "a", "m", content, reasoning, (), "stop", 1, 2, False)
    assert loads(dumps(entry)) == entry
    assert dumps(entry).isascii()


GOOD = json.loads(dumps(Entry(make.NOW, "a", "m", "x", None, (CALL,), "stop", 1, 2, False)))


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("value", [[], {"a": 1}, "text", -1.5, None, [1]], ids=str)
def test_a_text_with_a_wrong_field_is_no_answer(name: str, value: Any) -> None:
    changed = {**GOOD, name: value}
    fits = {"at": [-1.5], "reasoning": ["text", None], "tool_calls": [[]]}
    texts = ("provider", "model", "content", "finish_reason")
    if value in fits.get(name, ["text"] if name in texts else []):
        loads(json.dumps(changed))
    else:
        with pytest.raises(ValueError):  # noqa: PT011 - whatever the words
            loads(json.dumps(changed))


WRONG = ["", "{", "null", "[]", '"x"', "{}", '{"v": 1}', "[" * 100_000, json.dumps({**GOOD, "more": 1}), "\x00"]


@pytest.mark.parametrize("text", WRONG, ids=lambda text: text[:20] or "nothing")
def test_a_text_of_somebody_else_is_no_answer(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever the words
        loads(text)
