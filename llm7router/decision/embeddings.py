"""From texts to embed to a `Request`, and the rule that all its vectors come from one model. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from llm7router.decision.request import BYTES_PER_TOKEN, from_context, parse, positive, required
from llm7router.errors import ArgumentError, ConfigError
from llm7router.types import Capability, Deployment, Operation, Request, RequestContext, TaskType

FORMATS = ("float", "base64")
TOKENS_PER_TEXT = 2  # the marks that encoders put before and after a text
LISTED = 8  # names in a message


def texts_of(inputs: str | Sequence[str]) -> tuple[str, ...]:
    """The texts, one or several. Raises ArgumentError unless each is text that can be sent, and not empty."""
    if isinstance(inputs, bytes | Mapping) or not isinstance(inputs, str | Sequence):
        raise ArgumentError(f"inputs must be text or a list of texts, not {type(inputs).__name__}")
    texts = (inputs,) if isinstance(inputs, str) else tuple(inputs)
    if not texts:
        raise ArgumentError("inputs is empty; give at least one text")
    for index, text in enumerate(texts):
        if not isinstance(text, str):
            raise ArgumentError(f"inputs[{index}] must be text, not {type(text).__name__}")
        if not text:
            raise ArgumentError(f"inputs[{index}] is empty, which providers refuse; leave it out")
    return texts


def build(
    texts: Sequence[str],
    parameters: Mapping[str, Any],
    context: RequestContext,
    *,
    id: str,
    environment: str,
    max_usd: float,
    total_s: float,
) -> Request:
    """What follows from texts to embed and from what the caller says about them. Nothing is generated.

    Raises:
        ArgumentError: a text cannot be sent.
        ConfigError: a task type, a capability or a format that does not exist, or a number out of range.
    """
    given = parameters.get("encoding_format")
    if given is not None and given not in FORMATS:
        raise ConfigError(f"encoding_format must be {' or '.join(FORMATS)} (given {str(given)[:40]!r})")
    sizes = [_size(text, index) for index, text in enumerate(texts)]
    tokens = math.ceil(sum(sizes) / BYTES_PER_TOKEN) + TOKENS_PER_TEXT * len(texts)
    return Request(
        id=id,
        task=parse(TaskType, context.task_type, "task type"),
        task_evidence="as asked",
        prompt_tokens=tokens,
        prompt_tokens_most=sum(sizes) + TOKENS_PER_TEXT * len(texts),
        requires=required(context) | {Capability.EMBEDDINGS},
        expected_output=0,
        operation=Operation.EMBEDDINGS,
        longest_tokens=math.ceil(max(sizes) / BYTES_PER_TOKEN) + TOKENS_PER_TEXT,
        dimensions=positive(parameters.get("dimensions"), "dimensions"),
        **from_context(context, environment=environment, max_usd=max_usd, total_s=total_s),
    )


def check_one_model(request: Request, deployments: Sequence[Deployment], *, interchangeable: bool = False) -> None:
    """Vectors of different models cannot be compared, so failover must stay with one model, at several providers.

    Raises:
        ConfigError: no model was named, what was named embeds nothing, or it has several embeddings models (which
            `interchangeable` allows). It says which there are.
    """
    able = [d for d in deployments if Capability.EMBEDDINGS in d.capabilities and not d.local]
    if not able:
        raise ConfigError("embeddings: no deployment declares them; add `capabilities: [embeddings]` in router.yaml")
    choice = f"name one of {_listed(able)}"
    if not request.providers:
        raise ConfigError(f"embeddings: vectors of different models cannot be compared, so a model is needed; {choice}")
    asked = [d for d in able if _is_asked_for(request, d)]
    if not asked:
        named = ", ".join(sorted(request.providers))[:200]
        raise ConfigError(f"embeddings: {named} has no embeddings model that may be used; {choice}")
    if len({d.model for d in asked}) > 1 and not interchangeable:
        raise ConfigError(
            f"embeddings: several models were named ({_listed(asked)}), whose vectors cannot be compared; name one, "
            "or say `interchangeable` if they are the same under several names"
        )


def _is_asked_for(request: Request, d: Deployment) -> bool:
    names = {d.id, d.provider}
    return bool(names & request.providers) and not names & request.exclude


def _listed(deployments: Sequence[Deployment]) -> str:
    more = len(deployments) - LISTED
    return ", ".join(d.id for d in deployments[:LISTED]) + (f" and {more} more" if more > 0 else "")


def _size(text: str, index: int) -> int:
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        raise ArgumentError(
            f"inputs[{index}] holds half of a character (a lone surrogate), which cannot be sent"
        ) from None
