"""Latency of one deployment as peak EWMA of the first token and of the time per token. Pure; successes only.

Failures are kept out: a provider that answers 429 at once would otherwise look fast and attract traffic.
"""

from __future__ import annotations

import math
from typing import NamedTuple

TAU_S = 300.0  # free tiers see few requests, so the memory is long (Finagle's 10 s is for busy servers)


class Latency(NamedTuple):
    """Averages as of `at`: seconds to the first token (None: only whole answers were seen) and per token."""

    first_token_s: float | None = None
    per_token_s: float | None = None
    at: float = 0.0


UNMEASURED = Latency()


def _peak_ewma(old: float | None, new: float, age_s: float) -> float:
    """A slower reading counts at once, a faster one by its age: exp(-age / tau) of the old one stays."""
    if old is None or new >= old:
        return new
    keep = math.exp(-max(0.0, age_s) / TAU_S)
    # A burst of requests has age 0 and would never lower a peak: let each success count for at least a tenth.
    keep = min(keep, 0.9)
    return old * keep + new * (1 - keep)


SHAPE = (0.5, 0.02)  # a typical first token and time per token: only their ratio matters, when nothing is known
LEAST_S = 1e-4  # below what any call takes; keeps a clock that stood still from dividing by 0
LEAST_TOKENS = 8  # a shorter stream says nothing of the time per token


def measured(
    latency: Latency,
    prior_first_s: float | None,
    prior_per_token_s: float | None,
    duration_s: float,
    first_token_s: float | None,
    output_tokens: int | None,
    now: float,
) -> Latency:
    """After a success of `duration_s` seconds and `output_tokens` tokens (None: the provider did not say).

    A stream shows both figures. A whole answer shows only their sum, so what was known (or the prior) is scaled to
    it: a one-word answer then says much of the first token and little of the time per token.
    """
    age = now - latency.at
    first, per_token = latency.first_token_s, latency.per_token_s
    if first_token_s is not None:
        first = _peak_ewma(first, first_token_s, age)
        if output_tokens is not None and output_tokens >= LEAST_TOKENS:
            spent = max(0.0, duration_s - first_token_s) / (output_tokens - 1)
            per_token = _peak_ewma(per_token, spent, age)
    elif output_tokens is not None:
        known_first = max(LEAST_S, first if first is not None else prior_first_s or SHAPE[0])
        known_per = per_token if per_token is not None else prior_per_token_s or SHAPE[1]
        scale = duration_s / (known_first + known_per * output_tokens)
        first = _peak_ewma(first, known_first * scale, age)
        per_token = _peak_ewma(per_token, known_per * scale, age)
    return Latency(first, per_token, now)


def predicted(
    latency: Latency, prior_first_s: float | None, prior_tokens_per_s: float | None, tokens: int
) -> float | None:
    """Seconds for an answer of `tokens` tokens: measured where measured, else the prior, else None."""
    first = latency.first_token_s if latency.first_token_s is not None else prior_first_s
    per_token = latency.per_token_s
    if per_token is None and prior_tokens_per_s:
        per_token = 1 / prior_tokens_per_s
    if first is None and per_token is None:
        return None
    return (first or 0.0) + tokens * (per_token or 0.0)
