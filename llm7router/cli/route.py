"""`llm7router route`: the dry run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from llm7router.cli import completing
from llm7router.cli.options import (
    config_option,
    context_of,
    json_option,
    note_unknown_environment,
    prompt_text,
    request_options,
)

if TYPE_CHECKING:
    from llm7router.types import Decision


@click.command(short_help="Who would answer, and why. Calls nobody.")
@click.argument("prompt", nargs=-1)
@request_options
@click.option(
    "--assume-down", multiple=True, metavar="ID", help="As if this provider or deployment failed; repeatable.",
    shell_complete=completing.ids,
)  # fmt: skip
@config_option
@json_option
@click.pass_context
def route(
    ctx: click.Context,
    /,
    prompt: tuple[str, ...],
    assume_down: tuple[str, ...],
    config_path: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Who would answer PROMPT and why: a dry run that calls nobody and uses no quota.

    PROMPT comes from the arguments, a pipe, or both.
    Exit code 3 if nothing could serve.

    \b
    Examples:
      llm7router route "What is a monad?"
      llm7router route --env development --assume-down groq "What is a monad?"
    """
    from llm7router.cli.output import print_json
    from llm7router.cli.usable import without_broken
    from llm7router.config.load import load
    from llm7router.decision.describe import as_dict
    from llm7router.decision.explain import assume
    from llm7router.router import LLMRouter

    text = prompt_text(prompt)
    if not text:
        raise click.UsageError('give a prompt: llm7router route "What is a monad?"')
    loaded = load(config_path)
    note_unknown_environment(options["environment"], loaded)
    router = LLMRouter(loaded)
    router.check_ids((*options["only"], *options["exclude"], *assume_down))
    try:
        decision = router.decide([{"role": "user", "content": text}], context_of(options))
    finally:
        router.close()
    decision = assume(without_broken(decision), assume_down)
    if as_json:
        print_json(as_dict(decision))
    else:
        show(decision)
    if decision.best is None:
        ctx.exit(3)


def show(decision: Decision) -> None:
    """The choice for people."""
    from llm7router.cli import ranking
    from llm7router.cli.output import note, say, width
    from llm7router.decision.plan import failover_order
    from llm7router.decision.tasks import band
    from llm7router.ending import nothing_available

    request = decision.request
    say(f"Task {request.task} ({request.task_evidence})", "  ")
    say(f"{band(request.difficulty)} {request.difficulty:.2f} ({request.difficulty_evidence})".capitalize(), "  ")
    say(f"Environment {request.environment}, about {request.prompt_tokens} prompt tokens")
    if decision.panic:
        say("Nothing is left but what is behind open breakers, so breakers are ignored.")
    if decision.best is None:
        note(nothing_available(decision))
    else:
        best = decision.best
        for row, line in enumerate(ranking.lines(decision, width())):
            click.secho(line, bold=True) if row == 0 else click.echo(line)
        say(f"Pick: {best.deployment.id}")
        for name, weight, reading in best.readings:
            say(f"  {name}: {weight * reading.value:.1f} of {weight:g}, {reading.because}", "    ")
        if others := failover_order(decision)[1:]:
            say("Failover: " + " → ".join(others), "  ")
    if decision.rejected:
        click.echo("\nrejected:")
        show_rejected(decision)


def show_rejected(decision: Decision) -> None:
    """Who was rejected, why and what helps: lines, not a table, so that addresses can be copied."""
    from llm7router.cli.output import tell
    from llm7router.decision import explain
    from llm7router.types import DISABLED

    rejected, others = explain.asked_for(decision)
    disabled = [r.deployment.provider for r in rejected if r.rejection.summary == DISABLED]
    enabled = [r for r in rejected if r.rejection.summary != DISABLED]
    for who, why, advice in explain.grouped(enabled, decision.now):
        tell(f"  {who}: {why}" + (f"; {advice}" if advice else ""), "    ")
    if disabled:
        tell("  disabled: " + ", ".join(dict.fromkeys(disabled)), "    ")
    if others:
        tell(f"  {others}", "    ")
