"""Answers gathered from chunks, whatever a provider put into them."""

from __future__ import annotations

from typing import Any

import pytest

from llm7router.result import Answer
from llm7router.types import StreamChunk
from tests.upstream_behaviours import tool_call


def gathered(*fragments: Any) -> Answer:
    answer = Answer()
    for fragment in fragments:
        answer.add(StreamChunk(tool_calls=(fragment,)))
    return answer


def test_fragments_are_joined_by_their_index_in_the_order_they_came() -> None:
    more = {"index": 0, "function": {"arguments": "!"}}
    answer = gathered(tool_call("a", "x", index=0), tool_call("b", "y", index=1), more)
    assert [call["function"] for call in answer.tool_calls] == [
        {"name": "a", "arguments": "x!"},
        {"name": "b", "arguments": "y"},
    ]


def test_a_provider_that_counts_from_another_number_makes_no_empty_calls() -> None:
    answer = gathered(tool_call("a", "x", index=200), tool_call("b", "y", index=7))
    assert [call["function"]["name"] for call in answer.tool_calls] == ["a", "b"]


@pytest.mark.parametrize("index", [-1, -300, 256, 10**12, "one", 1.5, True, [0]], ids=str)
def test_a_fragment_at_an_impossible_place_is_left_out(index: Any) -> None:
    answer = gathered(tool_call("a", "x") | {"index": index}, tool_call("b", "y", index=0))
    assert [call["function"]["name"] for call in answer.tool_calls] == ["b"]
