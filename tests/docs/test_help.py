"""`llm7router help`: the topics, at a terminal and in a pipe."""

from __future__ import annotations

import pytest
from click.testing import CliRunner, Result

from llm7router.cli import main
from llm7router.cli.help import topics
from tests.cli.terminal import Terminal

MOST_LINES = 120


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["help", *arguments])


def test_the_topics_are_listed_with_what_they_are_about() -> None:
    result = run()
    assert result.exit_code == 0
    for name in ("configuration", "scoring", "limits", "local", "gateway", "operating", "factors"):
        assert any(line.startswith(f"{name} ") and len(line.split()) > 2 for line in result.output.splitlines()), name


@pytest.mark.parametrize("topic", topics())
def test_a_topic_is_printed_as_it_is_written_when_nobody_watches(topic: str) -> None:
    text = topics()[topic].read_text(encoding="utf-8")
    assert run(topic.upper()).output == text
    assert len(text.splitlines()) <= MOST_LINES
    assert max(map(len, text.splitlines())) <= 130


@pytest.mark.parametrize(
    ("topic", "says"),
    [("lokal", "did you mean 'local'?"), ("limit", "did you mean 'limits'?"), ("zzz", "use one of configuration,"),
     ("route", "'route' is a command: llm7router route --help")],
)  # fmt: skip
def test_an_unknown_topic_is_told_with_the_nearest(topic: str, says: str) -> None:
    result = run(topic)
    assert result.exit_code == 2
    assert says in result.stderr


@pytest.mark.slow
def test_a_topic_is_rendered_at_a_terminal() -> None:
    with Terminal("help", "limits", env={"TERM": "xterm-256color", "COLUMNS": "100"}) as terminal:
        assert terminal.exit_code()[0] == 0
    assert "\x1b[" in terminal.seen
    assert "# Limits" not in terminal.seen
    assert "```" not in terminal.seen
