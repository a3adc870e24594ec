"""`strengths` and `tasks` in router.yaml."""

from __future__ import annotations

from typing import Any

import pytest

from llm7router.presets import GroqProvider
from tests.config.conftest import Told
from tests.router.scene import Scene, model, provider

LINE = {"stars": {"chat": 4, "code": 5}, "source": "judgement", "checked": "2026-11-23"}
PROVIDERS = "providers: {a: {base_url: 'https://a.b', models: [{id: m}]}}"


def stars(strengths: dict[str, Any], **keys: Any) -> dict[str, float]:
    scene = Scene({"a": provider(model("Vendor/Big-7B:free", **keys))}, strengths=strengths)
    return {str(task): value for task, value in scene.router.deployments[0].quality.items()}


@pytest.mark.parametrize("pattern", ["big-7b", "Big-7B", "vendor/big", "b?g-*b", "*big*"])
def test_a_model_gets_the_stars_of_a_part_of_its_id(pattern: str) -> None:
    assert stars({pattern: LINE}) == {"chat": 4, "code": 5}


def test_the_first_pattern_that_fits_counts_and_a_models_own_stars_go_before_all() -> None:
    other = {**LINE, "stars": {"chat": 1}}
    assert stars({"small": other, "big": LINE, "big-7b": other}) == {"chat": 4, "code": 5}
    assert stars({"big": LINE}, quality={"chat": 2}) == {"chat": 2}
    assert stars({"small": LINE}) == {}


def test_a_provider_that_is_taken_from_the_catalogue_brings_its_stars_along() -> None:
    scene = Scene({"a": provider()})
    scene.router.register_provider(GroqProvider(api_key="unused"))
    groq = {d.id: d.quality for d in scene.router.deployments if d.provider == "groq"}
    assert len(groq) == 3
    assert all(groq.values())


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "strengths: {big: {stars: {chat: 4}, checked: 2026-11-23}}",
            "strengths.big.source: a required key is missing",
        ),
        ("strengths: {big: {stars: {chat: 4}, source: me}}", "strengths.big.checked: a required key is missing"),
        ("strengths: {big: {stars: {chat: 9}, source: me, checked: 2026-11-23}}", "strengths.big.stars.chat: must be"),
        ("strengths: {big: {stars: {chatt: 4}, source: me, checked: 2026-11-23}}", "did you mean 'chat'?"),
        ("strengths: {big: {stars: {}, source: me, checked: 2026-11-23}}", "strengths.big.stars: "),
        ("tasks: {code: ['']}", "tasks.code[0]: "),
        ("tasks: {code: ['!!!']}", "tasks.code[0]: '!!!' has less than two letters or digits; give a word or a phrase"),
        ("tasks: {code: [terraform], chat: [Terraform]}", "tasks.chat[0]: 'Terraform' already tells code; keep one"),
        (f"tasks: {{code: [{'x' * 61}]}}", "tasks.code[0]: "),
        ("tasks: {code: terraform}", "tasks.code: must be a list"),
        ("tasks: {auto: [terraform]}", "tasks.auto: "),
        ("scoring: {task_match: {trust: 0}}", "scoring.task_match.trust: must be a number above 0"),
    ],
)
def test_each_fault_is_one_line_that_names_the_place(told: Told, line: str, message: str) -> None:
    (fault,) = told(f"version: 1\n{line}\n{PROVIDERS}\n")
    assert fault.startswith("router.yaml:")
    assert message in fault


def test_own_phrases_reach_the_decision() -> None:
    scene = Scene({"a": provider()}, tasks={"extract": ["ledger lines"]})
    asked = [{"role": "user", "content": "Write a poem from the ledger lines"}]
    request = scene.router.decide(asked).request
    assert request.task == "extract"
    assert "your 'ledger lines'" in request.task_evidence
    assert scene.router.decide(asked, None).request.difficulty > 0
