"""examples/custom_factor is a package that can be installed, and its factor then counts."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from llm7router.types import Candidate, Deployment, Kind, Request, TaskType
from tests.e2e.edited import stubbed

EXAMPLE = Path(__file__).parents[2] / "examples" / "custom_factor"
PIP = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]


def routed(tmp_path: Path, *, installed: Path | None) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(filter(None, [str(installed or ""), str(Path(__file__).parents[2])]))
    env = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    command = [sys.executable, "-m", "llm7router", "route", "--env", "production", "--json", "Hello"]
    return subprocess.run(
        command, env={**env, "PYTHONPATH": path, "GROQ_API_KEY": "x"}, cwd=tmp_path, capture_output=True, text=True, input="",
        timeout=60,
    )  # fmt: skip


@pytest.mark.slow
def test_the_installed_package_adds_its_factor_to_route(tmp_path: Path) -> None:
    config = stubbed(tmp_path)
    said = re.search(
        r"weights: (\{.*privacy: 25\})\n +(privacy: .*)\n", (EXAMPLE / "llm7router_privacy.py").read_text()
    )
    assert said, "the docstring of the example shows the lines for router.yaml"
    text = re.sub(
        r"  weights: .*?(?=  rate_limits:)", f"  weights: {said[1]}\n  {said[2]}\n", config.read_text(), flags=re.DOTALL
    )
    config.write_text(text)

    before = routed(tmp_path, installed=None)
    assert before.returncode == 2
    assert "scoring.weights.privacy: unknown factor" in before.stderr

    target = tmp_path / "installed"
    source = shutil.copytree(EXAMPLE, tmp_path / "source")  # building leaves things behind
    made = subprocess.run(
        [sys.executable, *PIP, "--target", target, source], capture_output=True, text=True, timeout=120
    )
    assert made.returncode == 0, made.stderr

    after = routed(tmp_path, installed=target)
    assert after.returncode == 0, after.stderr
    ranking: list[dict[str, Any]] = json.loads(after.stdout)["ranking"]
    points = {each["deployment"]: each["factors"]["privacy"]["points"] for each in ranking}
    assert points["local/smollm2"] == 25
    assert points["groq/openai/gpt-oss-120b"] == 20
    assert points["llm7/minimax-m2.7"] == 0


def test_the_factor_reads_what_its_docstring_says() -> None:
    namespace: dict[str, Any] = {}
    exec((EXAMPLE / "llm7router_privacy.py").read_text(), namespace)  # noqa: S102 - our own example
    request = Request(id="r", task=TaskType.CHAT, prompt_tokens=1)

    def reads(**fields: Any) -> float:
        candidate = Candidate(Deployment(id="p/m", provider="p", model="m", **fields), {}, 0.0, 100)
        return float(namespace["privacy"](request, candidate).value)

    assert reads(trains_on_prompts=True) == 0
    assert reads(trains_on_prompts=False) == 0.7
    assert reads(trains_on_prompts=False, kind=Kind.LLAMA_CPP) == 1
