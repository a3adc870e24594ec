"""What Tab offers, in a real bash where it matters."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from llm7router.cli import main
from tests.e2e.edited import stubbed


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A router.yaml in the working directory, and `llm7router` in the path."""
    monkeypatch.delenv("LLM7ROUTER_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    return stubbed(tmp_path)


def offered(*words: str) -> list[str]:
    """What is offered for the last word."""
    completer = ShellComplete(main, {}, "llm7router", "_LLM7ROUTER_COMPLETE")
    return [item.value for item in completer.get_completions([*words[:-1]], words[-1])]


def in_shell(shell: str, line: str) -> str:
    """What a real shell offers for a line that was typed so far."""
    scripts = {
        "bash": 'eval "$(llm7router completion bash)"; read -ra COMP_WORDS <<<"$1"; [[ $1 == *" " ]] && COMP_WORDS+=("")\n'
        'COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _llm7router_completion llm7router; printf "%s\\n" "${COMPREPLY[@]}"',
        "fish": 'llm7router completion fish | source; complete -C "$argv[1]"',
    }
    last = [line] if shell == "fish" else [shell, line]
    done = subprocess.run([shell, "-c", scripts[shell], *last], capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("shell", ["bash", "fish"])
@pytest.mark.parametrize(
    ("line", "offers", "not_"),
    [
        ("llm7router ro", "route", "chat"),
        ("llm7router route --task tra", "translate", "code"),
        ("llm7router route --assume-down gr", "groq", "openrouter"),
        ("llm7router route --assume-down groq/openai/gpt-oss-1", "groq/openai/gpt-oss-120b", "gpt-oss-20b"),
    ],
)
def test_a_real_shell_completes_commands_tasks_providers_and_deployments(
    shell: str, line: str, offers: str, not_: str
) -> None:
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    said = in_shell(shell, line)
    assert offers in said
    assert not_ not in said


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("zsh"), reason="zsh is not installed")
def test_the_script_for_zsh_can_be_loaded_by_zsh() -> None:
    script = 'autoload -Uz compinit; compinit -u -d "$PWD/dump"; eval "$(llm7router completion zsh)"; print $_comps[llm7router]'
    done = subprocess.run(["zsh", "-fc", script], capture_output=True, text=True, timeout=60)
    assert (done.stdout.strip(), done.stderr) == ("_llm7router_completion", "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_script_for_our_command(shell: str) -> None:
    result = CliRunner().invoke(main, ["completion", shell])
    assert result.exit_code == 0
    assert "_LLM7ROUTER_COMPLETE" in result.output
    assert "%(" not in result.output


def test_another_shell_is_refused_with_the_choices() -> None:
    result = CliRunner().invoke(main, ["completion", "tcsh"])
    assert result.exit_code == 2
    assert "'bash', 'zsh', 'fish'" in result.stderr


def test_values_are_offered_where_they_are_known() -> None:
    assert offered("route", "--task", "") == [
        "auto",
        "chat",
        "reasoning",
        "code",
        "summarize",
        "extract",
        "translate",
        "creative",
    ]
    assert "json_schema" in offered("chat", "--require", "js")
    assert offered("route", "--env", "") == ["development", "production"]
    assert offered("route", "--exclude", "lo") == ["local"]
    assert offered("route", "--only", "llm7/m") == ["llm7/minimax-m2.7", "llm7/mistral-Nemo-Instruct-2407"]
    assert offered("local", "measure", "") == ["local/smollm2"]
    assert "limits" in offered("help", "li")


def test_the_configuration_that_the_line_names_is_the_one_that_is_offered(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text("version: 1\nproviders: {mine: {models: [{id: one}, {id: two}]}}\n")
    assert offered("route", "--config", "other.yaml", "--only", "") == ["mine"]
    assert offered("route", "--config", "other.yaml", "--only", "mine/") == ["mine/one", "mine/two"]


@pytest.mark.parametrize(
    "text", ["providers: [", "providers: 3", "- x", "", "providers: {a: {models: 7}, b: null}", "\0"]
)
def test_a_faulty_configuration_offers_less_and_prints_nothing(
    text: str, config: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    config.write_text(text)
    assert [each for each in offered("route", "--only", "") if each != "a"] == []
    assert offered("route", "--only", "a/") == []
    assert tuple(capfd.readouterr()) == ("", "")
