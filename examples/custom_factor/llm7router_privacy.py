"""A factor: prefer models of this machine, then providers that do not train on prompts.

After `pip install ./examples/custom_factor`, name it in router.yaml:

    scoring:
      weights: {cost: 30, health: 30, latency: 10, task_match: 15, environment: 20, capabilities: 10, privacy: 25}
      privacy: {hosted: 0.8}

`llm7router route "Hello"` then shows a column for it.
"""

from llm7router.types import Candidate, Reading, Request


def privacy(request: Request, candidate: Candidate, /, *, hosted: float = 0.7) -> Reading:
    """Prefer what keeps prompts to itself: 1 on this machine, `hosted` at a provider that does not train on prompts,
    0 at one that does or may.
    """
    deployment = candidate.deployment
    if deployment.local:
        return Reading(1.0, "stays on this machine")
    if deployment.trains_on_prompts:
        return Reading(0.0, "{} may train on prompts", (deployment.provider,))
    return Reading(min(hosted, 1.0), "{} does not train on prompts", (deployment.provider,))
