"""`llm7router validate`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from llm7router.cli.exits import EXIT_FAULT, EXIT_USAGE
from llm7router.cli.options import config_option, json_option

if TYPE_CHECKING:
    from llm7router.config.models import StateConfig
    from llm7router.errors import ConfigError
    from llm7router.types import Deployment, Off


@click.command(short_help="Check router.yaml: every fault at once.")
@click.argument("file", required=False)
@config_option
@json_option
@click.pass_context
def validate(ctx: click.Context, file: str | None, config_path: str | None, as_json: bool) -> None:
    """Check router.yaml and say every fault at once, with its line, and what can serve.

    Exit code 0 if it can be used, 1 if state cannot be kept where it says, 2 if it has faults.

    \b
    Examples:
      llm7router validate
      llm7router validate --json
    """
    from llm7router.catalog import deployments
    from llm7router.cli.output import print_json
    from llm7router.cli.usable import never_called
    from llm7router.config.load import load
    from llm7router.errors import ConfigError

    try:
        loaded = load(file or config_path)
        trouble = store_trouble(loaded.config.state)
    except ConfigError as error:
        show_faults(error, as_json)
        ctx.exit(EXIT_USAGE)
    budget = loaded.config.budget
    found = [(d, never_called(d, budget)) for d in deployments(loaded.providers, loaded.env, budget)]
    if as_json:
        skipped = {d.provider: d.off for d, _ in found if d.off is not None}
        unusable = {d.id: off for d, off in found if off is not None and d.off is None}
        print_json(
            {
                "ok": trouble is None,
                "error": trouble,
                "file": str(loaded.path),
                "usable": [d.id for d, off in found if off is None],
                "skipped": {name: off._asdict() for name, off in skipped.items()},
                "unusable": {id: off._asdict() for id, off in unusable.items()},
                "faults": [],
            }
        )
    else:
        show(str(loaded.path), found)
        if trouble:
            click.echo(f"{loaded.path}: state: {trouble}", err=True)
    if trouble:
        ctx.exit(EXIT_FAULT)


def store_trouble(config: StateConfig) -> str | None:
    """Why state cannot be kept where the configuration says, if so; nothing is written.

    Raises:
        ConfigError: this installation does not have that kind of store.
    """
    from llm7router.cli.usable import disk_trouble
    from llm7router.errors import StoreError
    from llm7router.state.store import open_store

    if config.store == "disk":  # not opened: a broken one would be set aside
        return disk_trouble(config)
    store = open_store(config)
    try:
        store.read_now()
    except StoreError as error:
        return str(error)
    finally:
        store.close()
    return None


def show_faults(error: ConfigError, as_json: bool) -> None:
    """Every fault in a line of its own."""
    from llm7router.cli.output import print_json

    if as_json:
        faults = [{"file": f.file, "line": f.line, "path": f.path, "message": f.message} for f in error.faults]
        print_json({"ok": False, "error": None if faults else str(error), "faults": faults})
        return
    click.echo(str(error), err=True)
    if len(error.faults) > 1:
        click.echo(f"{len(error.faults)} faults", err=True)


def show(path: str, found: list[tuple[Deployment, Off | None]]) -> None:
    """What can serve, and what cannot and why."""
    from llm7router.cli.output import tell
    from llm7router.types import DISABLED

    usable = [d for d, off in found if off is None]
    if not found:
        tell(f"{path}: no faults, but no models: nothing can serve. Add some under `providers`.", "  ")
    elif not usable:
        tell(f"{path}: no faults, but nothing can serve: none of its {len(found)} deployments can be used.", "  ")
    else:
        tell(f"{path}: no faults. {len(usable)} of {len(found)} deployments can be used:", "  ")
    for provider in dict.fromkeys(d.provider for d in usable):
        tell(f"  {provider}: {', '.join(d.model for d in usable if d.provider == provider)}", "    ")
    skipped = {d.provider: d.off for d, _ in found if d.off is not None}
    for provider, why in skipped.items():
        if why.reason != DISABLED:
            tell(f"  {provider}: skipped, {why.reason}; {why.advice}", "    ")
    for d, off in found:
        if off is not None and d.off is None:
            tell(f"  {d.id}: {off.reason}; {off.advice}", "    ")
    disabled = [provider for provider, why in skipped.items() if why.reason == DISABLED]
    if disabled:
        tell(f"  disabled: {', '.join(disabled)}", "    ")
