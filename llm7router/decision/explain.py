"""A decision in words. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from llm7router.decision.filters import BREAKER
from llm7router.types import DISABLED, Decision, Failure, Rejected, Rejection

VERBS = {BREAKER: "probe", Failure.KEY_REJECTED.value: "asked again"}  # what happens at the end; else it is free


def duration(seconds: float) -> str:
    """At most two units: `8 s`, `3 h 12 min`, `2 d 4 h`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    for size, unit, below, lower in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // below
            return f"{whole // size} {unit} {rest} {lower}" if rest else f"{whole // size} {unit}"
    return f"{whole} s"  # unreachable


def reason(rejection: Rejection, now: float) -> str:
    """`over requests/day (free in 3 h 12 min)`."""
    if rejection.free_at is None:
        return rejection.summary
    verb = VERBS.get(rejection.filter if rejection.filter == BREAKER else rejection.summary, "free")
    return f"{rejection.summary} ({verb} in {duration(rejection.free_at - now)})"


def histogram(decision: Decision) -> str:
    """Why nothing can serve: `0/5 deployments can serve this request: 2 without tools, 1 breaker open (...)`.

    Only what was asked for is counted; the others are named apart.
    """
    rejected, others = asked_for(decision)
    serving, total = len(decision.ranking), len(decision.ranking) + len(rejected)
    if not total:
        return f"0/0 deployments: {others or 'no provider is configured'}"
    text = f"{serving}/{total} deployments can serve this request"
    return text + (f": {counted(rejected, decision.now)}" if rejected else "") + (f" ({others})" if others else "")


def counted(rejected: Sequence[Rejected], now: float) -> str:
    """`2 over requests/day (free in 3 h 12 min), 1 no key`: equal reasons together, with the first one's end."""
    groups: dict[str, list[Rejection]] = defaultdict(list)
    for _, rejection in rejected:
        groups[rejection.summary].append(rejection)
    return ", ".join(
        f"{len(group)} {reason(min(group, key=lambda r: r.free_at if r.free_at is not None else math.inf), now)}"
        for group in sorted(groups.values(), key=len, reverse=True)
    )


def asked_for(decision: Decision) -> tuple[list[Rejected], str]:
    """The rejected ones among those that the caller asked for, and how many were not, in words (perhaps none)."""
    only, never = decision.request.providers, decision.request.exclude
    asked, excluded, unasked = [], 0, 0
    for rejected in decision.rejected:
        names = {rejected.deployment.id, rejected.deployment.provider}
        if never & names:
            excluded += 1
        elif only and not only & names:
            unasked += 1
        else:
            asked.append(rejected)
    were = [
        *([f"{unasked} {_others(unasked)} not asked for"] if unasked else []),
        *([f"{excluded} {'was' if excluded == 1 else 'were'} excluded on request"] if excluded else []),
    ]
    return asked, ", ".join(were)


def _others(count: int) -> str:
    return "other was" if count == 1 else "others were"


def earliest_s(decision: Decision) -> float | None:
    """Seconds until the first rejected deployment is available again by itself, or None."""
    times = [r.rejection.free_at for r in decision.rejected if r.rejection.free_at is not None]
    return max(0.0, min(times) - decision.now) if times else None


def advice(decision: Decision) -> str | None:
    """The one thing a person could do: a key that is missing before anything else, since it opens the most.

    What was switched off on purpose comes last, and what was not asked for is never spoken of.
    """

    def rank(rejection: Rejection) -> int:
        if rejection.filter != "off":
            return 1
        return 2 if rejection.summary == DISABLED else 0

    useful = [r.rejection for r in asked_for(decision)[0] if r.rejection.advice]
    return min(useful, key=rank).advice if useful else None


def assume(decision: Decision, down: tuple[str, ...]) -> Decision:
    """The decision as if these providers or deployments had failed."""
    gone = [s.deployment for s in decision.candidates if s.deployment.id in down or s.deployment.provider in down]
    return without(decision, {d.id: Rejection("assumed", "assumed down") for d in gone})


def without(decision: Decision, rejections: Mapping[str, Rejection]) -> Decision:
    """The decision as if these deployments had been rejected too, each by id with its reason."""
    scored = (*decision.ranking, *decision.last_resort)
    if not any(s.deployment.id in rejections for s in scored):
        return decision
    ranking, last_resort = (
        tuple(s for s in part if s.deployment.id not in rejections) for part in (decision.ranking, decision.last_resort)
    )
    before = (Rejected(d, rejections.get(d.id, rejection)) for d, rejection in decision.rejected)
    now = (
        Rejected(s.deployment, rejections[s.deployment.id]) for s in decision.ranking if s.deployment.id in rejections
    )
    return replace(decision, ranking=ranking, last_resort=last_resort, rejected=(*before, *now))


def grouped(rejected: Sequence[Rejected], now: float) -> list[tuple[str, str, str]]:
    """Rejections as (who, why, what helps), a provider's models together when the reason is the same."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for deployment, rejection in rejected:
        key = (deployment.provider, reason(rejection, now), rejection.advice)
        groups.setdefault(key, []).append(deployment.id)
    return [
        (ids[0] if len(ids) == 1 else f"{provider} ({len(ids)} models)", why, advice)
        for (provider, why, advice), ids in groups.items()
    ]
