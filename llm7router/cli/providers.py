"""`llm7router providers`: states, keys, limits and what is left of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from llm7router.cli.options import config_option, json_option
from llm7router.cli.providers_update import update

if TYPE_CHECKING:
    from llm7router.config.models import LoadedConfig
    from llm7router.state.stats import DeploymentStats, LimitStats, Stats

BUDGET = "budget usd"  # how limits that are the user's own money are named


@click.group(invoke_without_command=True, short_help="States, keys, limits and what is left of each; `update`.")
@click.option("--all", "show_all", is_flag=True, help="Also those that are disabled.")
@config_option
@json_option
@click.pass_context
def providers(ctx: click.Context, show_all: bool, config_path: str | None, as_json: bool) -> None:
    """States, keys, limits and what is left of each. Without a command it calls nobody.

    \b
    Examples:
      llm7router providers
      llm7router providers --all --json
    """
    if ctx.invoked_subcommand is None:
        list_states(show_all, config_path, as_json)


providers.add_command(update)


def list_states(show_all: bool, config_path: str | None, as_json: bool) -> None:
    """What `llm7router providers` prints."""
    from llm7router.cli.output import print_json
    from llm7router.config.load import load
    from llm7router.router import LLMRouter
    from llm7router.state.store import state_directory

    loaded = load(config_path)
    router = LLMRouter(loaded)
    try:
        stats = completed(router.stats(), loaded)
    finally:
        router.close()
    if as_json:
        print_json(stats.to_dict())
    else:
        show(stats, show_all, str(state_directory(loaded.config.state).absolute()))
        show_keys(loaded)


def completed(stats: Stats, loaded: LoadedConfig) -> Stats:
    """The stats with what only a look at this machine tells: models that cannot run, a directory that is no use."""
    from dataclasses import replace

    from llm7router.catalog import deployments
    from llm7router.cli.usable import disk_trouble, never_called

    config = loaded.config
    never = {d.id: never_called(d, config.budget) for d in deployments(loaded.providers, loaded.env, config.budget)}
    changed = (
        replace(d, state="off", reason=off.reason, advice=off.advice, until=None)
        if (off := never.get(d.id)) is not None
        else d
        for d in stats.deployments
    )
    trouble = stats.trouble or (disk_trouble(config.state) if config.state.store == "disk" else None)
    store = "memory" if trouble else stats.store
    return replace(stats, deployments=tuple(changed), trouble=trouble, store=store)


def show(stats: Stats, show_all: bool, directory: str) -> None:
    """By provider: what can be used and what is left of its limits; then what cannot, and why."""
    from llm7router.cli.output import say, table, tell
    from llm7router.types import DISABLED

    usable = [d for d in stats.deployments if d.state != "off"]
    lines = table([("deployment", "health", "speed", "state"), *(_row(d, stats.now) for d in usable)])
    if usable:
        click.secho(lines[0], bold=True)
    else:
        click.echo("nothing can be used" if stats.deployments else "no models are configured")
    for provider in dict.fromkeys(d.provider for d in usable):
        group = [(d, line) for d, line in zip(usable, lines[1:], strict=True) if d.provider == provider]
        own = {d.id: _limits(d, False, stats.now) for d, _ in group}
        alike = len(set(own.values())) == 1
        for d, line in group:
            click.echo(line)
            if own[d.id] and not alike:
                say(f"    {own[d.id]}", "    ")
        if alike and any(own.values()):
            say(f"    {'each: ' if len(group) > 1 else ''}{own[group[0][0].id]}", "    ")
        for shared in dict.fromkeys(_limits(d, True, stats.now) for d, _ in group):
            members = [d.id for d, _ in group if _limits(d, True, stats.now) == shared]
            who = "together" if len(members) == len(group) else f"{' and '.join(members)} together"
            if shared:
                say(f"    {who}: {shared}", "    ")
    budget = dict.fromkeys(_limit(each, stats.now) for d in usable for each in d.limits if each.name.startswith(BUDGET))
    if budget:
        tell(", ".join(budget), "  ")
    off: dict[tuple[str, str, str], list[str]] = {}
    for d in stats.deployments:
        if d.state == "off":
            off.setdefault((d.provider, d.reason, d.advice), []).append(d.id)
    for (provider, reason, advice), ids in off.items():
        if reason != DISABLED or show_all:
            who = ids[0] if len(ids) == 1 else f"{provider} ({len(ids)} models)"
            tell(f"{who}: {reason}; {advice}", "  ")
    if any(reason == "no key" for _, reason, _ in off):
        say("`llm7router setup` helps to get, check and store keys, one provider at a time")
    hidden = [provider for provider, reason, _ in off if reason == DISABLED]
    if hidden and not show_all:
        say(f"disabled, shown with --all: {', '.join(dict.fromkeys(hidden))}")
    tell(_kept(stats, directory), "  ")


def show_keys(loaded: LoadedConfig) -> None:
    """Which keys there are and where they come from."""
    from llm7router.cli.output import say
    from llm7router.onboarding.keep import origin

    names = dict.fromkeys(
        name for spec in loaded.providers if (name := spec.config.api_key_env) and loaded.env.get(name)
    )
    found = {name: origin(loaded.path, name) for name in names} if loaded.path else {}
    if found:
        say("Keys: " + ", ".join(f"{name} from {where}" for name, where in found.items() if where), "  ")


def _kept(stats: Stats, directory: str) -> str:
    if stats.trouble:
        return f"State is kept in memory only, so limits are forgotten when a program ends: {stats.trouble}"
    where = {"disk": directory, "memory": "memory, so limits are forgotten when a program ends"}
    return f"State is kept in {where.get(stats.store, stats.store)}"


def _row(d: DeploymentStats, now: float) -> tuple[str, str, str, str]:
    from llm7router.decision.explain import VERBS, duration

    wait = duration(d.until - now) if d.until is not None and d.until < float("inf") else ""
    if wait and d.reason in VERBS:
        state = f"{d.state}: {d.reason}, {VERBS[d.reason]} in {wait}"
    else:
        state = d.state + (f" for {wait}" if wait else "") + (f": {d.reason}" if d.reason else "")
    return d.id, f"{d.health:.0%}", _speed(d), state


def _speed(d: DeploymentStats) -> str:
    if d.first_token_s is None:
        return "-"
    rate = f", {1 / d.seconds_per_token:.0f} tokens/s" if d.seconds_per_token else ""
    return f"{d.first_token_s:.1f} s{rate}"


def _limits(d: DeploymentStats, shared: bool, now: float) -> str:
    """Its own limits, or those it shares with others of its provider."""
    return ", ".join(
        _limit(each, now) for each in d.limits if each.shared is shared and not each.name.startswith(BUDGET)
    )


def _limit(limit: LimitStats, now: float) -> str:
    from llm7router.cli.output import usd
    from llm7router.decision.explain import duration

    used, most = f"{limit.used}", f"{limit.max}"
    if limit.name.split("/")[0].endswith("usd"):  # kept in micro-dollars
        used, most = usd(limit.used / 1e6), usd(limit.max / 1e6)
    out = f" (out in {duration(limit.runs_out_at - now)} at this rate)" if limit.runs_out_at is not None else ""
    return f"{limit.name} {used}/{most}{out}"
