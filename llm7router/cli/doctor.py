"""`llm7router doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from llm7router.cli.exits import EXIT_FAULT
from llm7router.cli.options import config_option, json_option

if TYPE_CHECKING:
    from llm7router.upkeep.findings import Finding

COLORS = {"ok": "green", "warning": "yellow", "fault": "red"}


@click.command(short_help="What is in order, and what to do about the rest.")
@click.option("--probe", is_flag=True, help="Ask each provider one question, too: that counts against its limits.")
@click.option("--no-local", is_flag=True, help="Do not load the model on this machine to measure it.")
@config_option
@json_option
@click.pass_context
def doctor(ctx: click.Context, probe: bool, no_local: bool, config_path: str | None, as_json: bool) -> None:
    """Look at configuration, keys, providers, models, the age of facts, data policy, clock, state, local models and
    packages. Each line is ok, a warning or a fault, with what to do. Providers are asked for their lists of models,
    which spends no quota.

    \b
    Examples:
      llm7router doctor                      what is in order, and what to do about the rest
      llm7router doctor --probe              with one request to each provider, of your allowance
      llm7router doctor --no-local --json    quick, for scripts

    Exit code 0 without faults, 1 with one.
    """
    from llm7router.cli.interrupts import run
    from llm7router.cli.output import console
    from llm7router.clock import SystemClock
    from llm7router.upkeep.doctor import Options, examine
    from llm7router.upkeep.findings import Level, worst

    with console(err=True).status("looking"):
        found = run(examine(config_path, Options(probe, not no_local), SystemClock()))
    if as_json:
        _print_json(found)
    else:
        show(found)
    if worst(found) is Level.FAULT:
        ctx.exit(EXIT_FAULT)


def _print_json(found: list[Finding]) -> None:
    from dataclasses import asdict

    from llm7router.cli.output import print_json
    from llm7router.upkeep.findings import Level

    faults = sum(finding.level is Level.FAULT for finding in found)
    warnings = sum(finding.level is Level.WARNING for finding in found)
    rows = [asdict(finding) for finding in found]
    print_json({"ok": not faults, "faults": faults, "warnings": warnings, "findings": rows})


def show(found: list[Finding]) -> None:
    """The findings by area, each with its fix, and how many there are."""
    from llm7router.cli.output import width

    for area in dict.fromkeys(finding.area for finding in found):
        click.secho(str(area), bold=True)
        for finding in found:
            if finding.area == area:
                click.echo(_lines(finding, width()))
    counts = {level: sum(finding.level == level for finding in found) for level in ("fault", "warning")}
    words = [f"{count} {level}{'s' * (count != 1)}" for level, count in counts.items() if count]
    click.echo(" and ".join(words) if words else "all is well")


def _lines(finding: Finding, columns: int) -> str:
    """The finding and its fix, broken between words only."""
    import textwrap

    text = finding.message + (f"; {finding.fix}" if finding.fix else "")
    indent = " " * 10
    wrapped = textwrap.fill(
        text, columns, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return click.style(f"  {finding.level:<8}", fg=COLORS[finding.level]) + wrapped.removeprefix(indent)
