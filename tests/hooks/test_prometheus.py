"""The page that Prometheus reads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain

from llm7router import ConfigError
from llm7router.hooks import metrics_of
from llm7router.hooks.facts import word
from llm7router.hooks.prometheus import Metrics
from llm7router.testing import Reply
from llm7router.types import Failure, Outcome
from tests.hooks import heard
from tests.router.scene import Scene, model, provider, ranked
from tests.virtual import in_virtual_time

Series = dict[tuple[str, ...], float]


def page(metrics: Metrics) -> dict[str, Series]:
    """Every value by its name and its labels' values, as Prometheus parses them."""
    found: dict[str, Series] = {}
    for family in plain(metrics.render()[0].decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
    return found


def watched(scene: Scene) -> Metrics:
    metrics = Metrics(scene.router)
    scene.router.hooks.add(metrics)
    return metrics


@in_virtual_time
async def test_a_fallback_counts_both_calls_its_reason_and_what_the_answer_used() -> None:
    limited = Reply(outcome=Outcome(Failure.RATE_LIMITED, "slow down", status=429), delay_s=1)
    scene = Scene(ranked("a", "b"), {"a/m": limited, "b/m": Reply("Hi", delay_s=2)})
    metrics = watched(scene)
    await heard.asked(scene)
    found = page(metrics)
    assert found["llm7router_requests_total"] == {("chat", "ok", "false", "chat"): 1}
    assert found["llm7router_attempts_total"] == {("m", "rate_limited", "a"): 1, ("m", "ok", "b"): 1}
    assert found["llm7router_fallbacks_total"] == {("rate_limited",): 1}
    assert found["llm7router_tokens_total"] == {("m", "b", "input"): 10, ("m", "b", "output"): 5}
    assert found["llm7router_cost_usd_total"] == {("m", "a"): 0, ("m", "b"): 0}
    assert found["llm7router_request_duration_seconds_sum"] == {("ok",): 3}
    assert list(found["llm7router_decision_score_count"].items()) == [(("m", "a"), 1)], "the first choice"


@in_virtual_time
async def test_a_stream_tells_its_first_token_and_a_whole_answer_does_not() -> None:
    scene = Scene(ranked("a"), {"a/m": Reply("one two", delay_s=0.4)})
    metrics = watched(scene)
    await heard.asked(scene)
    assert "llm7router_time_to_first_token_seconds_sum" not in page(metrics)
    await heard.asked(scene, stream=True)
    assert page(metrics)["llm7router_time_to_first_token_seconds_sum"] == {("m", "a"): 0.4}


@in_virtual_time
async def test_dollars_go_to_who_cost_them() -> None:
    dear = {"input": 100, "output": 1000}
    providers = {
        "a": provider(model(cost=dear, quality={"chat": 5}), environments={"production": 1.0}),
        "b": provider(model(cost=dear, quality={"chat": 1}), environments={"production": 0.2}),
    }
    scene = Scene(providers, {"a/m": Failure.TIMEOUT}, budget={"usd_per_request": 9, "usd_per_day": 90})
    metrics, hook = watched(scene), heard.Heard()
    scene.router.hooks.add(hook)
    await heard.asked(scene)
    costs = page(metrics)["llm7router_cost_usd_total"]
    assert hook.only.result is not None
    assert sum(costs.values()) == pytest.approx(hook.only.result.cost)
    assert costs["m", "a"] == pytest.approx(hook.only.attempts[0].usd)
    assert costs["m", "b"] == pytest.approx((10 * 100 + 5 * 1000) / 1e6)


@in_virtual_time
async def test_limits_health_and_states_are_read_when_the_page_is() -> None:
    limits = [
        {"unit": "requests", "window": "minute", "max": 5},
        {"unit": "requests", "window": "10 seconds", "max": 3},
    ]
    providers: dict[str, Any] = {
        "a": provider(limits_per_model=limits),
        "b": provider(model(), enabled=False),
    }
    scene = Scene(providers)
    metrics = watched(scene)
    assert page(metrics)["llm7router_quota_remaining"] == {
        ("m", "a", "requests", "minute"): 5,
        ("m", "a", "requests", "10_seconds"): 3,
    }
    for _ in range(3):
        await heard.asked(scene)
    found = page(metrics)
    assert found["llm7router_quota_remaining"][("m", "a", "requests", "10_seconds")] == 0
    assert found["llm7router_quota_limit"][("m", "a", "requests", "minute")] == 5
    assert {key[-1]: value for key, value in found["llm7router_circuit_state"].items()} == {
        "available": 0, "probing": 0, "open": 0, "blocked": 0, "exhausted": 1,
    }  # fmt: skip
    assert found["llm7router_in_flight"] == {("m", "a"): 0}
    assert 0.9 < found["llm7router_provider_health"]["m", "a"] <= 1
    assert found["llm7router_store_degraded"] == {(): 0}


@in_virtual_time
async def test_a_limit_that_will_run_out_tells_when_and_others_say_nothing() -> None:
    limits = [{"unit": "requests", "window": "day", "max": 100}, {"unit": "requests", "window": "minute", "max": 90}]
    scene = Scene({"a": provider(limits_per_model=limits)})
    metrics = watched(scene)
    assert "llm7router_quota_exhaustion_seconds" not in page(metrics)
    for _ in range(60):
        await heard.asked(scene)
    left = page(metrics)["llm7router_quota_exhaustion_seconds"]
    assert ("m", "a", "requests", "day") in left
    assert all(0 <= seconds < 86400 for seconds in left.values())


@in_virtual_time
async def test_of_windows_with_one_name_the_scarcer_is_shown_once() -> None:
    minute = {"unit": "requests", "window": "minute"}
    scene = Scene({"a": provider(limits_per_model=[{**minute, "max": 50}], limits=[{**minute, "max": 20}])})
    found = page(watched(scene))
    assert found["llm7router_quota_remaining"] == {("m", "a", "requests", "minute"): 20}
    assert found["llm7router_quota_limit"] == {("m", "a", "requests", "minute"): 20}


@in_virtual_time
async def test_money_is_shown_in_dollars() -> None:
    credit = [{"unit": "usd", "window": "month", "max": 10}]
    scene = Scene({"a": provider(model(list_cost={"input": 1, "output": 1}), limits_per_model=credit)})
    assert page(watched(scene))["llm7router_quota_limit"] == {("m", "a", "usd", "month"): 10}


@in_virtual_time
async def test_every_name_is_conventional_and_has_help() -> None:
    scene = Scene({"a": provider(limits_per_model=[{"unit": "requests", "window": "day", "max": 2}])})
    metrics = watched(scene)
    for stream in (False, True, False):
        await heard.asked(scene, stream=stream)
    for family in plain(metrics.render()[0].decode()):
        if family.name.startswith("process_") or family.name.endswith("_created"):
            continue
        assert family.name.startswith("llm7router_")
        assert family.documentation
        assert "_ms" not in family.name


@in_virtual_time
async def test_labels_hold_nothing_that_a_client_chose() -> None:
    scene = Scene(ranked("a"), {"a/m": [Failure.SERVER_ERROR, "ok"]})
    metrics = watched(scene)
    for word_of_client in ("client-1", "client-2"):
        await heard.asked(scene, user=word_of_client, stop=[word_of_client])
    assert b"client-" not in metrics.render()[0]


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "text/plain"),
        ("text/html", "text/plain"),
        ("application/openmetrics-text;version=1.0.0,text/plain;q=0.5", "application/openmetrics-text"),
    ],
    ids=["nothing asked for", "a browser", "Prometheus"],
)
def test_the_format_is_the_one_asked_for(accept: str, content_type: str) -> None:
    body, answered = Metrics(Scene(ranked("a")).router).render(accept)
    assert answered.startswith(content_type)
    parse = openmetrics if "openmetrics" in answered else plain
    assert "llm7router_provider_health" in {family.name for family in parse(body.decode())}


def test_every_way_an_attempt_ends_is_one_word_of_its_own() -> None:
    words = [word(failure) for failure in (None, *Failure)]
    assert len(set(words)) == len(words)
    assert all(w.isidentifier() and w == w.lower() for w in words)
    assert word(Failure.NO_ANSWER) == "only_reasoning_no_answer"


def test_a_registry_of_the_callers_own_holds_the_figures() -> None:
    registry = CollectorRegistry()
    Metrics(Scene(ranked("a")).router, registry)
    assert registry.get_sample_value("llm7router_in_flight", {"provider": "a", "model": "m"}) == 0


def test_a_shared_directory_that_is_none_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / "none"))
    with pytest.raises(ConfigError, match=r"PROMETHEUS_MULTIPROC_DIR: no directory \(.*\); make it"):
        metrics_of(Scene(ranked("a")).router)


WORKER = """
import json, sys
from llm7router.hooks.prometheus import Metrics
from tests.hooks import heard
from tests.router.scene import Scene, ranked
from tests.virtual import run_virtual

scene = Scene(ranked("a"))
metrics = Metrics(scene.router)
scene.router.hooks.add(metrics)

async def work():
    for _ in range(int(sys.argv[1])):
        await heard.asked(scene)

run_virtual(work())
print(metrics.render()[0].decode())
"""


def worker(directory: Path, requests: int) -> Iterator[Any]:
    """A process that makes requests and shows its page."""
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(directory)}
    command = [sys.executable, "-c", WORKER, str(requests)]
    shown = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
    return iter(plain(shown.stdout))


def test_processes_that_share_a_directory_show_the_sum_of_all(tmp_path: Path) -> None:
    worker(tmp_path, 3)
    families = {family.name: family for family in worker(tmp_path, 4)}
    [requests] = families["llm7router_requests"].samples
    assert (requests.value, requests.labels["outcome"]) == (7, "ok")
    counts = [s.value for s in families["llm7router_request_duration_seconds"].samples if s.name.endswith("_count")]
    assert counts == [7]
    assert "pid" not in json.dumps([s.labels for s in families["llm7router_provider_health"].samples])
