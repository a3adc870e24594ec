"""Every example of README.md, of `llm7router help`, of every command's help and of docstrings is tried."""

from __future__ import annotations

import doctest
import importlib
import json
import os
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

import llm7router
from llm7router.calls.local import memory
from llm7router.cli import main
from llm7router.cli.help import topics
from llm7router.config import from_data
from llm7router.testing import ScriptedBackend
from tests.docs import examples

ROOT = Path(__file__).parents[2]
EXAMPLES = [example for file in (ROOT / "README.md", *topics().values()) for example in examples.fenced(file)]
HELP = [*examples.in_help(main)]

# Commands of ours that are not run here, but parsed.
PARSED = {
    "chat": "calls providers; tests/cli runs it against stand-ins",
    "serve": "runs until Ctrl-C; tests/server runs it",
    "setup": "asks a person; tests/onboarding runs it in a terminal against stand-ins",
    "doctor": "asks providers; tests/upkeep runs it against stand-ins",
    "providers update": "asks providers; tests/upkeep runs it against stand-ins",
    "local fetch": "downloads gigabytes; tests/cli/test_local.py runs it against a stand-in",
    "local measure": "takes seconds; tests/cli/test_local.py runs it",
}
# Other programs.
NOT_RUN = {
    "pip": "wants a package index; .ci/run runs the README's",
    "python": "benchmarks and the whole test suite",
    "uvicorn": "runs until Ctrl-C; tests/e2e/test_usage.py runs the application",
    "curl": "wants a gateway; tests/server/test_service.py runs it against one",
}
# Blocks that are no example, or are tried elsewhere.
NOT_TRIED = {
    "text": "output, or lines that want a package that is not installed (tests/docs/test_custom_factor.py has it)",
    "from openai import OpenAI": "wants a gateway; tests/server/test_service.py runs it against one",
}


def of(language: str) -> pytest.MarkDecorator:
    found = [example for example in EXAMPLES if example.language == language]
    assert found, language
    return pytest.mark.parametrize("example", found, ids=lambda example: example.id)


@pytest.fixture(autouse=True)
def first_day(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No keys and no files of the user's; enough memory; nobody is called."""
    for name in list(os.environ):
        if name.endswith(("_API_KEY", "_TOKEN", "_ACCOUNT_ID")) or name.startswith("LLM7ROUTER_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(memory, "usable_bytes", lambda: 8_000_000_000)
    monkeypatch.setattr("llm7router.router._backend", ScriptedBackend)
    monkeypatch.chdir(tmp_path)


def try_command(words: list[str]) -> None:
    """Run it, or parse it, or know why not."""
    if words[0] != "llm7router":
        assert words[0] in NOT_RUN, f"{words[0]}: run it, or say in the table why not"
        return
    if any(" ".join(words[1:]).startswith(known) for known in PARSED):
        examples.parse(words[1:])
        return
    result = CliRunner().invoke(main, words[1:], input="")
    assert result.exit_code == 0, result.output


@of("console")
def test_the_commands_of_an_example_work(example: examples.Example) -> None:
    found = examples.commands(example.text)
    assert found
    for words in found:
        try_command(words)


@pytest.mark.parametrize(
    ("where", "words"), HELP, ids=lambda value: value if isinstance(value, str) else " ".join(value)
)
def test_the_examples_of_a_command_s_help_work(where: str, words: list[str]) -> None:
    try_command(words)


@pytest.mark.parametrize("command", [*examples.runnable(main)])
def test_the_help_of_every_command_has_an_example(command: str) -> None:
    assert any(" ".join(words).startswith(command) for where, words in HELP if where == command)


@of("yaml")
def test_a_fragment_of_router_yaml_is_valid_where_it_belongs(example: examples.Example) -> None:
    merged = examples.merged(example.text)
    assert merged != examples.merged(""), "it changes something, or is no example"
    from_data(merged, env={})


@of("python")
def test_the_code_of_an_example_runs(example: examples.Example) -> None:
    if not any(example.text.startswith(known) for known in NOT_TRIED):
        examples.run_python(example.text)


def test_the_factor_of_the_documentation_is_the_one_of_the_example_package() -> None:
    (shown,) = [
        example.text for example in EXAMPLES if example.id.startswith("factors.md") and example.language == "python"
    ]
    packaged = (ROOT / "examples/custom_factor/llm7router_privacy.py").read_text()
    assert shown.partition("deployment =")[2].strip().replace("hosted,", "min(hosted, 1.0),") in packaged


def test_data_in_examples_can_be_read() -> None:
    for example in EXAMPLES:
        if example.language == "json":
            json.loads(example.text)
        elif example.language == "toml":
            tomllib.loads(example.text)
        else:
            assert example.language in {"console", "yaml", "python", *NOT_TRIED}, example.id


def test_the_code_in_the_package_s_docstring_runs() -> None:
    code = [line[4:] for line in (llm7router.__doc__ or "").splitlines() if line.startswith("    ")]
    assert "LLMRouter().complete_sync" in "\n".join(code)
    names = examples.run_python("\n".join(code))
    assert names["result"].content == "ok"


def test_every_doctest_holds() -> None:
    for file in (ROOT / "llm7router").rglob("*.py"):
        if ">>> " in file.read_text(encoding="utf-8"):
            name = ".".join(file.relative_to(ROOT).with_suffix("").parts)
            assert doctest.testmod(importlib.import_module(name)).failed == 0, name


def test_every_reason_in_the_tables_is_needed() -> None:
    words = [
        words for example in EXAMPLES if example.language == "console" for words in examples.commands(example.text)
    ]
    words += [line for _, line in HELP]
    ours = {" ".join(each[1:]) for each in words if each[0] == "llm7router"}
    assert {each[0] for each in words} - {"llm7router"} == {*NOT_RUN}
    assert all(any(line.startswith(known) for line in ours) for known in PARSED)
