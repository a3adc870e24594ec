"""The command without a terminal: in scripts, and used wrongly."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from llm7router.cli import main
from llm7router.config import load
from tests.onboarding.conftest import CHECK, GOOD_KEY, routed
from tests.upstream import Upstream


def run(*arguments: str, input: str | None = None) -> Result:
    return CliRunner().invoke(main, ["setup", *arguments], input=input)


def test_a_key_from_a_pipe_is_checked_and_stored_and_only_its_end_is_shown(groq: Upstream, tmp_path: Path) -> None:
    result = run("groq", "--key-stdin", input=f"{GOOD_KEY}\n")
    assert result.exit_code == 0
    path = tmp_path / ".env"
    for line in (
        "  gives: 30 requests/minute a model; 1,000 requests/day a model; 8,000 tokens/minute a model;",
        "  sign-up asks for: neither phone nor card",
        "  trains on prompts: no",
        "  terms: 18 and over; not for consumer use",
        "  as of: 2026-10-05",
        "  key goes to: 127.0.0.1",
        "The key is good.",
        f"Stored GROQ_API_KEY …WXYZ in {path} (only you can read it).",
    ):
        assert line in result.output.replace("\n    ", " ")
    assert result.output.endswith('Next: llm7router chat "What is a monad?"\n')
    assert GOOD_KEY not in result.output
    assert (load().env["GROQ_API_KEY"], path.stat().st_mode & 0o777) == (GOOD_KEY, 0o600)
    assert not groq.requests, "a check takes nothing of the allowance"


@pytest.mark.parametrize(
    ("arguments", "input", "said"),
    [
        ((), "", "it is empty; nothing was stored"),
        ((), "one\ntwo\n", "it has more than one line; nothing was stored"),
        ((), "gsk a", "it has a space inside; nothing was stored"),
        ((), "x" * 70_000, "it is longer than any key (65536 characters, at most 512); nothing was stored"),
        ((), "\xff\x00", "it has a character that no key has; nothing was stored"),
        ((), "gsk_wrong0123456789", "Groq refuses this key (401: Invalid API Key); nothing was stored"),
        (("--store", "keyring"), GOOD_KEY, "this machine has no keyring that works; use --store env"),
    ],
)
def test_what_cannot_be_stored_is_one_clear_line_and_nothing_is(
    groq: Upstream, arguments: tuple[str, ...], input: str, said: str
) -> None:
    result = run("groq", "--key-stdin", *arguments, input=input)
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: ")
    assert line.endswith(said)
    assert not Path(".env").exists()
    assert len(input) < 6 or input not in result.output


def test_a_key_that_cannot_be_checked_is_stored_from_a_pipe_only_when_told_so(groq: Upstream) -> None:
    groq.paths[CHECK] = "html"
    result = run("groq", "--key-stdin", input=GOOD_KEY)
    assert result.exit_code == 1
    assert result.stderr == (
        "Error: Groq could not be asked about this key: the answer is not JSON (status 200); nothing was stored; "
        "--no-check stores it all the same\n"
    )
    asked = len(groq.others)
    assert run("groq", "--key-stdin", "--no-check", input=GOOD_KEY).exit_code == 0
    assert len(groq.others) == asked
    assert load().env["GROQ_API_KEY"] == GOOD_KEY


def test_a_provider_without_a_free_check_costs_nothing_from_a_pipe(tmp_path: Path, upstream: Upstream) -> None:
    routed(tmp_path, llm7=upstream.base_url)
    result = run("llm7", "--key-stdin", input=GOOD_KEY)
    assert result.exit_code == 0
    assert "The key was not checked: that would take one request." in result.output
    assert upstream.connections == 0


def test_a_disabled_provider_says_what_is_left_to_do(tmp_path: Path) -> None:
    path = routed(tmp_path)
    result = run("cohere", "--key-stdin", input=GOOD_KEY)
    assert result.exit_code == 0
    assert f"cohere is disabled: set `enabled: true` under providers.cohere in {path.name}" in result.output
    assert "Next:" not in result.output


@pytest.mark.parametrize("value", ["old", ""])
def test_a_key_of_the_environment_cannot_be_replaced_by_a_stored_one(
    groq: Upstream, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("GROQ_API_KEY", value)
    result = run("groq", "--key-stdin", input=GOOD_KEY)
    assert result.exit_code == 1
    assert "GROQ_API_KEY is set in the environment, which comes before what is stored; unset it there" in result.stderr


def test_a_key_that_is_there_already_is_replaced_where_it_is(groq: Upstream, tmp_path: Path) -> None:
    Path(".env").write_text("# mine\nGROQ_API_KEY=gsk_old0123456789AAAA\nB=1\n")
    result = run("groq", "--key-stdin", input=GOOD_KEY)
    assert "GROQ_API_KEY is set already (…AAAA); a new key replaces it." in result.output
    assert Path(".env").read_text() == f"# mine\nGROQ_API_KEY='{GOOD_KEY}'\nB=1\n"


def test_a_key_in_the_keyring_that_a_file_hides_is_a_warning(groq: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    from llm7router.config import system_keyring
    from tests.onboarding.test_system_keyring import Kept

    kept = Kept()
    monkeypatch.setattr(system_keyring, "_backend", lambda: kept)
    Path(".env").write_text("GROQ_API_KEY=old\n")
    result = run("groq", "--key-stdin", "--store", "keyring", input=GOOD_KEY)
    assert "Stored GROQ_API_KEY …WXYZ in the system's keyring." in result.output
    assert "Warning: an older GROQ_API_KEY in a .env file comes before it; remove that line." in result.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "setup asks at a terminal; in a script pipe the key in with --key-stdin"),
        (("groq",), "setup asks at a terminal; in a script pipe the key in with --key-stdin"),
        (("--key-stdin",), "--key-stdin needs a PROVIDER"),
        (("grok", "--key-stdin"), "did you mean 'groq'?"),
        (("local", "--key-stdin"), "local takes no key; use one of groq, "),
        (("groq", "--key-stdin", "-c", "gone.yaml"), "gone.yaml: there is no such file"),
    ],
)
def test_wrong_usage_is_exit_code_2(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    routed(tmp_path)
    result = run(*arguments, input="x")
    assert result.exit_code == 2
    assert said in result.stderr
    assert "Traceback" not in result.output


def test_what_the_provider_needs_beside_a_key_must_be_set_before_a_script_can_go_on(tmp_path: Path) -> None:
    routed(tmp_path)
    result = run("cloudflare", "--key-stdin", input=GOOD_KEY)
    assert result.exit_code == 1
    assert "CLOUDFLARE_ACCOUNT_ID is not set; set it in the environment or in .env first" in result.stderr


@pytest.mark.parametrize("arguments", [("groq",), ("groq", "--key-stdin")])
def test_a_closed_standard_input_is_wrong_usage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    routed(tmp_path)
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(click.UsageError, match=r"standard input is closed|asks at a terminal"):
        main(["setup", *arguments], standalone_mode=False)


def test_a_file_without_providers_says_where_to_get_some(tmp_path: Path) -> None:
    (tmp_path / "router.yaml").write_text("version: 1\n")
    result = run("groq", "--key-stdin", input="x")
    assert result.exit_code == 2
    assert "none of its providers takes one; copy providers from the router.yaml that ships" in result.stderr
