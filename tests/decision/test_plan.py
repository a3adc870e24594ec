"""The order of attempts, without any I/O."""

from __future__ import annotations

import pytest

from llm7router.decision.decide import decide
from llm7router.decision.plan import MAX_COUNTED, Ending, attempts
from llm7router.decision.registry import bind
from llm7router.types import Attempt, Deployment, Failure, Kind, Outcome
from tests.make import deployment, request, snapshot

LOCAL = deployment("local/m", kind=Kind.CALLABLE, order=99)


def drive(deployments: list[Deployment], outcomes: dict[str, Failure | None], *, deadline_s: float = 120.0,
          took_s: float = 0.0, **outcome_fields: object) -> tuple[list[Attempt], Ending]:  # fmt: skip
    """Play a plan: outcomes by deployment id (None is an answer), each attempt taking `took_s`."""
    decision = decide(request(deadline_s=deadline_s), snapshot(*deployments), bind({"health": 1.0}, {}))
    plan, made, remaining = attempts(decision, 40.0), [], deadline_s
    try:
        attempt = next(plan)
        while True:
            made.append(attempt)
            remaining -= took_s
            failure = outcomes.get(attempt.deployment.id)
            attempt = plan.send((Outcome(failure, **outcome_fields), remaining))  # type: ignore[arg-type]
    except StopIteration as stop:
        return made, stop.value


def ids(made: list[Attempt]) -> list[str]:
    return [attempt.deployment.id for attempt in made]


def remotes(count: int, provider: str = "p{}") -> list[Deployment]:
    return [deployment(f"{provider.format(i)}/m{i}", order=i) for i in range(count)]


def all_fail(failure: Failure, count: int = 9) -> dict[str, Failure | None]:
    return {f"p{i}/m{i}": failure for i in range(count)}


def test_the_first_that_answers_ends_it() -> None:
    made, ending = drive(remotes(3), {"p0/m0": Failure.SERVER_ERROR})
    assert ids(made) == ["p0/m0", "p1/m1"]
    assert ending.attempt is made[-1]


def test_at_most_four_remote_attempts_then_the_local_model() -> None:
    made, ending = drive([*remotes(9), LOCAL], all_fail(Failure.SERVER_ERROR))
    assert ids(made) == ["p0/m0", "p1/m1", "p2/m2", "p3/m3", "local/m"]
    assert ending.answer is not None
    assert len(made) == MAX_COUNTED + 1


@pytest.mark.parametrize("failure", [Failure.UNREACHABLE, Failure.REFUSED], ids=str)
def test_what_was_never_sent_does_not_count(failure: Failure) -> None:
    made, _ = drive(remotes(9), all_fail(failure))
    assert len(made) == 9


@pytest.mark.parametrize("failure", [Failure.UNREACHABLE, Failure.KEY_REJECTED, Failure.NO_CREDIT], ids=str)
def test_a_failure_of_the_provider_skips_its_other_deployments(failure: Failure) -> None:
    deployments = [deployment("a/1"), deployment("a/2", order=1), deployment("b/1", order=2)]
    made, _ = drive(deployments, {"a/1": failure, "a/2": failure})
    assert ids(made) == ["a/1", "b/1"]


def test_a_limit_of_a_pool_skips_what_shares_the_pool() -> None:
    deployments = [
        deployment("a/1", pool_cell="pool"),
        deployment("a/2", order=1, pool_cell="pool"),
        deployment("a/3", order=2),
    ]
    made, _ = drive(deployments, {"a/1": Failure.RATE_LIMITED})
    assert ids(made) == ["a/1", "a/3"]


def test_a_limit_of_the_host_behind_skips_nothing_else() -> None:
    deployments = [deployment("a/1", pool_cell="pool"), deployment("a/2", order=1, pool_cell="pool")]
    made, _ = drive(deployments, {"a/1": Failure.RATE_LIMITED}, upstream_only=True)
    assert ids(made) == ["a/1", "a/2"]


def test_a_too_long_context_tries_only_larger_ones() -> None:
    deployments = [
        deployment("a/1", context_window=8000),
        deployment("b/1", order=1, context_window=8000),
        deployment("c/1", order=2, context_window=32000),
    ]
    made, _ = drive(deployments, {"a/1": Failure.CONTEXT_TOO_LONG})
    assert ids(made) == ["a/1", "c/1"]


def test_a_rejected_request_tries_one_other_provider_and_then_returns_the_first_rejection() -> None:
    deployments = [
        deployment("a/1"),
        deployment("a/2", order=1),
        deployment("b/1", order=2),
        deployment("c/1", order=3),
    ]
    made, ending = drive(deployments, dict.fromkeys(("a/1", "b/1", "c/1"), Failure.REQUEST_REJECTED))
    assert ids(made) == ["a/1", "b/1"]
    assert ending.rejected_by is not None


def test_a_rejected_request_that_another_provider_takes_is_answered() -> None:
    made, ending = drive(remotes(2), {"p0/m0": Failure.REQUEST_REJECTED})
    assert ids(made) == ["p0/m0", "p1/m1"]
    assert ending.answer is not None


def test_a_broken_content_policy_stops_at_once() -> None:
    made, ending = drive(remotes(3), {"p0/m0": Failure.POLICY})
    assert len(made) == 1
    assert ending.rejected_by is not None


def test_the_last_attempt_gets_all_the_time_that_remains_and_others_leave_half() -> None:
    made, _ = drive(remotes(3), all_fail(Failure.TIMEOUT), deadline_s=60, took_s=10)
    assert [(a.timeout_s, a.last) for a in made] == [(30, False), (25, False), (40, True)]


def test_the_last_attempt_that_counts_is_the_last_unless_a_local_model_follows() -> None:
    made, _ = drive(remotes(6), all_fail(Failure.TIMEOUT), deadline_s=100, took_s=10)
    assert [(a.timeout_s, a.last) for a in made] == [(40, False), (40, False), (40, False), (70, True)]
    made, _ = drive([*remotes(6), LOCAL], all_fail(Failure.TIMEOUT), deadline_s=100, took_s=10)
    assert [a.last for a in made] == [False] * MAX_COUNTED + [True]


def test_what_a_last_attempt_did_not_reach_does_not_count_and_others_follow() -> None:
    failures = {**all_fail(Failure.SERVER_ERROR), "p3/m3": Failure.UNREACHABLE}
    made, _ = drive(remotes(6), failures)
    assert ids(made) == [f"p{number}/m{number}" for number in range(5)]


def test_nothing_is_started_when_the_time_is_up() -> None:
    made, ending = drive(remotes(3), all_fail(Failure.TIMEOUT), deadline_s=10, took_s=10)
    assert len(made) == 1
    assert ending.out_of_time


@pytest.mark.parametrize("failure", list(Failure), ids=str)
def test_a_plan_ends_whatever_happens_and_calls_each_deployment_at_most_once(failure: Failure) -> None:
    made, _ = drive([*remotes(9), LOCAL], {**all_fail(failure), "local/m": failure})
    assert len(ids(made)) == len(set(ids(made))) <= 10


def test_an_empty_ranking_ends_at_once() -> None:
    made, ending = drive([], {})
    assert made == []
    assert ending == Ending()


def test_a_local_model_that_lacks_its_file_gives_way_to_another_one() -> None:
    other = deployment("other/m", kind=Kind.CALLABLE, order=100)
    made, ending = drive(
        [*remotes(9), LOCAL, other], all_fail(Failure.SERVER_ERROR) | {"local/m": Failure.LOCAL_BROKEN}
    )
    assert ids(made)[MAX_COUNTED:] == ["local/m", "other/m"]
    assert ending.answer is not None
