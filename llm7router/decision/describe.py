"""A decision as plain values: what `route --json`, the gateway and the dashboard show. Pure."""

from __future__ import annotations

from typing import Any

from llm7router.decision import explain
from llm7router.decision.plan import failover_order
from llm7router.types import Decision


def as_dict(decision: Decision) -> dict[str, Any]:
    """The decision as plain values."""
    request = decision.request
    return {
        "task": request.task,
        "task_evidence": request.task_evidence,
        "difficulty": round(request.difficulty, 3),
        "difficulty_evidence": request.difficulty_evidence,
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
