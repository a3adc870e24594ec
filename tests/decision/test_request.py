"""What follows from messages and parameters."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm7router.decision import demand
from llm7router.decision.request import build, estimate
from llm7router.errors import ConfigError
from llm7router.types import Capability, Price, Request, RequestContext, TaskType
from tests.make import deployment, limit, request

HELLO = [{"role": "user", "content": "Hello!"}]
IMAGE = [
    {
        "role": "user",
        "content": [{"type": "text", "text": "What?"}, {"type": "image_url", "image_url": {"url": "x" * 9999}}],
    }
]
TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]


def made(
    messages: Any = HELLO, context: RequestContext | None = None, stream: bool = False, **parameters: Any
) -> Request:
    return build(
        messages, parameters, context or RequestContext(), id="r", environment="production", max_usd=0, total_s=120,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("messages", "parameters", "needed"),
    [
        pytest.param(HELLO, {}, set(), id="plain text needs nothing"),
        pytest.param(HELLO, {"tools": TOOLS}, {"tools"}, id="tools"),
        pytest.param(HELLO, {"response_format": {"type": "json_object"}}, {"json_mode"}, id="json mode"),
        pytest.param(HELLO, {"response_format": {"type": "json_schema"}}, {"json_schema"}, id="a schema"),
        pytest.param(IMAGE, {}, {"vision"}, id="an image"),
    ],
)
def test_capabilities_are_required_without_being_said(messages: Any, parameters: Any, needed: set[str]) -> None:
    assert made(messages, **parameters).requires == {Capability(name) for name in needed}


@given(st.text(max_size=2000))
def test_the_estimate_is_at_least_a_third_of_the_bytes(text: str) -> None:
    size = len(text.encode("utf-8", "replace"))
    assert size / 3 <= estimate([{"role": "user", "content": text}], {})[0] <= size / 3 + 21


def test_an_image_counts_by_its_kind_and_not_by_its_base64() -> None:
    assert 1100 < estimate(IMAGE, {})[0] < 1200


@pytest.mark.parametrize(
    ("part", "least"),
    [
        pytest.param(IMAGE[0]["content"][1], 48_169, id="an image, as gpt-4o-mini counts the largest"),
        pytest.param({"type": "video_url", "video_url": {"url": "https://x/film"}}, 10**6, id="an hour of film"),
        pytest.param({"type": "file", "file": {"file_id": "f1"}}, 10**6, id="a file that is elsewhere"),
    ],
)
def test_money_is_reserved_for_the_most_that_an_image_or_a_file_may_count(part: Any, least: int) -> None:
    asked = made([{"role": "user", "content": [part]}])
    assert asked.prompt_tokens_most >= least
    paid = deployment(cost=Price(1, 1), limits=(limit("usd", max=10**9),))
    assert demand.worst_usd(asked, paid, 0) >= least / 1e6
    assert demand.amounts(asked, paid, 0) == [asked.prompt_tokens_most]


def test_sound_has_no_more_tokens_than_its_bytes() -> None:
    sound = {"type": "input_audio", "input_audio": {"data": "A" * 1000, "format": "wav"}}
    assert 1000 < made([{"role": "user", "content": [sound]}]).prompt_tokens_most < 1200


def test_tool_schemas_count_as_json() -> None:
    assert estimate(HELLO, {"tools": TOOLS})[0] > estimate(HELLO, {})[0] + 30


@pytest.mark.parametrize(
    "messages",
    ["Hello", [], {"role": "user"}, ["Hello"], [{"content": "Hello"}], None, [{"role": 3}]],
    ids=["a string", "empty", "a mapping", "strings", "no role", "nothing", "a role that is a number"],
)
def test_messages_of_another_shape_are_a_type_error_that_shows_the_right_one(messages: Any) -> None:
    with pytest.raises(TypeError, match=r"messages"):
        made(messages)


def test_an_unknown_task_is_named_with_the_closest() -> None:
    with pytest.raises(ConfigError, match="unknown task type 'reasonning'; did you mean 'reasoning'"):
        made(context=RequestContext(task_type="reasonning"))


def test_an_unknown_capability_is_named_with_the_closest() -> None:
    with pytest.raises(ConfigError, match="unknown capability 'tool'; did you mean 'tools'"):
        made(context=RequestContext(requires=["tool"]))


@pytest.mark.parametrize("value", [0, -1, 1.5, "9", True], ids=repr)
def test_a_maximum_that_is_no_whole_number_is_refused(value: Any) -> None:
    with pytest.raises(ConfigError, match="max_tokens must be a whole number"):
        made(max_tokens=value)


def test_the_callers_hint_never_lowers_what_is_reserved() -> None:
    d = deployment(limits=(limit("tokens", max=10_000),))
    with_hint = made(context=RequestContext(estimated_tokens=1))
    assert demand.charges(with_hint, d, 9) == demand.charges(made(), d, 9)


def test_a_caller_may_lower_the_budget_and_the_deadline_but_not_raise_them() -> None:
    assert made(context=RequestContext(max_usd=5, deadline_s=999)).max_usd == 0
    assert made(context=RequestContext(max_usd=5, deadline_s=999)).deadline_s == 120
    assert made(context=RequestContext(deadline_s=3)).deadline_s == 3


@pytest.mark.parametrize(
    ("r", "fields", "output"),
    [
        pytest.param({}, {}, 1024, id="1024 by default"),
        pytest.param({"task": TaskType.REASONING}, {}, 4096, id="4096 for reasoning"),
        pytest.param({"max_tokens": 77}, {}, 77, id="as the caller asked"),
        pytest.param({"max_tokens": 5000}, {"max_output": 2000}, 2000, id="what the model can give"),
        pytest.param({}, {"context_window": 900}, 800, id="what the context leaves"),
        pytest.param({}, {"context_window": 300}, 0, id="nothing when too little is left"),
        pytest.param({"max_tokens": 10}, {"context_window": 115}, 10, id="little is enough when little was asked for"),
        pytest.param({}, {"limits": (limit("tokens", max=600),)}, 500, id="what the token limit leaves"),
        pytest.param({"choices": 2}, {"limits": (limit("tokens", max=1100),)}, 500, id="shared by several choices"),
    ],
)
def test_output_is_clamped_to_what_fits(r: dict[str, Any], fields: dict[str, Any], output: int) -> None:
    assert demand.output_tokens(request(**r), deployment(**fields)) == output


def test_every_unit_is_charged_in_its_own_measure() -> None:
    limits = (
        limit("requests"), limit("tokens", max=9999), limit("input_tokens"), limit("concurrent", None),
        limit("neurons", "day"), limit("usd", "month"),
    )  # fmt: skip
    d = deployment(limits=limits, neurons=Price(10_000, 20_000), list_cost=Price(1, 2))
    charged = {c.limit.unit.value: c.amount for c in demand.charges(request(max_tokens=50), d, 50)}
    assert charged == {"requests": 1, "tokens": 150, "input_tokens": 100, "concurrent": 1, "neurons": 2, "usd": 200}
