"""What a request asks of a deployment: output tokens, worst-case cost, and a charge for each limit. Pure."""

from __future__ import annotations

import math

from llm7router.state import cells
from llm7router.state.quota import Charge, Charged
from llm7router.types import Counts, Deployment, Limit, Operation, Request, TaskType, Unit

DEFAULT_OUTPUT = 1024  # tokens, when the caller names no maximum
DEFAULT_OUTPUT_REASONING = 4096
LEAST_OUTPUT = 256  # an answer with less room than this, when more was asked for, is not worth a call
MICRO = 1_000_000  # usd limits count micro-dollars
# An attribute of this module is found faster than a member of an enum.
_REQUESTS, _CONCURRENT, _TOKENS = Unit.REQUESTS, Unit.CONCURRENT, Unit.TOKENS
_INPUT_TOKENS, _NEURONS, _USD = Unit.INPUT_TOKENS, Unit.NEURONS, Unit.USD
_EMBEDDINGS = Operation.EMBEDDINGS
_RESERVED, _INPUT_ONLY = Counts.RESERVED, Counts.INPUT_ONLY


def is_budget(limit: Limit) -> bool:
    """It counts the user's money, by what the user pays; other `usd` limits count a provider's list prices."""
    return cells.is_budget(limit.cell)


def wanted_output(request: Request) -> int:
    """Output tokens that the request wants: the caller's maximum, or the default; none for embeddings."""
    if request.operation is _EMBEDDINGS:
        return 0
    if request.max_tokens is not None:
        return request.max_tokens
    return DEFAULT_OUTPUT_REASONING if request.task is TaskType.REASONING else DEFAULT_OUTPUT


def output_tokens(request: Request, deployment: Deployment) -> int:
    """The `max_tokens` to send: what is wanted, clamped to what fits; 0 if too little fits, and for embeddings.

    Clamping also applies to a maximum that the caller named: a shorter room serves more requests than a
    refusal does, and `finish_reason: length` tells when it was too short.
    """
    wanted = wanted_output(request)
    if not wanted:
        return 0
    room = min(wanted, deployment.context_window - request.prompt_tokens)
    if deployment.max_output is not None:
        room = min(room, deployment.max_output)
    for limit in deployment.limits:
        if limit.unit is _TOKENS:
            room = min(room, (limit.max - request.prompt_tokens) // request.choices)
    return room if room >= min(wanted, LEAST_OUTPUT) else 0


def charges(request: Request, deployment: Deployment, output: int) -> tuple[Charge, ...]:
    """What every limit of the deployment is asked for, at worst, when `output` tokens are asked for."""
    return tuple(map(Charge, deployment.limits, amounts(request, deployment, output)))


def amounts(request: Request, deployment: Deployment, output: int) -> list[int]:
    """The amounts of `charges` alone, in the order of the deployment's limits."""
    prompt, output = request.prompt_tokens, output * request.choices
    if deployment.free:
        return [amount(limit, deployment, prompt, output) for limit in deployment.limits]
    most = max(prompt, request.prompt_tokens_most)  # a cent that was not allowed is worse than a refusal
    return [amount(limit, deployment, most if limit.unit is _USD else prompt, output) for limit in deployment.limits]


def amount(limit: Limit, deployment: Deployment, prompt_tokens: int, output_tokens: int) -> int:
    """What a call with so many tokens counts against a limit, in the limit's unit, rounded up."""
    unit = limit.unit
    if unit is _REQUESTS or unit is _CONCURRENT:
        return 1
    if unit is _TOKENS:
        return prompt_tokens if limit.counts is _INPUT_ONLY else prompt_tokens + output_tokens
    if unit is _INPUT_TOKENS:
        return prompt_tokens
    if unit is _NEURONS:
        assert deployment.neurons is not None, "checked when the configuration is loaded"
        return math.ceil(deployment.neurons.of(prompt_tokens, output_tokens))
    price = deployment.cost if is_budget(limit) else deployment.list_cost or deployment.cost
    assert price is not None, "checked when the configuration is loaded"
    return math.ceil(price.of(prompt_tokens, output_tokens) * MICRO)


def actual(
    charged: Charged,
    deployment: Deployment,
    prompt_tokens: int,
    output_tokens: int,
    reserved_output: int,
    cache_tokens: int = 0,
) -> int:
    """What a finished call counted against a limit that was charged for it. `cache_tokens` count as money only."""
    if charged.limit.unit is _USD:
        prompt_tokens += cache_tokens
    if charged.limit.counts is _RESERVED:  # the provider keeps the output that was asked for, so do we
        output_tokens = max(output_tokens, reserved_output)
    return amount(charged.limit, deployment, prompt_tokens, output_tokens)


def worst_usd(request: Request, deployment: Deployment, output: int) -> float | None:
    """Most that the call can cost the user, in USD, when `output` tokens are asked for; None if it is unknown."""
    if deployment.cost is None:
        return None
    return deployment.cost.of(max(request.prompt_tokens, request.prompt_tokens_most), output * request.choices)
