"""`llm7router config`."""

from __future__ import annotations

import click

from llm7router.cli.options import config_option


@click.group(short_help="Where router.yaml is, and its schema.")
def config() -> None:
    """About the configuration file."""


@config.command()
def schema() -> None:
    """Print the JSON Schema of router.yaml, for editors.

    \b
    Examples:
      llm7router config schema > router.schema.json
    """
    from llm7router.cli.output import print_json
    from llm7router.config.schema import json_schema

    print_json(json_schema())


@config.command()
@config_option
def path(config_path: str | None) -> None:
    """Print which router.yaml is used, as an absolute path. Exit code 2 if there is no such file.

    \b
    Examples:
      llm7router config path
    """
    import os

    from llm7router.config.load import VARIABLE, find
    from llm7router.errors import ConfigError

    found = find(config_path)
    if not found.is_file():
        origin = "" if config_path else f" (named by ${VARIABLE})"
        raise ConfigError(f"{found}: there is no such file{origin}; name another, or none for the one that ships")
    click.echo(os.path.abspath(found))
