"""Classification is total: every LiteLLM class, every status and any text has one meaning."""

from __future__ import annotations

import inspect
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm7router.calls import litellm_api
from llm7router.calls.classify import CLASSES, classify, inside, said
from llm7router.calls.local import errors as local
from llm7router.calls.reply import Reply
from llm7router.calls.rules import RULES, STATUSES, failure_of, rule_for
from llm7router.types import Failure, Outcome
from tests.calls.helpers import deployment
from tests.guard import CANARY

TARGET = deployment("http://127.0.0.1:9/v1")
REQUEST = httpx.Request("POST", "http://127.0.0.1/")
ARGUMENTS = {
    "message": "some words",
    "status_code": 500,
    "body": None,
    "request": REQUEST,
    "response": httpx.Response(500, request=REQUEST),
    "current_cost": 1.0,
    "max_budget": 1.0,
    "failures": [{"vector_store_id": "v", "error": "e"}],
}
OURS = {Failure.BUSY, Failure.LOCAL_BROKEN, Failure.REFUSED, Failure.CANCELLED}


def exception_classes() -> list[str]:
    """Every exception that LiteLLM defines."""
    defined = vars(litellm_api.load_now().exceptions).items()
    return sorted(name for name, value in defined if inspect.isclass(value) and issubclass(value, Exception))


def made(name: str) -> Exception:
    """An exception of a class, with whatever arguments it wants."""
    kind: Any = getattr(litellm_api.load_now().exceptions, name)
    if kind.__init__ in {Exception.__init__, ValueError.__init__}:
        plain: Exception = kind("some words")
        return plain
    needed = [
        one.name
        for one in inspect.signature(kind).parameters.values()
        if one.default is one.empty and one.kind in {one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY}
    ]
    error: Exception = kind(**{argument: ARGUMENTS.get(argument, "x") for argument in needed})
    return error


def test_every_exception_class_of_litellm_means_one_failure() -> None:
    names = exception_classes()
    assert len(names) > 20
    for name in names:
        outcome = classify(made(name), TARGET, now=0.0)
        assert isinstance(outcome.failure, Failure), name
        assert outcome.failure not in OURS, name


def test_classes_that_are_named_exist() -> None:
    assert set(CLASSES) <= set(exception_classes())


@pytest.mark.parametrize("code", range(400, 600))
def test_every_error_status_means_one_failure(code: int) -> None:
    outcome = said(Reply(code, "", arrived=True), TARGET, 0.0)
    assert outcome.failure is failure_of(code)
    assert outcome.failure not in OURS
    assert outcome.detail == f"HTTP {code}"


def test_a_caller_fault_never_looks_like_an_outage_and_an_outage_never_like_a_caller_fault() -> None:
    outages = {Failure.SERVER_ERROR, Failure.OVERLOADED, Failure.TIMEOUT}
    assert all(failure_of(code) in outages | {Failure.UNSUPPORTED} for code in range(500, 600))
    assert {code for code in range(400, 500) if failure_of(code) in outages} == {408, 409, 425, 498}
    assert set(STATUSES) <= set(range(400, 600))


SAYINGS = [
    (
        500,
        "Invalid user message at index 0. Please ensure all user messages are valid OpenAI chat completion messages.",
        Failure.REQUEST_REJECTED,
    ),
    (400, "API key not valid. Please pass a valid API key.", Failure.KEY_REJECTED),
    (429, "Insufficient balance or no resource package. Please recharge.", Failure.NO_CREDIT),
    (429, "Quota exceeded for metric: requests, limit: 0, model: x", Failure.NO_QUOTA),
    (429, "Limit 8000, Requested 8001", Failure.TOO_LARGE),
    (413, "Request too large for model", Failure.TOO_LARGE),
    (429, "Provider returned error", Failure.RATE_LIMITED),
    (None, '{"code": 4006}', Failure.QUOTA_GONE),
    (429, "{'code': '1300'}", Failure.RATE_LIMITED),
    (429, "tokens per day (TPD): Limit 100000, Used 97050, Requested 3619", Failure.QUOTA_GONE),
    (404, "No endpoints found that support tool use", Failure.UNSUPPORTED),
    (400, "model_unavailable", Failure.MODEL_GONE),
    (400, "The prompt is too long: 9000 tokens", Failure.CONTEXT_TOO_LONG),
    (403, "flagged for violence", Failure.POLICY),
    (403, "<!DOCTYPE html><html><title>Just a moment...</title></html>", Failure.OVERLOADED),
    (403, "The model `x` is not enabled for your project", Failure.MODEL_GONE),
    (429, '{"code": "3505"}', Failure.RATE_LIMITED),
    (422, "Extra inputs are not permitted", Failure.UNSUPPORTED),
    (500, "The model is overloaded", Failure.OVERLOADED),
]
NO_RULE = [
    (429, "Rate limit reached: limit: 0.5 per second"),
    (429, "Limit 8000, Used 7000, Requested 3000"),
    (400, "messages: at least one message is required"),
    (429, "The model is overloaded"),  # a 429 never hurts health
    (404, "Not Found"),
    (403, "Forbidden: your key is not allowed to use this API"),
    (403, "The API is not enabled for your project"),
    (500, "Internal error"),
]


@pytest.mark.parametrize(("status", "text", "failure"), SAYINGS)
def test_a_providers_words_decide(status: int | None, text: str, failure: Failure) -> None:
    assert said(Reply(status, text), TARGET, 0.0).failure is failure


@pytest.mark.parametrize(("status", "text"), NO_RULE)
def test_words_that_say_nothing_leave_it_to_the_status(status: int, text: str) -> None:
    assert rule_for(text, status) is None


def test_every_rule_decides_something() -> None:
    assert {rule_for(text, status) for status, text, _ in SAYINGS} == set(RULES)


def test_a_fault_on_this_side_is_named() -> None:
    outcome = classify(RuntimeError("Event loop is closed"), TARGET)
    assert outcome == Outcome(Failure.SERVER_ERROR, "RuntimeError: Event loop is closed")


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (local.LocalModelError("no such file", "download it"), Failure.LOCAL_BROKEN),
        (local.LocalBusyError("3 requests wait"), Failure.BUSY),
        (local.LocalContextError("too long"), Failure.CONTEXT_TOO_LONG),
        (local.LocalRequestError("no images"), Failure.REQUEST_REJECTED),
        (local.LocalFailedError("broke off"), Failure.SERVER_ERROR),
    ],
)
def test_a_local_error_is_found_behind_whatever_litellm_makes_of_it(error: local.LocalError, failure: Failure) -> None:
    wrapped = made("InternalServerError")
    wrapped.__cause__ = error
    assert classify(error, TARGET).failure is failure
    assert classify(wrapped, TARGET) == Outcome(failure, str(error))


@given(text=st.text(max_size=300), status=st.none() | st.integers(100, 700), arrived=st.booleans())
def test_any_words_end_as_a_short_outcome_without_raising(text: str, status: int | None, arrived: bool) -> None:
    outcome = said(Reply(status, text, {"retry-after": text[:10]}, arrived), TARGET, 1.7e9)
    assert isinstance(outcome.failure, Failure)
    assert len(outcome.detail) <= 300
    assert isinstance(inside(text, TARGET, 1.7e9).failure, Failure)
    rule_for(text, status)


@given(before=st.text(max_size=50), after=st.text(max_size=50))
def test_the_deployments_key_is_never_in_an_outcome(before: str, after: str) -> None:
    outcome = said(Reply(400, f"{before}{CANARY}{after}", arrived=True), TARGET, 0.0)
    assert CANARY not in outcome.detail
