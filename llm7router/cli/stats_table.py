"""Usage on the screen: two plots of one line each, a table, and what was saved."""

from __future__ import annotations

import sys
from datetime import datetime

from rich.box import ASCII, SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from llm7router.calls.redact import printable
from llm7router.cli.output import table, usd, width
from llm7router.cli.plots import bar, sparkline, speaks_unicode
from llm7router.history.report import Line, Report

BARS = 60  # of the plots over time, at most
BAR_WIDTH = 12
WIDE = 90  # columns from which on there is room for a bar in each line
NARROWEST = 80  # columns that the table takes
TITLES = ("requests", "answered", "failed\ncalls", "tokens", "cost\nUSD", "saved\nUSD", "p50\ns", "p95\ns")
AROUND = 40  # columns of what stands beside a plot
UNNAMED = {"caller": "(no name)"}  # of empty names; else it is nobody


def show(report: Report, period: str) -> None:
    """Print it."""
    unicode = speaks_unicode(sys.stdout.encoding)
    # As wide as other commands take a pipe to be; rich's own idea of it is narrower.
    screen = Console(highlight=False, width=width(), emoji=False)
    total = report.total()
    begun = datetime.fromtimestamp(report.since).strftime("%Y-%m-%d %H:%M")
    screen.print(Text(f"The last {period}, since {begun}, by {report.by}", style="bold"))
    for line in _plots(report, unicode, max(10, min(BARS, screen.width - AROUND))):
        screen.print(Text(line), soft_wrap=True)
    if screen.width >= NARROWEST:
        screen.print(_table(report, total, unicode, screen.width >= WIDE))
    else:
        rows = [(_name(report, name), *_cells(line)) for name, line in (*report.lines().items(), ("total", total))]
        screen.print(Text("\n".join(table([(report.by, *(each.replace("\n", " ") for each in TITLES)), *rows]))))
    for line in _saving(report, total):
        screen.print(Text(line))


def _plots(report: Report, unicode: bool, bars: int) -> list[str]:
    lines = report.over_time(bars)[""]
    hours = report.step_s(bars) // 3600
    stretch = "an hour" if hours == 1 else f"{hours} hours"
    counts = {"requests": [line.usage.requests for line in lines], "tokens": [_tokens(line) for line in lines]}
    side = "│" if unicode else "|"
    return [
        f"{name:>8} {side}{sparkline(values, unicode=unicode)}{side} most in {stretch}: {_compact(max(values))}"
        for name, values in counts.items()
    ]


def _table(report: Report, total: Line, unicode: bool, wide: bool) -> Table:
    made = Table(box=SIMPLE_HEAD if unicode else ASCII, padding=(0, 1, 0, 0), pad_edge=False)
    made.add_column(report.by, overflow="fold", min_width=8)
    if wide:
        made.add_column("", no_wrap=True, width=BAR_WIDTH)
    for title in TITLES:
        made.add_column(title, justify="right", no_wrap=True)
    lines = report.lines()
    most = max((line.usage.requests for line in lines.values()), default=0)
    for name, line in lines.items():
        drawn = [Text(bar(line.usage.requests, most, BAR_WIDTH, unicode=unicode), style="blue")] if wide else []
        made.add_row(Text(_name(report, name)), *drawn, *_cells(line))
    made.add_section()
    made.add_row(Text("total"), *([Text("")] if wide else []), *_cells(total), style="bold")
    return made


def _name(report: Report, name: str) -> str:
    return " ".join(printable(name).split()) or UNNAMED.get(report.by, "(nobody)")


def _cells(line: Line) -> list[str]:
    figures = line.figures()
    judged = line.usage.requests - line.usage.cancelled  # who leaves early says nothing about the router
    return [
        f"{line.usage.requests:,}",
        f"{line.usage.answered / judged:.0%}" if judged else "-",
        f"{line.usage.failures:,}",
        _compact(_tokens(line)),
        usd(line.usage.cost_usd),
        usd(line.reference_usd - line.usage.cost_usd),
        *(f"{figures[name]:.2g}" if figures[name] is not None else "-" for name in ("latency_p50_s", "latency_p95_s")),
    ]


def _saving(report: Report, total: Line) -> list[str]:
    reference, saved = report.reference, total.reference_usd - total.usage.cost_usd
    source = ", ".join(str(each) for each in (reference.source, reference.checked) if each)
    lines = [
        f"Saved {usd(saved)} USD: {printable(reference.model)} would have cost {usd(total.reference_usd)}, and "
        f"{usd(total.usage.cost_usd)} was paid.",
        f"Its prices: {reference.input:g} and {reference.output:g} USD per million tokens in and out"
        f"{f' ({printable(source)})' if source else ''}; history.reference in router.yaml names another model.",
    ]
    if total.usage.cached:
        lines.append(f"{total.usage.cached:,} of the answers came from the cache; they count no tokens and no saving.")
    return lines


def _compact(count: int) -> str:
    return f"{count:,}" if count < 1e6 else f"{count / 1e6:,.1f} M"


def _tokens(line: Line) -> int:
    return line.usage.tokens_input + line.usage.tokens_output
