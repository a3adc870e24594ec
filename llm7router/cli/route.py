"""`llm7router route`: the dry run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from llm7router.cli.options import config_option, context_of, json_option, prompt_text, request_options

if TYPE_CHECKING:
    from llm7router.types import Decision


@click.command()
@click.argument("prompt", nargs=-1)
@request_options
@click.option(
    "--assume-down", multiple=True, metavar="ID", help="As if this provider or deployment failed; repeatable."
)
@click.option("--stream", is_flag=True, help="As for a streamed answer.")
@config_option
@json_option
@click.pass_context
def route(
    ctx: click.Context,
    /,
    prompt: tuple[str, ...],
    assume_down: tuple[str, ...],
    stream: bool,
    config_path: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Who would answer PROMPT and why: a dry run that calls nobody and uses no quota.

    Exit code 3 if nothing could serve.
    """
    from llm7router.cli.output import print_json
    from llm7router.decision.explain import assume
    from llm7router.router import LLMRouter

    text = prompt_text(prompt)
    if not text:
        raise click.UsageError('give a prompt: llm7router route "What is a monad?"')
    router = LLMRouter(config_path)
    router.check_ids((*options["only"], *options["exclude"], *assume_down))
    try:
        decision = router.decide([{"role": "user", "content": text}], context_of(options), stream=stream)
    finally:
        router.close()
    decision = assume(decision, assume_down)
    if as_json:
        print_json(as_dict(decision))
    else:
        show(decision)
    if decision.best is None:
        ctx.exit(3)


def as_dict(decision: Decision) -> dict[str, Any]:
    """The decision as plain values."""
    from llm7router.decision import explain
    from llm7router.decision.plan import failover_order

    request = decision.request
    return {
        "task": request.task,
        "task_evidence": request.task_evidence,
        "environment": request.environment,
        "prompt_tokens": request.prompt_tokens,
        "requires": sorted(request.requires),
        "pick": decision.best.deployment.id if decision.best else None,
        "ranking": [
            {
                "deployment": s.deployment.id,
                "points": round(s.points, 3),
                "factors": {
                    name: {"points": round(weight * r.value, 3), "weight": weight, "because": r.because}
                    for name, weight, r in s.readings
                },
            }
            for s in decision.candidates
        ],
        "failover": failover_order(decision),
        "rejected": [
            {
                "deployment": r.deployment.id,
                "reason": explain.reason(r.rejection, decision.now),
                "free_at": r.rejection.free_at,
                "advice": r.rejection.advice,
            }
            for r in decision.rejected
        ],
    }


def show(decision: Decision) -> None:
    """Tables for people."""
    from rich.markup import escape
    from rich.table import Table

    from llm7router.cli.output import console
    from llm7router.decision import explain
    from llm7router.decision.plan import failover_order
    from llm7router.ending import nothing_available
    from llm7router.types import DISABLED

    out = console()
    request = decision.request
    evidence, environment = escape(request.task_evidence), escape(request.environment)
    out.print(
        f"Task [bold]{request.task}[/bold] ({evidence}), environment {environment}, "
        f"about {request.prompt_tokens} prompt tokens"
    )
    if decision.panic:
        out.print("Nothing is left but what is behind open breakers, so breakers are ignored.")
    if decision.best is None:
        click.echo(nothing_available(decision), err=True)
    else:
        out.print(ranking_table(decision))
        best = decision.best
        out.print(f"Pick: [bold]{escape(best.deployment.id)}[/bold]")
        for name, weight, reading in best.readings:
            out.print(f"  {name}: {weight * reading.value:.1f} of {weight:g}, {reading.because}", markup=False)
        if others := failover_order(decision)[1:]:
            out.print("Failover: " + " → ".join(others), markup=False)
    if decision.rejected:
        table = Table("rejected", "why", "what helps", box=None, pad_edge=False, header_style="bold")
        rows = explain.grouped(decision)
        for ids, why, advice in rows:
            if why != DISABLED:
                table.add_row(escape(ids), escape(why), escape(advice))
        out.print()
        out.print(table)
        disabled = [ids.split()[0].split("/")[0] for ids, why, _ in rows if why == DISABLED]
        if disabled:
            out.print("disabled: " + ", ".join(dict.fromkeys(disabled)), markup=False)


def ranking_table(decision: Decision) -> Any:
    """Points by factor, best first."""
    from rich.markup import escape
    from rich.table import Table

    assert decision.best is not None
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("#", justify="right")
    table.add_column("deployment", overflow="fold", min_width=20)
    table.add_column("points", justify="right")
    for name, weight, _ in decision.best.readings:
        table.add_column(f"{name}\n/{weight:g}", justify="right")
    for place, scored in enumerate(decision.candidates, 1):
        points = [f"{weight * reading.value:.1f}" for _, weight, reading in scored.readings]
        style = "bold green" if place == 1 else None
        table.add_row(str(place), escape(scored.deployment.id), f"{scored.points:.1f}", *points, style=style)
    return table
