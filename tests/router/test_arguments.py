"""Arguments of the wrong kind are the caller's fault: said before any call, and no provider is blamed."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import pytest

from llm7router import (
    AllProvidersExhaustedError,
    ConfigError,
    RequestContext,
)
from llm7router.sync import LOOP
from llm7router.types import Failure
from tests.router.scene import HELLO, Scene, ranked


@pytest.mark.parametrize(
    ("context", "says"),
    [
        (RequestContext(exclude="a"), r"exclude must be a list of names, such as \['a'\], not a string"),
        (RequestContext(providers="a"), "providers must be a list"),
        (RequestContext(requires="tools"), "requires must be a list"),
        (RequestContext(deadline_s="5"), "deadline_s must be a number"),  # type: ignore[arg-type]
        (RequestContext(max_usd=-1), "max_usd must be a number of 0 or more"),
        ({"task_type": "chat"}, "context must be a RequestContext, not dict"),
        ("chat", "context must be a RequestContext, not str"),
    ],
    ids=str,
)
def test_a_context_of_the_wrong_kind_is_refused_before_any_call(context: Any, says: str) -> None:
    scene = Scene(ranked("a", "b"))
    with pytest.raises(TypeError, match=says):
        scene.router.complete_sync(HELLO, context)
    assert scene.called == []


def test_an_unknown_id_is_refused_since_a_typo_would_send_the_prompt_there() -> None:
    scene = Scene(ranked("groq", "b"))
    with pytest.raises(ConfigError, match="no provider or deployment 'grok'; did you mean 'groq'"):
        scene.router.complete_sync(HELLO, RequestContext(exclude=["grok"]))


@pytest.mark.parametrize(
    "content",
    [5, {"a": 1}, ["xxx"], [{"type": "text", "text": object()}]],
    ids=["number", "mapping", "strings", "object"],
)
def test_content_of_the_wrong_kind_is_the_callers_fault_and_hurts_no_provider(content: Any) -> None:
    scene = Scene(ranked("a"))
    with pytest.raises(TypeError, match="messages"):
        scene.router.complete_sync([{"role": "user", "content": content}])
    assert scene.called == []


def test_a_result_can_be_copied() -> None:
    result = Scene(ranked("a")).router.complete_sync(HELLO)
    assert copy.deepcopy(result).content == result.content
    assert dataclasses.asdict(result)["provider"] == "a"


def test_complete_sync_inside_the_routers_own_loop_is_an_error_and_no_deadlock() -> None:
    scene = Scene(ranked("a"))

    async def nested() -> None:
        scene.router.complete_sync(HELLO)

    with pytest.raises(RuntimeError, match=r"await complete\(\)"):
        LOOP.run(nested())


def test_nobody_reachable_says_to_check_the_network() -> None:
    scene = Scene(ranked("a", "b"), {"a/m": Failure.UNREACHABLE, "b/m": Failure.UNREACHABLE})
    with pytest.raises(AllProvidersExhaustedError, match="check the network connection"):
        scene.router.complete_sync(HELLO)
    scene = Scene(ranked("a", "b"), {"a/m": Failure.UNREACHABLE, "b/m": Failure.SERVER_ERROR})
    with pytest.raises(AllProvidersExhaustedError) as caught:
        scene.router.complete_sync(HELLO)
    assert "network" not in str(caught.value)
