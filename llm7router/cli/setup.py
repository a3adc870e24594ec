"""`llm7router setup`: keys for providers, one at a time."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

import click

from llm7router.cli.exits import EXIT_FAULT
from llm7router.cli.options import config_option

if TYPE_CHECKING:
    from llm7router.config.models import LoadedConfig, ProviderSpec
    from llm7router.onboarding.guide import Guide
    from llm7router.onboarding.keep import Store

MOST_PIPED = 65536  # bytes
NO_KEYS = "none of its providers takes one; copy providers from the router.yaml that ships"


@click.command(short_help="Get, check and store a provider's key.")
@click.argument("provider", required=False)
@click.option(
    "--store", type=click.Choice(["keyring", "env"]), help="Where to. Default: a keyring that works, or .env."
)
@click.option("--no-browser", is_flag=True, help="Only print addresses.")
@click.option("--no-check", is_flag=True, help="Store the key without asking the provider.")
@click.option("--key-stdin", is_flag=True, help="Read the key from a pipe; nothing is asked.")
@config_option
@click.pass_context
def setup(
    ctx: click.Context,
    provider: str | None,
    store: Store | None,
    no_browser: bool,
    no_check: bool,
    key_stdin: bool,
    config_path: str | None,
) -> None:
    """Get a key for PROVIDER, check it, and store it in the system's keyring or in a .env that only you can read.

    Without PROVIDER: each one that has no key yet, in turn. What a provider gives and asks for is said first. Checks
    are free; where one would take a request, you are asked. Keys are never shown, nor taken as an argument.

    \b
    Examples:
      llm7router setup                       one provider after the other
      llm7router setup groq                  only this one
      llm7router setup openrouter            by a click in the browser, no copying
      pass groq | llm7router setup groq --key-stdin

    Exit code 0 if a key was stored, 1 if none was, 2 for wrong usage, 130 after Ctrl-C.
    """
    from llm7router.config.load import load
    from llm7router.onboarding.guide import Guide, Options

    piped = _piped(provider) if key_stdin else None
    if piped is None and not _at_terminal():
        raise click.UsageError("setup asks at a terminal; in a script pipe the key in with --key-stdin")
    loaded = load(config_path)
    options = Options(config_path, store, not no_browser, not no_check, piped)
    guide = Guide(loaded, options, paragraph)
    one = [named(loaded, provider)] if provider else []
    done = [spec for spec in one if guide.set_up(spec)] if provider else walk(loaded, guide)
    if not done:
        click.echo("Nothing was stored.")
        ctx.exit(EXIT_FAULT)
    advise(loaded, done, config_path)


def paragraph(text: str) -> None:
    """Print it, later lines indented by two more. It may hold words of a router.yaml that is somebody else's."""
    from llm7router.calls.redact import printable
    from llm7router.cli.output import say

    say(printable(text), " " * (2 + len(text) - len(text.lstrip())))


def _piped(provider: str | None) -> str:
    from llm7router.onboarding.terminal import ask_hidden

    if provider is None:
        raise click.UsageError("--key-stdin needs a PROVIDER")
    if _at_terminal():
        return ask_hidden("Key (hidden): ")
    if sys.stdin is None:
        raise click.UsageError("--key-stdin has nothing to read, since standard input is closed; pipe the key in")
    return sys.stdin.buffer.read(MOST_PIPED).decode("utf-8", "replace")


def _at_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()  # None: it was closed, as with `<&-`


def named(loaded: LoadedConfig, provider: str) -> ProviderSpec:
    """The provider of that name. Raises ConfigError if there is none, or none that takes a key."""
    from llm7router.config.faults import suggest
    from llm7router.errors import ConfigError

    specs = {spec.name: spec for spec in loaded.providers}
    keyed = [name for name, spec in specs.items() if spec.config.api_key_env]
    if provider not in specs:
        hint = suggest(provider, keyed) if keyed else NO_KEYS
        raise ConfigError(f"no provider {provider[:80]!r} in {loaded.path}; {hint}")
    if provider not in keyed:
        raise ConfigError(f"{provider} takes no key; {suggest('', keyed) if keyed else NO_KEYS}")
    return specs[provider]


def walk(loaded: LoadedConfig, guide: Guide) -> list[ProviderSpec]:
    """Ask about each provider without a key; which ones got theirs."""
    from llm7router.errors import Llm7RouterError
    from llm7router.onboarding.facts import limits_of, trains
    from llm7router.onboarding.terminal import InputEndedError, ask

    keyed = [spec for spec in loaded.providers if spec.config.api_key_env]
    missing = [spec for spec in keyed if not loaded.env.get(spec.config.api_key_env or "") or spec.unset]
    todo = [spec for spec in missing if spec.config.enabled]
    paragraph("Providers without a key yet:" if todo else "Every provider that is enabled has its key.")
    for spec in todo:
        paragraph(f"{spec.name}: {limits_of(spec.config)}; trains on prompts: {trains(spec.config)}")
    if disabled := [spec.name for spec in missing if not spec.config.enabled]:
        paragraph(f"Disabled in router.yaml, and set up by name only: {', '.join(disabled)}")
    done: list[ProviderSpec] = []
    for spec in todo:
        answer = ask(f"\nSet up {spec.name}? (y, Enter skips, q quits) ").lower()
        if answer in ("q", "quit"):
            break
        if answer not in ("y", "yes"):
            continue
        try:
            done += [spec] if guide.set_up(spec) else []
        except InputEndedError:
            raise
        except Llm7RouterError as error:  # the next provider may do
            click.echo(f"Error: {error}", err=True)
    return done


def advise(loaded: LoadedConfig, done: list[ProviderSpec], config_path: str | None) -> None:
    """The next command, which works; or what is left to do before it does."""
    file = f" -c {shlex.quote(config_path)}" if config_path else ""
    for spec in done:
        if not spec.config.enabled:
            click.echo(f"{spec.name} is disabled: set `enabled: true` under providers.{spec.name} in {loaded.path}")
    if any(spec.config.enabled for spec in done):
        click.echo(f'Next: llm7router chat{file} "What is a monad?"')
