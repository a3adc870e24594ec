"""Filters, then factors, then a ranking. Pure: the same request and snapshot give the same decision."""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

from llm7router.decision.demand import output_tokens
from llm7router.decision.filters import BREAKER, FILTERS, within_limits
from llm7router.decision.registry import Factor
from llm7router.types import Candidate, Decision, Rejected, Rejection, Request, Scored, Snapshot

NEAR_POINTS = 0.5  # deployments this close to the best may share concurrent requests


def decide(request: Request, snapshot: Snapshot, factors: Sequence[tuple[str, float, Factor]]) -> Decision:
    """Rank what can serve the request, best first; say why the rest cannot.

    What only an open breaker keeps away is ranked apart: when everything else has failed, trying beats refusing.
    """
    ranking: list[Scored] = []
    rejected: list[Rejected] = []
    open_breakers: list[Candidate] = []
    cells, now, in_flight = snapshot.cells, snapshot.now, snapshot.in_flight
    for deployment in snapshot.deployments:
        output = output_tokens(request, deployment)
        candidate = Candidate(deployment, cells, now, output, in_flight.get(deployment.id, 0))
        rejection = _first_objection(request, candidate)
        if rejection is None:
            ranking.append(_score(request, candidate, factors))
        else:
            rejected.append(Rejected(deployment, rejection))
            if rejection.filter == BREAKER:
                open_breakers.append(candidate)
    last_resort = [_score(request, c, factors) for c in open_breakers if within_limits(request, c) is None]
    return Decision(request, _ranked(request, ranking), tuple(rejected), now, _ranked(request, last_resort))


def _first_objection(request: Request, candidate: Candidate) -> Rejection | None:
    for objects in FILTERS:
        rejection = objects(request, candidate)
        if rejection is not None:
            return rejection
    return None


def _score(request: Request, candidate: Candidate, factors: Sequence[tuple[str, float, Factor]]) -> Scored:
    points = 0.0
    readings = []
    for name, weight, factor in factors:
        reading = factor(request, candidate)
        points += weight * reading.value
        readings.append((name, weight, reading))
    return Scored(candidate.deployment, points, tuple(readings), candidate.in_flight)


def _ranked(request: Request, scored: list[Scored]) -> tuple[Scored, ...]:
    scored.sort(key=lambda s: (-s.points, s.deployment.order))
    return tuple(_spread(request, scored))


def _spread(request: Request, scored: list[Scored]) -> list[Scored]:
    """Keep concurrent requests from herding: of two near-best drawn by request id, the less busy goes first.

    Only while the leader has calls in flight, so that a single request's route is predictable.
    """
    if len(scored) < 2 or not scored[0].in_flight:
        return scored
    near = [s for s in scored if scored[0].points - s.points <= NEAR_POINTS]
    if len(near) < 2:
        return scored
    draw = crc32(request.id.encode())
    first = draw % len(near)
    second = (first + 1 + draw // len(near) % (len(near) - 1)) % len(near)
    chosen = min(near[first], near[second], key=lambda s: (s.in_flight, -s.points, s.deployment.order))
    return [chosen, *(s for s in scored if s is not chosen)]
