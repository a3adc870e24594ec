"""`llm7router validate`."""

from __future__ import annotations

import click

from llm7router.cli.options import config_option, json_option


@click.command()
@click.argument("file", required=False)
@config_option
@json_option
@click.pass_context
def validate(ctx: click.Context, file: str | None, config_path: str | None, as_json: bool) -> None:
    """Check router.yaml and say every fault at once, with its line.

    Exit code 0 if it can be used, 2 if not.
    """
    from llm7router.catalog import deployments
    from llm7router.cli.output import print_json
    from llm7router.config.load import load
    from llm7router.errors import ConfigError
    from llm7router.types import DISABLED

    try:
        loaded = load(file or config_path)
    except ConfigError as error:
        if not as_json:
            click.echo(str(error), err=True)
            if len(error.faults) > 1:
                click.echo(f"{len(error.faults)} faults", err=True)
        else:
            faults = [{"file": f.file, "line": f.line, "path": f.path, "message": f.message} for f in error.faults]
            print_json({"ok": False, "error": None if faults else str(error), "faults": faults})
        ctx.exit(2)
    found = deployments(loaded.providers, loaded.env, loaded.config.budget)
    usable = [d for d in found if d.off is None]
    skipped = {d.provider: d.off for d in found if d.off is not None}
    if as_json:
        off = {name: {"reason": why.reason, "advice": why.advice} for name, why in skipped.items()}
        print_json(
            {"ok": True, "file": str(loaded.path), "usable": [d.id for d in usable], "skipped": off, "faults": []}
        )
        return
    click.echo(f"{loaded.path}: no faults. {len(usable)} of {len(found)} deployments can be used:")
    for provider in dict.fromkeys(d.provider for d in usable):
        click.echo(f"  {provider}: {', '.join(d.model for d in usable if d.provider == provider)}")
    for provider, why in skipped.items():
        if why.reason != DISABLED:
            click.echo(f"  {provider}: skipped, {why.reason}; {why.advice}")
    disabled = [provider for provider, why in skipped.items() if why.reason == DISABLED]
    if disabled:
        click.echo(f"  disabled: {', '.join(disabled)}")
