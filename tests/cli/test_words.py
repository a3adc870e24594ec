"""What is said of answers, of errors and of choices, in words."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from typing import Any

import pytest

from llm7router import LLMRouter, RequestContext
from llm7router.cli.footer import footer, keyless, wants_keys_tip
from llm7router.config.load import from_data, load
from llm7router.decision import explain
from llm7router.decision.plan import Ending
from llm7router.ending import error, nothing_available
from llm7router.types import AttemptRecord, CompletionResult, Decision, Failure, Rejected, Rejection
from tests.e2e.edited import shipped
from tests.router import scene

CHAT = import_module("llm7router.cli.chat")  # the name in the package is the command


@pytest.fixture
def decision(tmp_path: Any) -> Decision:
    return decided(tmp_path, {"GROQ_API_KEY": "canary-groq"})


def decided(tmp_path: Any, env: dict[str, str], **context: Any) -> Decision:
    (tmp_path / "router.yaml").write_text(shipped().replace("store: disk ", "store: memory "))
    with LLMRouter(tmp_path / "router.yaml", env=env) as router:
        return router.decide([{"role": "user", "content": "Hello!"}], RequestContext(**context))


def attempt(deployment: str = "groq/openai/gpt-oss-120b", failure: Failure | None = None, **more: Any) -> AttemptRecord:
    fields: dict[str, Any] = {"detail": "", "status": None, "duration_s": 0.5} | more
    return AttemptRecord(deployment, failure is None, failure, **fields)


def result_of(decision: Decision, provider: str, model: str, **more: Any) -> CompletionResult:
    fields: dict[str, Any] = {
        "content": "Hi", "cost": 0.0, "latency": 0.6, "tokens_input": 7, "tokens_output": 5, "finish_reason": "stop",
        "tool_calls": (), "reasoning": None, "attempts": (attempt(),), "request_id": "r",
    }  # fmt: skip
    return CompletionResult(provider=provider, model=model, decision=decision, **(fields | more))


def test_a_result_and_a_decision_show_themselves_in_a_line(decision: Decision) -> None:
    result = result_of(decision, "groq", "openai/gpt-oss-120b")
    assert repr(result) == (
        "CompletionResult(content='Hi', provider='groq', model='openai/gpt-oss-120b', cost=0.0, latency=0.6, "
        "tokens_input=7, tokens_output=5)"
    )
    assert repr(decision) == "Decision(best='groq/openai/gpt-oss-120b', 7 candidates, 27 rejected)"
    assert len(repr(error(Ending(), decision, [attempt(failure=Failure.TIMEOUT)]))) < 400


def test_the_footer_tells_the_answering_call_and_the_whole_only_if_it_took_notably_longer(decision: Decision) -> None:
    result = result_of(decision, "groq", "m")
    assert footer(result) == "[groq/m · 7 + 5 tokens · 0.5 s · 0 USD]"
    assert footer(replace(result, cached=True)) == "[groq/m · 7 + 5 tokens · 0.5 s · 0 USD · a stored answer]"
    slow = replace(result, latency=3.44, first_token_s=0.2, cost=0.0000042)
    assert footer(slow) == "[groq/m · 7 + 5 tokens · 0.5 s, first after 0.2 s · 3.4 s in all · 0.0000042 USD]"


@pytest.mark.parametrize(
    ("context", "provider", "wanted"),
    [({}, "local", True), ({"environment": "development"}, "local", False), ({"providers": ["local"]}, "local", False),
     ({}, "llm7", False)],
    ids=["nobody else answered", "it was the first choice", "it was asked for", "another answered"],
)  # fmt: skip
def test_keys_are_recommended_when_the_local_model_had_to_answer_for_want_of_them(
    tmp_path: Any, context: dict[str, Any], provider: str, wanted: bool
) -> None:
    decision = decided(tmp_path, {}, **context)
    model = next(s.deployment.model for s in (*decision.ranking,) if s.deployment.provider in (provider, "local"))
    assert wants_keys_tip(result_of(decision, provider, model)) is wanted


def test_a_rejected_key_is_asked_again_and_named(decision: Decision) -> None:
    rejection = Rejection("block", "key rejected", decision.now + 14 * 60)
    assert explain.reason(rejection, decision.now) == "key rejected (asked again in 14 min)"
    text = str(error(Ending(), decision, [attempt(failure=Failure.KEY_REJECTED, status=401)]))
    assert text.startswith(
        "no answer after 1 attempt: groq/openai/gpt-oss-120b: key rejected (401); correct GROQ_API_KEY. "
        "27 others could not be tried: "
    )


def test_what_was_tried_is_no_other_although_it_is_kept_away_by_now(decision: Decision) -> None:
    first = "groq/openai/gpt-oss-120b"
    after = explain.without(decision, {first: Rejection("breaker", "breaker open", decision.now + 8)})
    text = str(error(Ending(), decision, [attempt(failure=Failure.UNREACHABLE)], after))
    assert f"no answer after 1 attempt: {first}: " in text
    assert "27 others could not be tried: " in text
    assert "breaker open" not in text


@pytest.mark.parametrize(
    ("env", "known"), [({}, False), ({"GROQ_API_KEY": "canary-groq"}, True)], ids=["no key", "a key"]
)
def test_providers_that_want_keys_are_keyless_until_one_has_its_own(
    tmp_path: Any, env: dict[str, str], known: bool
) -> None:
    (tmp_path / "router.yaml").write_text(shipped())
    assert keyless(load(tmp_path / "router.yaml", env=env)) is not known


def test_nobody_is_keyless_if_no_provider_wants_a_key_or_router_yaml_holds_one() -> None:
    assert not keyless(from_data(scene.config(scene.ranked("a")), env={}))
    wanting = scene.provider(api_key_env="B_API_KEY")
    del wanting["api_key"]
    assert keyless(from_data(scene.config({"b": wanting}), env={}))
    having = scene.provider(api_key="canary-literal")
    assert not keyless(from_data(scene.config({"b": wanting, "c": having}), env={}))


def test_only_what_was_asked_for_is_counted_and_advised(tmp_path: Any) -> None:
    local = decided(tmp_path, {}, providers=["local"])
    broken = explain.without(local, {"local/smollm2": Rejection("off", "cannot run: no file", advice="get it")})
    assert broken.best is None
    assert nothing_available(broken) == (
        "0/1 deployments can serve this request: 1 cannot run: no file (33 others were not asked for); get it"
    )
    two = decided(tmp_path, {}, exclude=["llm7", "local"])
    assert "(4 were excluded on request)" in explain.histogram(two)
    none = decided(tmp_path, {}, providers=["groq"], exclude=["groq"])
    assert explain.histogram(none) == "0/0 deployments: 31 others were not asked for, 3 were excluded on request"


def test_assuming_down_also_takes_what_is_behind_an_open_breaker(decision: Decision) -> None:
    behind = decision.ranking[0]
    rejected = (*decision.rejected, Rejected(behind.deployment, Rejection("breaker", "breaker open", decision.now + 9)))
    panic = replace(decision, ranking=(), last_resort=(behind,), rejected=rejected)
    assert explain.assume(panic, ("groq",)).best is None


def test_a_terminal_gets_no_commands_of_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert CHAT.shown("a\x1b[2Jb\tc\nd") == "a[2Jb\tc\nd"
    monkeypatch.setattr("sys.stdout.isatty", lambda: False, raising=False)
    assert CHAT.shown("a\x1b[2Jb") == "a\x1b[2Jb"
