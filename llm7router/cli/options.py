"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from llm7router.types import RequestContext

F = TypeVar("F", bound=Callable[..., Any])

config_option = click.option(
    "-c",
    "--config",
    "config_path",
    metavar="FILE",
    help="router.yaml to use. Default: $LLM7ROUTER_CONFIG, ./router.yaml, the user's, the packaged one.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")

TASKS = "chat, reasoning, code, summarize, extract, translate, creative or auto."
NEEDS = "tools, json_schema, json_mode, vision, ...; repeatable."

_REQUEST_OPTIONS = (
    click.option("--task", default="auto", metavar="TASK", help=TASKS),
    click.option("--require", "requires", multiple=True, metavar="CAPABILITY", help=NEEDS),
    click.option("--speed", is_flag=True, help="Rank by speed in place of task match."),
    click.option("--env", "environment", metavar="NAME", help="Environment, in place of router.yaml's."),
    click.option("--tokens", type=click.IntRange(min=1), metavar="N", help="Expected tokens, prompt and answer."),
    click.option("--only", multiple=True, metavar="ID", help="Only this provider or provider/model; repeatable."),
    click.option("--exclude", multiple=True, metavar="ID", help="Never this provider or provider/model; repeatable."),
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
    """The prompt from the arguments, else from a pipe, else None."""
    import sys

    if words:
        return " ".join(words)
    if sys.stdin is None or sys.stdin.isatty():
        return None
    return sys.stdin.read().strip()
