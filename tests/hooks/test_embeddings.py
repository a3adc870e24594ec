"""Requests to embed text are told like others, without the text and the vectors."""

from __future__ import annotations

import json
from pathlib import Path

from llm7router import RequestContext
from llm7router.hooks.prometheus import Metrics
from llm7router.hooks.request_log import RequestLog
from tests.hooks.test_otel import Collected, said
from tests.hooks.test_prometheus import page
from tests.router.scene import Scene, model, provider
from tests.virtual import in_virtual_time

TEXT = "canary-text-91bd"


@in_virtual_time
async def test_embeddings_are_counted_traced_and_logged_as_such(tmp_path: Path) -> None:
    scene = Scene({"a": provider(model(capabilities=["embeddings"]))})
    metrics, collected = Metrics(scene.router), Collected()
    for hook in (metrics, collected.hook, RequestLog(tmp_path / "log"), RequestLog(tmp_path / "all", content=True)):
        scene.router.hooks.add(hook)
    result = await scene.router.embed([TEXT], RequestContext(providers=["a"]))
    found = page(metrics)
    assert found["llm7router_requests_total"] == {("embeddings", "ok", "false", "auto"): 1}
    assert found["llm7router_tokens_total"] == {("m", "a", "input"): result.tokens_input, ("m", "a", "output"): 0}
    assert [span.name for span in collected.spans] == ["llm7router embeddings", "embeddings m"]
    attempt = said(collected.spans[1])
    assert (attempt["gen_ai.operation.name"], attempt["gen_ai.response.model"]) == ("embeddings", "m")
    assert "gen_ai.usage.output_tokens" not in attempt
    line = json.loads((tmp_path / "log").read_text())
    assert (line["operation"], line["outcome"]) == ("embeddings", "ok")
    assert TEXT not in str([line, *(span.to_json() for span in collected.spans), found])
    everything = json.loads((tmp_path / "all").read_text())
    assert (everything["inputs"], everything["messages"], everything["answer"]) == ([TEXT], [], None)
