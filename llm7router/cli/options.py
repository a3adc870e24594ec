"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from llm7router.cli import completing

if TYPE_CHECKING:
    from llm7router.config.models import LoadedConfig
    from llm7router.types import RequestContext

F = TypeVar("F", bound=Callable[..., Any])

config_option = click.option(
    "-c",
    "--config",
    "config_path",
    metavar="FILE",
    shell_complete=completing.files,
    is_eager=True,  # read first, so that the other options complete from that file
    help="router.yaml to use. Default: $LLM7ROUTER_CONFIG, ./router.yaml, the user's, the packaged one.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")

TASKS = "chat, reasoning, code, summarize, extract, translate, creative or auto."
NEEDS = "tools, json_schema, json_mode, vision, ...; repeatable."

_REQUEST_OPTIONS = (
    click.option("--task", default="auto", metavar="TASK", help=TASKS, shell_complete=completing.tasks),
    click.option(
        "--require", "requires", multiple=True, metavar="CAPABILITY", help=NEEDS, shell_complete=completing.capabilities
    ),
    click.option("--speed", is_flag=True, help="Rank by speed in place of task match."),
    click.option(
        "--env", "environment", metavar="NAME", help="Environment, in place of router.yaml's.",
        shell_complete=completing.environments,
    ),
    click.option("--tokens", type=click.IntRange(min=1), metavar="N", help="Expected tokens, prompt and answer."),
    click.option(
        "--only", multiple=True, metavar="ID", help="Only this provider or provider/model; repeatable.",
        shell_complete=completing.ids,
    ),
    click.option(
        "--exclude", multiple=True, metavar="ID", help="Never this provider or provider/model; repeatable.",
        shell_complete=completing.ids,
    ),
    click.option("--no-training", is_flag=True, help="Keep away from providers that may train on prompts."),
)  # fmt: skip


def request_options(command: F) -> F:
    """What a person can say about a request."""
    for option in reversed(_REQUEST_OPTIONS):
        command = option(command)
    return command


def context_of(options: dict[str, Any]) -> RequestContext:
    """The options of `request_options` as a context; they are taken out of `options`."""
    from llm7router.types import RequestContext

    return RequestContext(
        task_type=options.pop("task"),
        requires=tuple(options.pop("requires")),
        requires_speed=options.pop("speed"),
        environment=options.pop("environment"),
        estimated_tokens=options.pop("tokens"),
        providers=tuple(options.pop("only")),
        exclude=tuple(options.pop("exclude")),
        allow_training=not options.pop("no_training"),
    )


def prompt_text(words: tuple[str, ...]) -> str | None:
    """The prompt: the arguments, then what is piped in, an empty line between them; None without either."""
    import sys

    parts = [_utf8(" ".join(words).encode("utf-8", "surrogateescape"), "the prompt")] if words else []
    if sys.stdin is not None and not sys.stdin.isatty():
        parts.append(_utf8(sys.stdin.buffer.read(), "the piped text"))
    if not parts:
        return None
    return "\n\n".join(part for part in parts if part)


def _utf8(data: bytes, what: str) -> str:
    """The text without space around it. Raises UsageError if it is not UTF-8."""
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n").strip()
    except UnicodeDecodeError:
        raise click.UsageError(f"{what} is not UTF-8; convert it first (iconv)") from None


def note_unknown_environment(name: str | None, loaded: LoadedConfig) -> None:
    """An environment that no provider names ranks nothing: said on stderr, since it may be a typing mistake."""
    providers = (spec.config for spec in loaded.providers if spec.config.enabled)
    known = {loaded.config.environment, *(env for config in providers for env in config.environments or ())}
    if name is not None and name not in known:
        names = ", ".join(sorted(known))
        click.echo(f"Note: no provider in router.yaml names the environment {name[:80]!r}; known: {names}", err=True)
