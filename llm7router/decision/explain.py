"""A decision in words. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from llm7router.decision.filters import BREAKER
from llm7router.types import DISABLED, Decision, Rejected, Rejection


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
    verb = "probe" if rejection.filter == BREAKER else "free"
    return f"{rejection.summary} ({verb} in {duration(rejection.free_at - now)})"


def histogram(decision: Decision) -> str:
    """Why nothing can serve: `0/5 deployments can serve this request: 2 without tools, 1 breaker open (...)`.

    Equal reasons are counted together with the earliest time that one of them ends.
    """
    groups: dict[str, list[Rejection]] = defaultdict(list)
    for rejected in decision.rejected:
        groups[rejected.rejection.summary].append(rejected.rejection)
    total = len(decision.rejected) + len(decision.ranking)
    if not total:
        return "0/0 deployments: no provider is configured"
    lines = [
        f"{len(group)} {reason(min(group, key=lambda r: r.free_at if r.free_at is not None else 1e99), decision.now)}"
        for _, group in sorted(groups.items(), key=lambda item: -len(item[1]))
    ]
    return f"{len(decision.ranking)}/{total} deployments can serve this request: {', '.join(lines)}"


def earliest_s(decision: Decision) -> float | None:
    """Seconds until the first rejected deployment is available again by itself, or None."""
    times = [r.rejection.free_at for r in decision.rejected if r.rejection.free_at is not None]
    return max(0.0, min(times) - decision.now) if times else None


def advice(decision: Decision) -> str | None:
    """The one thing a person could do: a key that is missing before anything else, since it opens the most.

    What was switched off on purpose comes last.
    """

    def rank(rejection: Rejection) -> int:
        if rejection.filter != "off":
            return 1
        return 2 if rejection.summary == DISABLED else 0

    useful = [r.rejection for r in decision.rejected if r.rejection.advice]
    return min(useful, key=rank).advice if useful else None


def assume(decision: Decision, down: tuple[str, ...]) -> Decision:
    """The decision as if these providers or deployments had failed."""
    if not down:
        return decision
    gone = [s for s in decision.ranking if s.deployment.id in down or s.deployment.provider in down]
    rejected = (*decision.rejected, *(Rejected(s.deployment, Rejection("assumed", "assumed down")) for s in gone))
    ranking = tuple(s for s in decision.ranking if s not in gone)
    return replace(decision, ranking=ranking, rejected=rejected)


def grouped(decision: Decision) -> list[tuple[str, str, str]]:
    """Rejections as (who, why, what helps), a provider's models together when the reason is the same."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for deployment, rejection in decision.rejected:
        key = (deployment.provider, reason(rejection, decision.now), rejection.advice)
        groups.setdefault(key, []).append(deployment.id)
    return [
        (ids[0] if len(ids) == 1 else f"{provider} ({len(ids)} models)", why, advice)
        for (provider, why, advice), ids in groups.items()
    ]
