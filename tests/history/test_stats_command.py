"""`llm7router stats` as a person types it."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from llm7router.cli import main
from llm7router.cli.plots import bar, sparkline, speaks_unicode
from llm7router.history import Key, Usage, sketch
from llm7router.history.database import FILE, SqliteHistory

FORMULA = '=HYPERLINK("http://127.0.0.1","x")'


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A router.yaml here, whose state is beside it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("LLM7ROUTER_CONFIG", raising=False)
    monkeypatch.setenv("COLUMNS", "100")
    configured(tmp_path)
    return tmp_path


def configured(directory: Path, **keys: Any) -> None:
    data = {"version": 1, "state": {"path": str(directory / "state")}, **keys}
    (directory / "router.yaml").write_text(json.dumps(data))


def stats(*arguments: str, charset: str = "utf-8") -> Result:
    return CliRunner(charset=charset).invoke(main, ["stats", *arguments])


@pytest.fixture
def past(directory: Path) -> Path:
    """Usage of now, of yesterday, and of ten days ago."""
    hour = int(time.time()) // 3600 * 3600
    second = {sketch.bucket(1.0): 9, sketch.bucket(8.0): 1}
    rows = {
        Key(hour, "groq", "big/model", "chat", "ann"): Usage(10, 9, 2, 1, 12, 3, 600_000, 900_000, 0.0, second),
        Key(hour - 86400, "local", "small", "code", ""): Usage(5, 5, calls=5, tokens_input=5, latency=second),
        Key(hour - 86400, "", "", "chat", FORMULA): Usage(1),
        Key(hour - 10 * 86400, "old", "m", "chat", ""): Usage(7, 7, calls=7),
    }
    SqliteHistory(directory / "state").add(rows, 0)
    return directory


def test_a_week_by_provider_with_totals_plots_and_saving(past: Path) -> None:
    result = stats()
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert lines[0].startswith("The last 7 days, since ")
    assert "█" in lines[1]
    assert "most in 3 hours: 10" in lines[1]
    groq, local, nobody = (
        next(line for line in lines if line.split()[:1] == [name]) for name in ("groq", "local", "(nobody)")
    )
    assert groq.split()[2:] == ["10", "100%", "3", "1.5", "M", "0", "0.6300", "1", "7.9"]
    assert local.split()[3:5] == ["100%", "0"]
    assert nobody.split()[-2:] == ["-", "-"]
    assert next(line for line in lines if line.startswith(" total")).split()[1] == "16"
    assert "Saved 0.6300 USD: gpt-4o-mini would have cost 0.6300, and 0 was paid." in result.output
    assert "2 of the answers came from the cache" in result.output


def test_the_time_and_the_lines_can_be_chosen(past: Path) -> None:
    assert "old" in stats("--days", "30").output
    assert "old" not in stats("--days", "7").output
    assert "local" not in stats("--hours", "3").output
    assert stats("--hours", "1").output.startswith("The last hour, since ")
    assert "big/model" in stats("--by", "model").output
    assert "(no name)" in stats("--by", "caller").output
    assert time.strftime("%Y-%m-%d") in stats("--by", "day").output


def test_csv_is_read_as_csv_and_no_name_becomes_a_formula(past: Path) -> None:
    result = stats("--csv", "--by", "caller")
    found = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [row["caller"] for row in found] == ["ann", "", f"'{FORMULA}"]
    assert found[0]["tokens_output"] == "900000"
    assert float(found[0]["saving_usd"]) == pytest.approx(0.63)


@pytest.mark.parametrize("name", ["+1", "-1", "@x", "\t=1", " =1", "\r=1"])
def test_every_begin_of_a_formula_is_made_text(name: str) -> None:
    from llm7router.cli.stats import csv_of

    assert csv_of([{"caller": name, "requests": -1}], ("caller", "requests")).splitlines(True)[1].lstrip('"')[0] == "'"
    assert csv_of([{"caller": name, "requests": -1}], ("caller", "requests")).rstrip().endswith(",-1")


def test_json_has_rows_totals_and_what_it_is_compared_with(past: Path) -> None:
    found = json.loads(stats("--json", "--by", "task", "--hours", "48").stdout)
    assert [row["task"] for row in found["rows"]] == ["chat", "code"]
    assert found["totals"]["failed_calls"] == 3
    assert found["totals"]["latency_p50_s"] == pytest.approx(1.0, rel=0.05)
    assert found["totals"]["latency_p95_s"] == pytest.approx(8.0, rel=0.05)
    assert found["reference"]["model"] == "gpt-4o-mini"
    assert found["kept_in"] == str(past / "state" / FILE)


def test_the_reference_is_the_users_own(past: Path) -> None:
    configured(past, history={"reference": {"model": "my own", "input": 10, "output": 0}})
    assert "Saved 6.0000 USD: my own would have cost 6.0000" in stats().output


def test_a_terminal_without_unicode_gets_ascii(past: Path) -> None:
    result = stats(charset="ascii")
    assert result.exit_code == 0
    assert result.output.isascii()
    assert "###" in result.output


def test_names_are_neither_markup_nor_commands(directory: Path) -> None:
    hour = int(time.time()) // 3600 * 3600
    rows = {Key(hour, "a", "m", "chat", "[red]x[/red]\x1b[2J\x9b2J\ntotal 9"): Usage(1, 1)}
    SqliteHistory(directory / "state").add(rows, 0)
    for shown in (stats("--by", "caller").output, stats("--by", "caller", "--csv").output):
        assert "[red]x[/red]" in shown
        assert not {"\x1b", "\x9b"} & set(shown)
    assert not any(line.strip().startswith("total 9") for line in stats("--by", "caller").output.splitlines())


def test_without_requests_it_says_what_to_do(directory: Path) -> None:
    result = stats()
    assert result.exit_code == 0
    assert 'Ask something, as in `llm7router chat "Hello"`' in result.output
    assert str(directory / "state" / FILE) in result.output
    assert not (directory / "state").exists()
    assert json.loads(stats("--json").stdout)["rows"] == []
    assert stats("--csv").stdout.startswith("provider,requests,")


def test_history_that_is_off_or_in_memory_is_said(directory: Path) -> None:
    configured(directory, history={"enabled": False})
    assert "history.enabled is false in router.yaml" in stats().output
    configured(directory, state={"store": "memory"})
    assert "state.store is memory" in stats().output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--days", "1", "--hours", "2"], "--days and --hours exclude each other"),
        (["--csv", "--json"], "--csv and --json exclude each other"),
        (["--days", "0"], "--days"),
        (["--by", "week"], "--by"),
    ],
    ids=str,
)
def test_wrong_usage_is_one_clear_error(directory: Path, arguments: list[str], says: str) -> None:
    result = stats(*arguments)
    assert result.exit_code == 2
    assert says in result.stderr


def test_a_file_that_cannot_be_read_is_one_line_and_exit_code_one(past: Path) -> None:
    with sqlite3.connect(past / "state" / FILE) as connection:
        connection.execute("PRAGMA user_version=9")
    connection.close()
    result = stats()
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert "newer llm7router (version 9, not 1); upgrade this one" in result.stderr


def test_a_plot_shows_that_something_is_more_than_nothing() -> None:
    assert sparkline([0, 1, 500, 1000]) == " ▁▄█"
    assert sparkline([0, 1, 500, 1000], unicode=False) == " .=@"
    assert sparkline([0, 0]) == "  "
    assert bar(1, 1000, 10) == "▏"
    assert bar(1000, 1000, 10) == "█" * 10
    assert bar(1, 1000, 10, unicode=False) == "#"
    assert bar(0, 1000, 10) == bar(0, 0, 10) == ""


def test_what_an_encoding_can_show_is_known() -> None:
    assert speaks_unicode("utf-8")
    assert not any(map(speaks_unicode, ("ascii", "latin-1", "cp437x", None)))


@pytest.mark.parametrize("columns", [20, 40, 80])
def test_a_narrow_terminal_shows_every_name_and_every_figure(
    past: Path, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    result = stats()
    assert "…" not in result.output
    said = " ".join(result.output.split())
    for text in ("groq ", "local ", "(nobody) ", "1.5 M", "total "):
        assert text in said
    lines = [line for line in result.output.splitlines() if "most in" not in line]
    assert all(len(line) <= columns or " " not in line.strip() for line in lines)
    plots = [line for line in result.output.splitlines() if "most in" in line]
    assert len(plots) == 2
    assert max(map(len, plots)) <= max(columns, 50)
