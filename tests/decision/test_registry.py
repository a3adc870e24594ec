"""Weights and parameters from router.yaml, and factors of other packages."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from llm7router import LLMRouter
from llm7router.decision import registry
from llm7router.testing import ScriptedBackend
from tests.router.scene import HELLO, config, ranked

MODULE = '''
from llm7router.types import Candidate, Reading, Request


def short_name(request: Request, candidate: Candidate, /, *, best: float = 1.0) -> Reading:
    """Prefer short names."""
    return Reading(min(1.0, best / len(candidate.deployment.provider)), "{} letters", (len(candidate.deployment.provider),))
'''


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed package with one factor, as pip would leave it."""
    (tmp_path / "short_names.py").write_text(MODULE)
    info = tmp_path / "short_names-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: short-names\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[llm7router.factors]\nshort_name = short_names:short_name\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.modules.pop("short_names", None)


def test_a_factor_of_another_package_plugs_in_by_its_weight(plugin: None) -> None:
    providers = ranked("a-long-name", "b")
    plain = LLMRouter(config(providers), env={}, backend=ScriptedBackend())
    scoring = {"weights": {"task_match": 15, "short_name": 50}, "short_name": {"best": 1.0}}
    plugged = LLMRouter({**config(providers), "scoring": scoring}, env={}, backend=ScriptedBackend())
    assert plain.decide(HELLO).ranking[0].deployment.provider == "a-long-name"
    best = plugged.decide(HELLO).ranking[0]
    assert best.deployment.provider == "b"
    assert best.breakdown()["short_name"] == 50
    assert best.readings[-1][2].because == "1 letters"


def test_parameters_of_a_plugged_in_factor_are_checked_against_its_signature(plugin: None) -> None:
    assert registry.faults({"short_name": 1}, {"short_name": {"bets": 2}}) == [
        (("short_name", "bets"), "unknown parameter; did you mean 'best'?")
    ]


@pytest.mark.parametrize(
    ("weights", "parameters", "fault"),
    [
        ({"helth": 1}, {}, (("weights", "helth"), "unknown factor; did you mean 'health'?")),
        ({"cost": 0}, {}, (("weights",), "every weight is 0, so nothing can be ranked; give at least one above 0")),
        (
            {"cost": 1},
            {"latency": {"target": 1}},
            (("latency", "target"), "unknown parameter; did you mean 'target_s'?"),
        ),
        ({"cost": 1}, {"latency": {"target_s": 0}}, (("latency", "target_s"), "must be a number above 0 (given '0')")),
        ({"cost": 1}, {"latency": 3}, (("latency",), "must hold parameters, such as `latency: {target_s: 2.0}`")),
        ({"cost": 1}, {"health": {"x": 1}}, (("health", "x"), "unknown parameter; this factor has none")),
    ],
    ids=["a mistyped factor", "no weight", "a mistyped parameter", "zero", "no mapping", "a factor without parameters"],
)
def test_faults_say_where_and_what(weights: dict[str, float], parameters: dict[str, object], fault: object) -> None:
    assert registry.faults(weights, parameters) == [fault]


def test_a_weight_of_zero_leaves_a_factor_out() -> None:
    assert [name for name, _, _ in registry.bind({"cost": 30, "health": 0}, {})] == ["cost"]
