"""The `llm7router` command. Each command is thin: parse, one call, print.

Only click is imported here, so that `--help` is quick; a command imports what it needs when it runs.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from llm7router.cli.exits import EXIT_FAULT, EXIT_NOTHING_SERVES, EXIT_USAGE, leave

try:  # Ctrl-C right after the start must not print a traceback
    import click

    from llm7router.cli.chat import chat
    from llm7router.cli.completing import completion
    from llm7router.cli.config import config
    from llm7router.cli.doctor import doctor
    from llm7router.cli.help import help
    from llm7router.cli.local import local
    from llm7router.cli.providers import providers
    from llm7router.cli.route import route
    from llm7router.cli.serve import key, serve
    from llm7router.cli.setup import setup
    from llm7router.cli.stats import stats
    from llm7router.cli.validate import validate
    from llm7router.cli.version import version
    from llm7router.errors import ArgumentError, ConfigError, Llm7RouterError, RoutingError
except KeyboardInterrupt:
    leave()


class Group(click.Group):
    """Turns what goes wrong into one message on stderr and an exit code; never a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
            ctx.color = False  # nor bold; click itself looks at neither
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except BrokenPipeError:  # the reader of our output left: not a fault
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(0)
        except KeyboardInterrupt:
            leave()
        except Exception as error:
            if os.environ.get("LLM7ROUTER_DEBUG") and not isinstance(error, Llm7RouterError):
                import traceback

                traceback.print_exc()
            click.echo(_message(error), err=True)
            ctx.exit(_code(error))


def _message(error: Exception) -> str:
    if isinstance(error, Llm7RouterError):
        return f"Error: {error}" if not isinstance(error, ConfigError) or not error.faults else str(error)
    text = f"{type(error).__name__}: {error}".splitlines()[0][:300]
    return f"Error: unexpected {text}; set LLM7ROUTER_DEBUG=1 to see where"


def _code(error: Exception) -> int:
    if isinstance(error, ArgumentError | ConfigError):
        return EXIT_USAGE
    return EXIT_NOTHING_SERVES if isinstance(error, RoutingError) else EXIT_FAULT


def _print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from llm7router import __version__

        click.echo(f"llm7router {__version__}")
        ctx.exit()


@click.group(
    cls=Group,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 ok, 1 fault found, 2 wrong usage or configuration, 3 nothing could serve, 130 interrupted.",
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Print the version."
)
def main() -> None:
    """Dependable LLM answers from free tiers, routed by router.yaml.

    \b
    Start here:
      llm7router chat "What is a monad?"     an answer, from whoever serves best
      llm7router route "What is a monad?"    who would serve, and why (calls nobody)
      llm7router setup                       keys for more providers, one at a time
      llm7router serve                       an OpenAI-compatible gateway, with a dashboard
      llm7router providers                   states, keys and what is left of each limit
      llm7router doctor                      what is in order, and what to do about the rest
    """
    from llm7router.cli.output import configure_logging

    configure_logging()


for command in (
    chat,
    route,
    serve,
    setup,
    providers,
    doctor,
    stats,
    local,
    validate,
    config,
    key,
    completion,
    help,
    version,
):
    main.add_command(command)
