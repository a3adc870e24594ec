"""What the dashboard's stream says, and what it keeps to itself."""

from __future__ import annotations

import json
import math
from dataclasses import replace

from llm7router import RequestContext
from llm7router.server.live import Live, Seen, finite
from llm7router.types import CompletionResult, Failure
from tests.hooks.heard import Heard, asked
from tests.router.scene import HELLO, Scene, ranked


async def test_totals_add_up_over_every_ending() -> None:
    scene = Scene(ranked("a"), {"a/m": Failure.SERVER_ERROR})
    live = Live(scene.router)
    scene.router.hooks.add(live)
    await asked(scene)
    scene = Scene(ranked("a"))
    scene.router.hooks.add(live)
    await asked(scene)
    totals = live.stats()["totals"]
    assert totals["outcomes"] == {"exhausted": 1, "ok": 1}
    assert totals["tokens_output"] > 0


async def test_a_request_is_told_without_words_of_its_prompt() -> None:
    scene = Scene(ranked("a"))
    live = Live(scene.router)
    scene.router.hooks.add(live)
    await scene.router.complete([{"role": "user", "content": "Write a python function"}])
    [seen] = live.recent()
    assert seen["decision"]["task"] == "code"
    assert "python" not in json.dumps(seen)


async def test_every_figure_of_a_request_is_told_as_it_is() -> None:
    scene = Scene(ranked("a"))
    heard = Heard()
    scene.router.hooks.add(heard)
    await asked(scene)
    paid = replace(heard.only.attempts[0], ok=False, failure=Failure.SERVER_ERROR, usd=0.25, began_s=0.5)
    event = replace(
        heard.only, at=1000.0, duration_s=2.0, first_token_s=1.5, outcome="exhausted", stream=True, error="all failed",
        attempts=(paid,), result=None,
    )  # fmt: skip
    seen = Seen.of(event).view()
    expected = {
        "id": event.request.id, "at": 1000.0, "duration_s": 2.0, "first_token_s": 1.5, "outcome": "exhausted",
        "stream": True, "error": "all failed", "deployment": "a/m", "cached": False, "tokens_input": 0,
        "tokens_output": 0, "cost": 0.25, "pick": "a/m", "operation": "chat",
    }  # fmt: skip
    assert {name: seen[name] for name in expected} == expected
    assert [(a["deployment"], a["failure"], a["began_s"]) for a in seen["attempts"]] == [("a/m", "server error", 0.5)]
    answered = Seen.of(heard.only).view()
    result = heard.only.result
    assert isinstance(result, CompletionResult)
    assert (answered["tokens_input"], answered["tokens_output"]) == (result.tokens_input, result.tokens_output)
    assert result.tokens_input != result.tokens_output


def test_never_is_null_since_json_has_no_infinity() -> None:
    assert finite({"until": math.inf, "limits": ({"max": 1.5, "runs_out_at": math.nan},)}) == {
        "until": None,
        "limits": [{"max": 1.5, "runs_out_at": None}],
    }


async def test_a_stored_answer_is_told_as_one_and_adds_no_tokens() -> None:
    scene = Scene(ranked("a"))
    live = Live(scene.router)
    scene.router.hooks.add(live)
    for _ in range(2):
        await scene.router.complete(HELLO, RequestContext(cache=True))
    assert [(seen["deployment"], seen["cached"]) for seen in live.recent()] == [("a/m", False), ("a/m", True)]
    totals = live.stats()["totals"]
    assert (totals["outcomes"], totals["tokens_output"]) == ({"ok": 2}, 5)
