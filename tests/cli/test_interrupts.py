"""Conversations at a terminal, and Ctrl-C at every moment."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.cli.terminal import CTRL_C, CTRL_D, Terminal
from tests.e2e.edited import stubbed
from tests.upstream import Upstream, wait_until
from tests.upstream_behaviours import stream

KEY = {"GROQ_API_KEY": "canary-groq"}
SOON_S = 1.5  # for a process to be gone on a busy machine


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.endswith(("_API_KEY", "_ACCOUNT_ID", "_TOKEN")) or name.startswith("LLM7ROUTER_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)


@pytest.mark.slow
def test_ctrl_c_stops_an_answer_and_the_conversation_goes_on_until_ctrl_c_at_the_prompt(
    tmp_path: Path, upstream: Upstream
) -> None:
    stubbed(tmp_path, groq=upstream.base_url)
    endless = stream([part for number in range(999) for part in ({"content": f"word{number} "}, 0.05)])
    upstream.script("openai/gpt-oss-120b", ["answer", endless, "answer"])
    with Terminal("chat", env=KEY) as terminal:
        terminal.wait_for("Ctrl-D ends")
        terminal.wait_for("> ")
        terminal.type("zeroth\n")
        time.sleep(0.3)
        terminal.type(CTRL_C)  # while LiteLLM is being imported: there is no answer yet
        terminal.wait_for("[stopped]", within_s=SOON_S)
        terminal.wait_for("> ")
        terminal.type("first\n")
        terminal.wait_for("[groq/openai/gpt-oss-120b")
        terminal.wait_for("> ")
        terminal.type("second\n")
        terminal.wait_for("word3")
        terminal.type(CTRL_C)
        terminal.wait_for("[stopped]", within_s=SOON_S)
        assert upstream.wait_closed(), "the provider goes on for nobody"
        terminal.wait_for("> ")
        terminal.type("third\n")
        terminal.wait_for("[groq/openai/gpt-oss-120b")
        said = [message["content"] for message in upstream.last.body["messages"]]
        assert [said[0], said[1].strip(), said[2], said[4]] == ["first", "Hello!", "second", "third"]
        assert said[3].startswith("word0 word1 "), "what was heard of the answer is remembered"
        terminal.wait_for("> ")
        time.sleep(0.3)  # Python's readline misses an interrupt between its prompt and its wait for a key
        terminal.type(CTRL_C)
        code, took = terminal.exit_code()
    assert (code, took < SOON_S) == (130, True)
    assert "Traceback" not in terminal.seen
    assert "Aborted" not in terminal.seen


def test_why_nothing_serves_is_broken_between_words_on_a_terminal() -> None:
    with Terminal("route", "--require", "tools", "x", env={"COLUMNS": "60"}) as terminal:
        assert terminal.exit_code()[0] == 3
    lines = terminal.seen.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("0/"))
    assert " no key" in " ".join(lines[first : lines.index("", first)])
    assert max(map(len, lines)) <= 60


@pytest.mark.parametrize("last", ["\n", "exit\n", CTRL_D])
def test_a_conversation_ends_with(last: str) -> None:
    with Terminal("chat") as terminal:
        terminal.wait_for("> ")
        terminal.type(last)
        assert terminal.exit_code()[0] == 0
    assert "Error" not in terminal.seen


@pytest.mark.parametrize(
    ("after_s", "times"),
    [(0.8, 3), (1.5, 1)],
    ids=["three times", "once, during LiteLLM's import"],
)
def test_ctrl_c_before_the_one_answer_ends_at_once_without_a_word(after_s: float, times: int, tmp_path: Path) -> None:
    stubbed(tmp_path)
    with Terminal("chat", "--only", "local", "Hello") as terminal:
        time.sleep(after_s)
        for _ in range(times):
            terminal.type(CTRL_C)
            time.sleep(0.02)
        code, took = terminal.exit_code()
    assert (code, took < SOON_S) == (130, True)
    assert "Traceback" not in terminal.seen


@pytest.mark.slow
def test_ctrl_c_during_the_one_answer_ends_the_call_too(tmp_path: Path, upstream: Upstream) -> None:
    stubbed(tmp_path, groq=upstream.base_url)
    upstream.always("stall")
    with Terminal("chat", "Hello", env=KEY) as terminal:
        assert wait_until(lambda: upstream.count == 1, 30), terminal.screen()
        terminal.type(CTRL_C)
        code, took = terminal.exit_code()
    assert (code, took < SOON_S) == (130, True)
    assert upstream.wait_closed()
    assert "Traceback" not in terminal.seen
