"""`llm7router providers`: states, keys, limits and what is left of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from llm7router.cli.options import config_option, json_option

if TYPE_CHECKING:
    from llm7router.state.stats import DeploymentStats, LimitStats, Stats


@click.command()
@click.option("--all", "show_all", is_flag=True, help="Also those that are disabled.")
@config_option
@json_option
def providers(show_all: bool, config_path: str | None, as_json: bool) -> None:
    """States, keys, limits and what is left of each. Calls nobody."""
    from llm7router.cli.output import print_json
    from llm7router.router import LLMRouter

    router = LLMRouter(config_path)
    try:
        stats = router.stats()
    finally:
        router.close()
    if as_json:
        print_json(stats.to_dict())
    else:
        show(stats, show_all)


def show(stats: Stats, show_all: bool) -> None:
    """A table of what can be used, then what cannot and why."""
    from rich.markup import escape
    from rich.table import Table

    from llm7router.cli.output import console
    from llm7router.types import DISABLED

    columns = ("deployment", "state", "health", "speed", "limits used")
    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    off: dict[tuple[str, str, str], int] = {}
    for d in stats.deployments:
        if d.state == "off":
            key = (d.provider, d.reason, d.advice)
            off[key] = off.get(key, 0) + 1
        else:
            limits = escape(_limits(d, stats.now))
            table.add_row(escape(d.id), _state(d, stats.now), f"{d.health:.0%}", _speed(d), limits)
    out = console()
    out.print(table)
    for (provider, reason, advice), models in off.items():
        if reason != DISABLED or show_all:
            plural = "s" * (models != 1)
            out.print(f"{provider} ({models} model{plural}): {reason}; {advice}", markup=False)
    hidden = [provider for provider, reason, _ in off if reason == DISABLED]
    if hidden and not show_all:
        out.print(f"disabled, shown with --all: {', '.join(hidden)}", markup=False)
    kept = f"State is kept in the {stats.store} store"
    out.print(f"{kept}, not in the configured one: {stats.trouble}" if stats.trouble else kept, markup=False)


def _state(d: DeploymentStats, now: float) -> str:
    from llm7router.decision.explain import duration

    until = f" for {duration(d.until - now)}" if d.until is not None and d.until < float("inf") else ""
    text = f"{d.state}{until}" + (f": {d.reason}" if d.reason else "")
    return f"[green]{text}[/green]" if d.state == "available" else f"[yellow]{text}[/yellow]"


def _speed(d: DeploymentStats) -> str:
    if d.first_token_s is None:
        return "-"
    rate = f", {1 / d.seconds_per_token:.0f} tokens/s" if d.seconds_per_token else ""
    return f"{d.first_token_s:.1f} s{rate}"


def _limits(d: DeploymentStats, now: float) -> str:
    return ", ".join(_limit(limit, now) for limit in d.limits) or "none"


def _limit(limit: LimitStats, now: float) -> str:
    from llm7router.decision.explain import duration

    used, most = f"{limit.used}", f"{limit.max}"
    if limit.name.split("/")[0].endswith("usd"):  # kept in micro-dollars
        used, most = f"{limit.used / 1e6:.4f}", f"{limit.max / 1e6:g}"
    out = f" (out in {duration(limit.runs_out_at - now)} at this rate)" if limit.runs_out_at is not None else ""
    return f"{limit.name} {used}/{most}" + (" shared" if limit.shared else "") + out
