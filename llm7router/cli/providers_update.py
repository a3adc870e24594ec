"""`llm7router providers update`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from llm7router.cli.exits import EXIT_FAULT
from llm7router.cli.options import config_option, json_option

if TYPE_CHECKING:
    from llm7router.upkeep.changes import Change
    from llm7router.upkeep.update import Look


@click.command(short_help="What changed at the providers; --apply writes it.")
@click.argument("names", metavar="[PROVIDER]...", nargs=-1)
@click.option("--apply", "write", is_flag=True, help="Write the changes into router.yaml.")
@click.option("--models-dev", metavar="URL", help="Where models.dev's api.json is, or `none`. Default: models.dev.")
@config_option
@json_option
@click.pass_context
def update(
    ctx: click.Context,
    names: tuple[str, ...],
    write: bool,
    models_dev: str | None,
    config_path: str | None,
    as_json: bool,
) -> None:
    """Compare router.yaml with the providers' own lists of models and with models.dev: models that are gone, new free
    ones, other contexts, capabilities and prices. Asking for a list spends no quota; a key goes to its provider only.

    \b
    Written with --apply, with your comments and order kept:
      gone                    enabled: false and a note; nothing is removed
      new                     only where the list says that it costs nothing; with the limits of its siblings
      context                 the provider's word; models.dev's only where it is smaller, by no more than four times
      capabilities            the provider's word
      price                   the provider's word; models.dev's only where it is higher; never to 0
    Limits are never changed. Exit code 1 if a list could not be read.

    \b
    Examples:
      llm7router providers update                     what changed, of all enabled providers
      llm7router providers update groq openrouter     of these
      llm7router providers update --apply             write it into your router.yaml
    """
    from llm7router.cli.interrupts import run
    from llm7router.cli.output import console
    from llm7router.clock import SystemClock
    from llm7router.config.load import load
    from llm7router.upkeep import models_dev as third
    from llm7router.upkeep.update import look
    from llm7router.upkeep.write import apply, writable

    if models_dev not in (None, "none") and not str(models_dev).startswith(("https://", "http://")):
        raise click.BadParameter("give a web address, or none", param_hint="--models-dev")
    above = ctx.parent.params if ctx.parent is not None else {}  # `providers --config FILE update`
    loaded = load(config_path or above.get("config_path"))
    if write:
        writable(loaded)  # before anybody is asked
    address = None if models_dev == "none" else models_dev or third.ADDRESS
    with console(err=True).status("asking the providers"):
        found = run(look(loaded, names, SystemClock(), address))
    written = apply(loaded, found.changes) if write else 0
    if as_json or above.get("as_json"):
        _print_json(found, written, str(loaded.path))
    else:
        show(found, written if write else None, str(loaded.path))
    if any(note.fault for note in found.notes):
        ctx.exit(EXIT_FAULT)


def _print_json(found: Look, written: int, path: str) -> None:
    from dataclasses import asdict

    from llm7router.cli.output import print_json

    changes: list[dict[str, Any]] = [asdict(change) for change in found.changes]
    notes = [asdict(note) for note in found.notes]
    print_json({"file": path, "written": written, "read": found.looked_at, "changes": changes, "notes": notes})


def show(found: Look, written: int | None, path: str) -> None:
    """The changes by provider, what could not be looked at, and what to do next. `written` None: nothing was to be."""
    from llm7router.cli.output import say

    for provider in dict.fromkeys((*found.looked_at, *(change.provider for change in found.changes))):
        own = [change for change in found.changes if change.provider == provider]
        click.secho(provider, bold=True)
        for change in own:
            say(f"  {line(change)}", "    ")
        if not own:
            click.echo("  nothing changed")
    for note in found.notes:
        click.echo(f"{note.who}: {note.says}", err=note.fault)
    wanted = sum(not change.withheld for change in found.changes)
    if written is not None:
        click.echo(f"{_count(written)} written to {path}" if written else f"{path}: nothing to write")
    elif wanted:
        click.echo(f"{_count(wanted)} can be written to {path}: add --apply")


def line(change: Change) -> str:
    """One change for people."""
    by = f" (by {change.source})" if change.source != "vendor" else ""
    why = f"; not written: {change.withheld}" if change.withheld else ""
    return f"{change.what}  {change.model}: {change.says}{by}{why}"


def _count(changes: int) -> str:
    return f"{changes} change{'s' * (changes != 1)}"
