"""What Tab offers, in real shells where it matters."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from llm7router.cli import main
from llm7router.cli.shells import SHELLS as OURS
from tests.cli.terminal import Terminal
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


REAL = {  # where a person's settings stand below the home directory, and what is put there
    "bash": (".bashrc", 'PS1="ready> "; eval "$(llm7router completion bash)"'),
    "zsh": (".zshrc", 'PS1="ready> "; autoload -Uz compinit; compinit -u; eval "$(llm7router completion zsh)"'),
}
CTRL_A, LEFT = "\x01", "\x1b[D"


@pytest.fixture(scope="module", params=[*REAL])
def shell(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """A real shell at a terminal, in a directory with a router.yaml."""
    if not shutil.which(request.param):
        pytest.skip(f"{request.param} is not installed")
    file, settings = REAL[request.param]
    home = tmp_path_factory.mktemp("home")
    (home / file).parent.mkdir(parents=True, exist_ok=True)
    (home / file).write_text(f"stty rows 50 cols 150; {settings}\n")
    shutil.copy(stubbed(home), home / "my router.yaml")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        env = {"HOME": str(home), "ZDOTDIR": str(home), "TERM": "xterm"}
        with Terminal(program=(request.param, "-i"), env=env) as terminal:
            terminal.wait_for("ready> ")
            yield terminal


TYPED = [
        ("llm7router ro", ["route"]),
        ("llm7router route --task tra", ["route", "--task", "translate"]),
        ("llm7router route --assume-down gr", ["route", "--assume-down", "groq"]),
        ("llm7router route --assume-down=gr", ["route", "--assume-down=groq"]),
        ("llm7router route --only groq/openai/gpt-oss-1", ["route", "--only", "groq/openai/gpt-oss-120b"]),
        ("llm7router route --only openrouter/nvidia/nemotron-3-super-120b-a12b:f",
         ["route", "--only", "openrouter/nvidia/nemotron-3-super-120b-a12b:free"]),
        ("llm7router local fetch hf:Qwen/Qwen3-8", ["local", "fetch", "hf:Qwen/Qwen3-8B-GGUF/Qwen3-8B-Q4_K_M.gguf"]),
        ("llm7router validate --config my", ["validate", "--config", "my router.yaml"]),
        ("llm7router help li", ["help", "limits"]),
        (f"llm7router route --task tra hello{LEFT * 6}", ["route", "--task", "translate", "hello"]),
    ]  # fmt: skip
IDS = ["a command", "a task", "a provider", "behind an equals sign", "a deployment", "behind a colon",
       "a model of the hub", "a file", "a topic", "in the middle of a line"]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("typed", "becomes"), TYPED, ids=IDS)
def test_tab_in_a_real_shell_completes(typed: str, becomes: list[str], shell: Terminal) -> None:
    shell.type(f"{typed}\t")
    time.sleep(1.5)  # a key that is pressed while it completes may be lost
    shell.type(f"{CTRL_A}printf '<%s>' GOT \r")  # the line becomes its arguments
    shell.wait_for("<GOT><llm7router>", within_s=10)
    shell.wait_for("".join(f"<{word}>" for word in becomes), within_s=5)


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("fish"), reason="fish is not installed")
@pytest.mark.parametrize(("typed", "becomes"), TYPED[:-1], ids=IDS[:-1])
def test_fish_offers_the_last_word(typed: str, becomes: list[str], config: Path) -> None:
    shutil.copy(config, "my router.yaml")
    script = 'llm7router completion fish | source; complete -C "$argv[1]"'
    done = subprocess.run(["fish", "-c", script, typed], capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    assert becomes[-1] in [line.partition("\t")[0] for line in done.stdout.splitlines()]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_script_for_our_command(shell: str) -> None:
    result = CliRunner().invoke(main, ["completion", shell])
    assert result.exit_code == 0
    assert "_LLM7ROUTER_COMPLETE" in result.output
    assert "%(" not in result.output


def test_the_scripts_are_those_of_this_click_with_our_changes() -> None:
    for name, ours in OURS.items():
        (click_s,) = (each for each in ours.__mro__[1:] if "source_template" in vars(each))
        assert ours.source_template != click_s.source_template, name


def test_with_the_script_of_another_click_bash_is_answered_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMP_WORDS", "llm7router\nroute\n--task\ntra")
    monkeypatch.setenv("COMP_CWORD", "3")
    assert OURS["bash"](main, {}, "llm7router", "X").get_completion_args() == (["route", "--task"], "tra")


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
