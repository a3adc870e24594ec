"""`llm7router stats`: what was asked, who answered, and what that saved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from llm7router.cli.options import config_option, json_option

if TYPE_CHECKING:
    from llm7router.config.models import Config

GROUPS = ("provider", "model", "task", "caller", "hour", "day")
DAYS = 7  # without --days and --hours


@click.command(short_help="Requests, tokens, cost and saving over time.")
@click.option("--days", type=click.IntRange(1, 3650), metavar="N", help="The last N days.  [default: 7]")
@click.option("--hours", type=click.IntRange(1, 87600), metavar="N", help="The last N hours, this one included.")
@click.option("--by", type=click.Choice(GROUPS), default="provider", show_default=True, help="A line for each.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, for a spreadsheet.")
@config_option
@json_option
def stats(days: int | None, hours: int | None, by: str, as_csv: bool, config_path: str | None, as_json: bool) -> None:
    """Requests, tokens, cost and latency of the past, and what was saved against a paid model.

    A request counts where it ended. Calls count where they were made, so one that failed is a failure of its provider
    though another answered. Latencies are of calls that answered, and at most 5 % off. Hours and days are those of
    this machine's time zone. `history` in router.yaml says how long it is kept, and which paid model to compare with.

    \b
    Examples:
      llm7router stats                          the last 7 days by provider
      llm7router stats --hours 24 --by model
      llm7router stats --days 90 --by day --csv > usage.csv
    """
    from llm7router.cli.output import print_json, tell
    from llm7router.clock import SystemClock
    from llm7router.config.load import load
    from llm7router.history import History, history_store
    from llm7router.history.report import Line
    from llm7router.state.store import open_store

    if days and hours:
        raise click.UsageError("--days and --hours exclude each other; give one")
    if as_csv and as_json:
        raise click.UsageError("--csv and --json exclude each other; give one")
    config = load(config_path).config
    history = History(history_store(config, open_store(config.state)), config.history, SystemClock())
    report = history.report(hours or (days or DAYS) * 24, by)
    if as_json:
        print_json({**report.to_dict(), "kept_in": history.where})
    elif as_csv:
        click.echo(csv_of(report.rows(), (by, *Line().figures())), nl=False)
    elif report.usage:
        from llm7router.cli.stats_table import show

        count, unit = (hours, "hour") if hours else (days or DAYS, "day")
        show(report, unit if count == 1 else f"{count} {unit}s")
    else:
        tell(nothing(config, history.where))


def csv_of(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> str:
    """The rows as CSV, without commands to a terminal. A name that a spreadsheet would take for a formula gets an
    apostrophe before it."""
    import csv
    import io

    from llm7router.calls.redact import printable

    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_no_formula(printable(value)) if isinstance(value, str) else value for value in row.values()])
    return written.getvalue()


def _no_formula(text: str) -> str:
    return f"'{text}" if text.lstrip().startswith(("=", "+", "-", "@")) or text.startswith(("\t", "\r", "\n")) else text


def nothing(config: Config, where: str) -> str:
    """Why there is nothing to show, and what to do about it."""
    if not config.history.enabled:
        return "No usage is kept: history.enabled is false in router.yaml; set it to true."
    if where == "memory":
        return (
            "Usage is kept in memory only, by each program while it runs, since state.store is memory; the dashboard "
            "of `llm7router serve` shows it. Set state.store to disk to see it here."
        )
    return (
        'No requests in that time. Ask something, as in `llm7router chat "Hello"`, and look again; a longer time is '
        f"--days {config.history.days}. Usage is kept in {where}."
    )
