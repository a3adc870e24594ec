"""`llm7router config`."""

from __future__ import annotations

import click

from llm7router.cli.options import config_option


@click.group()
def config() -> None:
    """About the configuration file."""


@config.command()
def schema() -> None:
    """Print the JSON Schema of router.yaml, for editors."""
    from llm7router.cli.output import print_json
    from llm7router.config.schema import json_schema

    print_json(json_schema())


@config.command()
@config_option
def path(config_path: str | None) -> None:
    """Print which router.yaml is used."""
    from llm7router.config.load import find

    click.echo(find(config_path))
