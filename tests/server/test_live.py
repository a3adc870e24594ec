"""What the dashboard's stream says, and what it keeps to itself."""

from __future__ import annotations

import json
import math

from llm7router import RequestContext
from llm7router.server.live import Live, finite
from llm7router.types import Failure
from tests.hooks.heard import asked
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
