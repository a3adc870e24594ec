"""Neither prompts nor keys are in what hooks pass on, also if a provider quotes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from llm7router import RequestContext, RoutingError
from llm7router.hooks.prometheus import Metrics
from llm7router.hooks.request_log import RequestLog
from llm7router.testing import Reply
from llm7router.types import Failure, Outcome
from tests.guard import CANARY
from tests.hooks.heard import Heard
from tests.hooks.test_otel import Collected
from tests.router.scene import Scene, model, provider
from tests.virtual import in_virtual_time

PROMPT, ANSWER = "canary-prompt-4f1c", "canary-answer-77ab"
QUOTED = Outcome(Failure.REQUEST_REJECTED, f"invalid value {PROMPT!r} in messages", status=400)
SCRIPTS: dict[str, Reply] = {
    "answered": Reply(f"{ANSWER} and more"),
    "quoted in a refusal": Reply(outcome=QUOTED),
    "quoted in a failure": Reply(outcome=Outcome(Failure.SERVER_ERROR, f"cannot parse {PROMPT} {ANSWER}", status=500)),
    "broken off": Reply(f"{ANSWER} and more", break_after=1),
}


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_no_hook_passes_on_prompts_answers_or_keys(script: str, stream: bool, tmp_path: Path) -> None:
    scene = Scene(
        {name: provider(model(), api_key=CANARY) for name in ("a", "b")}, dict.fromkeys(("a/m", "b/m"), SCRIPTS[script])
    )
    collected, metrics, heard = Collected(), Metrics(scene.router), Heard()
    for hook in (collected.hook, metrics, RequestLog(tmp_path / "log"), heard):
        scene.router.hooks.add(hook)

    @in_virtual_time
    async def ask() -> None:
        messages = [{"role": "system", "content": PROMPT}, {"role": "user", "content": f"translate {PROMPT}"}]
        context = RequestContext(caller="ann")
        try:
            if stream:
                async for _ in scene.router.stream(messages, context, user=PROMPT):
                    pass
            else:
                await scene.router.complete(messages, context, user=PROMPT)
        except RoutingError:
            pass

    ask_once: Callable[[], None] = ask
    ask_once()
    passed_on = {
        "spans": "".join(span.to_json() for span in collected.spans),
        "figures": metrics.render()[0].decode(),
        "line": (tmp_path / "log").read_text(),
    }
    assert len(heard) == 1
    for where, text in passed_on.items():
        assert text
        for canary in (PROMPT, ANSWER, CANARY):
            assert canary not in text, where
