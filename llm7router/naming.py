"""What clients may ask for as `model`, and what that means. Pure.

auto                 whoever serves best
auto:reasoning       ... for that task; auto:fast: ... by speed
gpt-4o-mini          an alias of router.yaml
groq                 any model of a provider
groq/llama-3.3-70b   one deployment
llama-3.3-70b        that model, wherever it is served
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches

from llm7router.config.server_models import AliasConfig
from llm7router.errors import ConfigError, ModelNotFoundError
from llm7router.types import Deployment, RequestContext, TaskType

AUTO, FAST = "auto", "auto:fast"
TASKS = tuple(f"{AUTO}:{task.value}" for task in TaskType if task is not TaskType.AUTO)


def context_for(
    model: str, context: RequestContext, aliases: Mapping[str, AliasConfig], deployments: Sequence[Deployment]
) -> RequestContext:
    """The context of a request for `model`, on top of what the caller says about it.

    Raises:
        ModelNotFoundError: nothing has that name; it says which names are near.
        ConfigError: the caller's own `providers` leave nothing of it.
    """
    if model in (AUTO, ""):
        return context
    if model == FAST:
        return replace(context, requires_speed=True)
    if model in TASKS:
        return replace(context, task_type=model.removeprefix(f"{AUTO}:"))
    if model in aliases:
        return _narrowed(_aliased(aliases[model], context), aliases[model].use, model, deployments)
    ids = ids_of(model, deployments)
    if not ids:
        raise ModelNotFoundError(model, nearest(model, aliases, deployments))
    return _narrowed(context, ids, model, deployments)


def ids_of(model: str, deployments: Sequence[Deployment]) -> list[str]:
    """The deployments that a name stands for: by id, by provider, or by the model's own name. Perhaps none."""
    for which in ("id", "provider", "model"):
        if found := [d.id for d in deployments if getattr(d, which) == model]:
            return found
    return []


def names(aliases: Mapping[str, AliasConfig], deployments: Sequence[Deployment]) -> list[str]:
    """Every name worth listing: of deployments, those that can be used at all."""
    return [AUTO, FAST, *TASKS, *aliases, *(d.id for d in deployments if d.off is None)]


def nearest(model: str, aliases: Mapping[str, AliasConfig], deployments: Sequence[Deployment]) -> list[str]:
    """At most three names like `model`, the nearest first; of the part behind the last slash if of nothing else."""
    known = {*names(aliases, deployments), *(d.provider for d in deployments), *(d.model for d in deployments)}
    lower = {name.lower(): name for name in sorted(known)}
    wanted = model.lower()[:200]
    close = get_close_matches(wanted, lower, n=3) or get_close_matches(wanted.rpartition("/")[2], lower, n=3)
    return [lower[name] for name in close]


def _aliased(alias: AliasConfig, context: RequestContext) -> RequestContext:
    asked = TaskType.AUTO if context.task_type is None else context.task_type
    return replace(
        context,
        task_type=alias.task if alias.task and asked == TaskType.AUTO else asked,
        requires=[*context.requires, *alias.requires],
        requires_speed=context.requires_speed or alias.requires_speed,
        environment=context.environment or alias.environment,
        allow_training=context.allow_training and alias.allow_training,
        interchangeable=context.interchangeable or bool(alias.use),  # whoever wrote the alias says so
    )


def _narrowed(
    context: RequestContext, ids: Sequence[str], model: str, deployments: Sequence[Deployment]
) -> RequestContext:
    """Only these deployments, and of them only those that the caller allows, too."""
    if not ids or not context.providers:
        return replace(context, providers=ids or context.providers)
    both = [d.id for d in deployments if {d.id, d.provider} & set(ids) and {d.id, d.provider} & set(context.providers)]
    if not both:
        raise ConfigError(f"nothing of {model!r} is at {', '.join(context.providers)}; ask for one or the other")
    return replace(context, providers=both)
