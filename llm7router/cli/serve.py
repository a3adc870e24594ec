"""`llm7router serve` and `llm7router key`."""

from __future__ import annotations

import math
import shlex
from typing import Any

import click

from llm7router.cli.options import config_option

MISSING = "`llm7router serve` needs more packages; pip install 'llm7router[server]'"


@click.command(short_help="An OpenAI-compatible gateway with a dashboard.")
@click.option("--host", metavar="ADDRESS", help="Where to listen; router.yaml's server.host by default.")
@click.option("--port", type=click.IntRange(0, 65535), metavar="N", help="0: any that is free.")
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, metavar="N", help="Processes.")
@click.option(
    "--key-file", type=click.Path(dir_okay=False), metavar="FILE", help="Holds the key; made if there is none."
)
@config_option
def serve(host: str | None, port: int | None, workers: int, key_file: str | None, config_path: str | None) -> None:
    """Serve the OpenAI API (and Anthropic's messages) over the router, until Ctrl-C.

    Clients need the base URL and the key that are printed. Open the address in a browser for the dashboard. An edited
    router.yaml or .env is used within a second; one with faults is reported, and changes nothing.

    \b
    Examples:
      llm7router serve
      llm7router serve --port 8000 --workers 4
    """
    from pathlib import Path

    from llm7router.cli.footer import KEYS_TIP, keyless
    from llm7router.cli.output import note
    from llm7router.config.load import load
    from llm7router.errors import ConfigError

    try:
        from llm7router.server.keys import key_file as usual_key_file
        from llm7router.server.keys import own_key
        from llm7router.server.run import Factory, listen, url_of
        from llm7router.server.run import serve as run
    except ImportError as error:
        raise ConfigError(f"{MISSING} ({error})") from None

    loaded = load(config_path)
    settings = loaded.config.server
    if workers > 1 and loaded.config.state.store == "memory":
        raise ConfigError(
            "several workers need a store that they share; set state.store to disk or redis://... in router.yaml"
        )
    path = Path(key_file).expanduser().absolute() if key_file else usual_key_file()
    if key_file and not path.parent.is_dir():  # a typing error would make a key that nobody has
        raise ConfigError(f"--key-file {key_file}: there is no directory {path.parent}; make it first")
    key = own_key(path)
    listening = listen(host or settings.host, settings.port if port is None else port)
    click.echo(_banner(url_of(listening), path, str(loaded.path)), err=True)
    if keyless(loaded):
        note(KEYS_TIP)
    run(listening, Factory(str(loaded.path), key), workers)


def _banner(url: str, key_file: object, config: str) -> str:
    file = shlex.quote(str(key_file))
    return f"""llm7router serves {config}

  dashboard        {url}/
  OPENAI_BASE_URL  {url}/v1
  OPENAI_API_KEY   is in {key_file}

  export OPENAI_BASE_URL={url}/v1 OPENAI_API_KEY="$(cat {file})"
  model: auto, auto:code, an alias, or provider/model. Ctrl-C stops."""


class Usd(click.FloatRange):
    """An amount of 0 or more; also not NaN, which no range excludes."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        amount: float = super().convert(value, param, ctx)
        return amount if math.isfinite(amount) else self.fail(f"{value!r} is not an amount.", param, ctx)


USD = Usd(min=0)


@click.command(short_help="A new key for a client of the gateway.")
@click.argument("name")
@click.option("--usd-per-request", type=USD, metavar="USD", help="Most that one request may cost.")
@click.option("--usd-per-day", type=USD, metavar="USD", help="Most in a UTC day; 0: only what is free.")
@click.option("--usd-per-month", type=USD, metavar="USD", help="Most in a UTC month.")
def key(name: str, **budget: float | None) -> None:
    """Make a key for NAME: printed once, with the lines for router.yaml, which keep only its hash.

    \b
    Examples:
      llm7router key alice
      llm7router key intern --usd-per-day 0.50
    """
    from pydantic import ValidationError

    from llm7router.config.server_models import KeyConfig
    from llm7router.server.keys import digest_of, new_key
    from llm7router.upkeep.edit import flow

    try:
        KeyConfig(name=name, sha256="0" * 64)
    except ValidationError:  # before there is a key that no router.yaml could take
        rule = "letters, digits, '.', '_' and '-', 64 at most, the first a letter or digit"
        raise click.UsageError(f"{name[:80]!r} is no name for a client; use {rule}") from None
    made = new_key()
    amounts = {limit: f"{most:.6f}".rstrip("0").rstrip(".") for limit, most in budget.items() if most is not None}
    usd = ", ".join(f"{limit}: {most}" for limit, most in amounts.items())
    click.echo(made)
    click.echo(
        f"\nGive that to {name}; it is not kept anywhere. For router.yaml:\n\n"
        "server:\n  keys:  # in place of `keys: []`, if there is a `server` already: a file has one\n"
        f"    - {{name: {flow(name)}, sha256: {digest_of(made).hex()}"
        f"{f', budget: {{{usd}}}' if usd else ''}}}\n",
        err=True,
    )
