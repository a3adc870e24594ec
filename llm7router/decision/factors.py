"""The six factors that rank; the seventh, rate limits, is a gate (`filters.within_limits`). Pure.

A factor reads a candidate and says a value in 0..1 (health: -1..1) and why; value times weight is points. Readings
are absolute: adding a deployment never reorders the others. Keyword parameters come from `scoring` in router.yaml.
"""

from __future__ import annotations

from itertools import compress, product
from math import copysign

from llm7router.decision import demand
from llm7router.state import health as breaker
from llm7router.state import latency as speed
from llm7router.state.cells import EMPTY
from llm7router.state.forecast import scarcity
from llm7router.types import Candidate, Capability, Reading, Request

UNKNOWN = 0.5
_FREE = Reading(1.0, "free")
_UNMEASURED = Reading(UNKNOWN, "not measured yet")
_NO_PREFERENCE = Reading(1.0, "no preference")


def cost(request: Request, candidate: Candidate, /, *, usd_target: float = 0.001) -> Reading:
    """Prefer free, and what is not scarce: 0.5 + 0.5 * scarcity if free, 0.5 * target / (target + usd) if paid.

    `usd_target` is the worst-case price, in USD a request, that reads 0.25.
    """
    d = candidate.deployment
    if not d.free:
        usd = demand.worst_usd(request, d, candidate.output_tokens) or 0.0
        return Reading(0.5 * usd_target / (usd_target + usd), "at most {:.4f} USD", (usd,))
    left, name = 1.0, ""
    for limit in d.limits:
        if limit.scarce:
            window = candidate.cells.get(limit.cell, EMPTY).windows.get(limit.name)
            if window is not None:
                share = scarcity(window, limit, candidate.now)
                if share < left:
                    left, name = share, limit.name
    if left == 1.0:
        return _FREE
    return Reading(0.5 + 0.5 * left, "free, {:.0%} of its {} for now", (left, name))


def health(request: Request, candidate: Candidate, /) -> Reading:
    """Prefer what works: 2p - 1, p the decayed share of successes; 0.9 without experience, -1..1."""
    state = candidate.cells.get(candidate.deployment.cell, EMPTY).health
    p = breaker.posterior(state, candidate.now)
    return Reading(2 * p - 1, "{:.0%} expected to succeed", (p,))


def latency(request: Request, candidate: Candidate, /, *, target_s: float = 2.0) -> Reading:
    """Prefer fast deployments: 1 at 0 s, 0.5 at `target_s` for the whole answer, towards 0 beyond.

    An unmeasured deployment reads its configured prior, or 0.5 without one.
    """
    d = candidate.deployment
    state = candidate.cells.get(d.cell, EMPTY).latency
    seconds = speed.predicted(state, d.first_token_s, d.tokens_per_s, request.expected_output)
    if seconds is None:
        return _UNMEASURED
    measured = "measured" if state.per_token_s is not None else "expected"
    return Reading(
        target_s / (target_s + seconds), "{:.1f} s for {} tokens, {}", (seconds, request.expected_output, measured)
    )


def task_match(
    request: Request, candidate: Candidate, /, *, speed_target_s: float = 2.0, trust: float = 0.7, margin: float = 0.1
) -> Reading:
    """Prefer what is good at the task, and the more the harder it is: 0 at one star, 1 at five.

    A model is known by the mean of its stars. Those of one task are noisy, so they are shrunk towards that mean:
    mean + trust * (stars - mean), the empirical Bayes estimate of Efron and Morris (1975), where `trust` is the share
    of the spread between tasks that is real and not the judge's error; 0.7 is judgement, as the stars are. A guard
    keeps requests where they would go whatever the task: of a lead, or a lag, only what is beyond `margin` stars after
    shrinking counts (Donoho and Johnstone's soft threshold, 1994). What overtakes a model that is better on the
    whole is so better at the task after shrinking, and by more than `margin` if the task makes no difference to that
    model. It compares a model with itself alone, so readings stay absolute: adding a deployment reorders none.

    An easy prompt is answered well by most models, so it should not use up the strong and scarce ones, and a hard one
    should reach them: the distance from 0.5 is multiplied by 0.5 + difficulty, within 0..1. At twice the demand of a
    strong model's daily limit, it answers 96 % of the hard prompts so, and 51 % without (`test_difficulty`).

    A task without stars reads the mean, a model without any 0.5. A request that requires speed is matched by speed: the
    latency reading with `speed_target_s`.
    """
    if request.requires_speed:
        return latency(request, candidate, target_s=speed_target_s)
    quality = candidate.deployment.quality
    if not quality:
        return Reading(UNKNOWN, "quality not known")
    mean = sum(quality.values()) / len(quality)
    stars = quality.get(request.task)
    lead = 0.0 if stars is None else trust * (stars - mean)
    clear = abs(lead) > margin
    strength = max(1.0, min(5.0, mean + copysign(max(0.0, abs(lead) - margin), lead)))
    value = max(0.0, min(1.0, UNKNOWN + (strength - 3) / 4 * (0.5 + request.difficulty)))
    if stars is None:
        return Reading(value, "{:.1f} of 5 on other tasks", (mean,))
    if clear:
        return Reading(value, "{:.1f} of 5: {:g} for {}, {:.1f} on the whole", (strength, stars, request.task, mean))
    return Reading(value, "{:.1f} of 5 on the whole, near the {:g} for {}", (mean, stars, request.task))


def environment(request: Request, candidate: Candidate, /) -> Reading:
    """Prefer what the environment prefers: the provider's figure, 1 without any, 0.5 for an unknown name."""
    figures = candidate.deployment.environments
    if figures is None:
        return _NO_PREFERENCE
    figure = figures.get(request.environment)
    if figure is None:
        return Reading(UNKNOWN, "no figure for {}", (request.environment,))
    return Reading(figure, "{:g} in {}", (figure, request.environment))


_TOOLS, _SCHEMA, _STREAMING = Capability.TOOLS, Capability.JSON_SCHEMA, Capability.STREAMING
_QUARTERS = ("tools", "json_schema", "streaming", "room to spare")
_ABILITIES = {
    flags: Reading(sum(flags) / 4, ", ".join(compress(_QUARTERS, flags)) or "plain text")
    for flags in product((False, True), repeat=4)
}


def capabilities(request: Request, candidate: Candidate, /) -> Reading:
    """Prefer the able: a quarter each for tools, json_schema, streaming, and twice the context that is needed."""
    d = candidate.deployment
    able = d.capabilities
    roomy = d.context_window >= 2 * (request.prompt_tokens + demand.wanted_output(request))
    return _ABILITIES[_TOOLS in able, _SCHEMA in able, _STREAMING in able, roomy]


FACTORS = {
    "cost": cost,
    "health": health,
    "latency": latency,
    "task_match": task_match,
    "environment": environment,
    "capabilities": capabilities,
}
