"""Embeddings through the whole router: one model, failover among its providers, and the same limits as chats."""

from __future__ import annotations

import base64
import struct
from typing import Any

import pytest

from llm7router import (
    AllProvidersExhaustedError,
    ConfigError,
    LLMRouter,
    NoProviderAvailableError,
    RequestContext,
    RequestEvent,
)
from llm7router.calls.backend import LiteLLMBackend
from llm7router.decision import demand
from llm7router.state.store.memory import MemoryStore
from llm7router.testing import Reply
from llm7router.types import Failure, Operation, Outcome
from tests.guard import CANARY
from tests.make import deployment, limit, request
from tests.router.scene import HELLO, Scene, config, model, provider
from tests.upstream import Upstream
from tests.virtual import in_virtual_time

TEXTS = ["one", "three", "seven"]
BOTH = RequestContext(providers=["a", "b"])


def embedder(id: str = "e", **keys: Any) -> dict[str, Any]:
    return model(id, **{"capabilities": ["embeddings"], **keys})


def served(*names: str, **keys: Any) -> dict[str, Any]:
    """Providers of a chat model and of the same embeddings model; earlier ones rank higher by their stars."""
    return {name: provider(model(), embedder(quality={"chat": 5 - index}), **keys) for index, name in enumerate(names)}


@in_virtual_time
async def test_each_text_gets_its_vector_and_the_result_says_from_whom() -> None:
    scene = Scene(served("a", "b"), {"a/e": Reply(delay_s=2)})
    result = await scene.router.embed(TEXTS, RequestContext(providers=["a", "b"], request_id="r7"))
    assert result.vectors == ((3.0, 1.0), (5.0, 1.0), (5.0, 1.0))
    assert (result.provider, result.model, result.deployment, result.cost) == ("a", "e", "a/e", 0)
    assert (result.tokens_input, result.tokens_output, result.latency) == (10, 0, 2)
    assert (result.request_id, result.base64, result.estimated_usage) == ("r7", (), False)
    assert [a.deployment for a in result.attempts] == ["a/e"]
    assert result.decision.request.operation is Operation.EMBEDDINGS


@in_virtual_time
async def test_one_text_is_a_list_of_one_and_no_answer_is_asked_for() -> None:
    scene = Scene(served("a"))
    result = await scene.router.embed("Hello", RequestContext(providers=["a/e"]), user="u")
    (call,) = scene.backend.calls
    assert (result.vectors, call.inputs, call.messages, call.parameters) == (
        ((5.0, 1.0),),
        ("Hello",),
        (),
        {"user": "u"},
    )


def test_it_works_without_async() -> None:
    result = Scene(served("a")).router.embed_sync("Hello", RequestContext(providers=["a"]))
    assert result.vectors == ((5.0, 1.0),)


@in_virtual_time
async def test_usage_that_is_not_told_is_estimated_and_paid_by_what_goes_in() -> None:
    scene = Scene(
        {"a": provider(embedder(cost={"input": 3, "output": 999}))},
        {"a/e": Reply(prompt_tokens=None)},
        budget={"usd_per_request": 1, "usd_per_day": 1},
    )
    result = await scene.router.embed("x" * 300, RequestContext(providers=["a"]))
    assert (result.tokens_input, result.estimated_usage, result.cost) == (102, True, pytest.approx(306e-6))


@in_virtual_time
@pytest.mark.parametrize(
    "failing",
    [
        Failure.SERVER_ERROR,
        Failure.RATE_LIMITED,
        Reply(vectors=[[1.0]]),
        Reply(vectors=[[1.0], [2.0], [float("nan")]]),
        Reply(vectors=[[1.0], [2.0], [3.0, 4.0]]),
    ],
    ids=["a 500", "a 429", "too few vectors", "not a number", "different sizes"],
)
async def test_a_failure_moves_on_to_the_same_model_elsewhere(failing: Any) -> None:
    scene = Scene(served("a", "b"), {"a/e": failing})
    result = await scene.router.embed(TEXTS, BOTH)
    assert (result.deployment, scene.called) == ("b/e", ["a/e", "b/e"])
    assert [a.ok for a in result.attempts] == [False, True]


@in_virtual_time
async def test_a_429_blocks_and_is_not_asked_again_before_its_time() -> None:
    limited = Reply(outcome=Outcome(Failure.RATE_LIMITED, "slow down", status=429, retry_after_s=30))
    scene = Scene(served("a", "b"), {"a/e": [limited, "ok"]})
    for _ in range(3):
        await scene.router.embed(TEXTS, BOTH)
    assert scene.called == ["a/e", "b/e", "b/e", "b/e"]
    scene.clock.jump(31)
    assert (await scene.router.embed(TEXTS, BOTH)).provider == "a"


@in_virtual_time
async def test_a_model_that_fails_three_times_is_left_alone() -> None:
    scene = Scene(served("a", "b"), {"a/e": Failure.OVERLOADED})
    for _ in range(3):
        with pytest.raises(AllProvidersExhaustedError):
            await scene.router.embed(TEXTS, RequestContext(providers=["a"]))
    result = await scene.router.embed(TEXTS, BOTH)
    assert (result.provider, len(result.attempts)) == ("b", 1)
    assert {r.rejection.summary for r in result.decision.rejected if r.deployment.id == "a/e"} == {"breaker open"}


@in_virtual_time
async def test_requests_and_tokens_count_against_limits() -> None:
    limits = [{"unit": "requests", "window": "minute", "max": 2}, {"unit": "tokens", "window": "day", "max": 100000}]
    scene = Scene({"a": provider(embedder(), limits=limits)}, timeouts={"wait_s": 0})
    for _ in range(2):
        await scene.router.embed(TEXTS, RequestContext(providers=["a"]))
    with pytest.raises(NoProviderAvailableError, match="over requests/minute"):
        await scene.router.embed(TEXTS, RequestContext(providers=["a"]))
    used = {held.name: held.used for held in scene.router.stats().deployments[0].limits}
    assert used == {"requests/minute": 2, "tokens/day": 20}


@in_virtual_time
async def test_the_deadline_holds() -> None:
    scene = Scene(served("a", "b"), {"a/e": Reply(delay_s=100), "b/e": Reply(delay_s=100)})
    with pytest.raises(AllProvidersExhaustedError):
        await scene.router.embed(TEXTS, RequestContext(providers=["a", "b"], deadline_s=7))
    assert scene.clock.monotonic() == pytest.approx(7, abs=0.1)


@in_virtual_time
async def test_chats_never_reach_an_embeddings_model() -> None:
    scene = Scene({"a": provider(embedder()), "b": provider(model())}, {"b/m": Failure.SERVER_ERROR})
    with pytest.raises(AllProvidersExhaustedError, match="1 an embeddings model"):
        await scene.router.complete(HELLO)
    with pytest.raises(NoProviderAvailableError, match="1 an embeddings model"):
        await scene.router.complete(HELLO, RequestContext(providers=["a/e"]))
    with pytest.raises(NoProviderAvailableError):
        await scene.router.complete(HELLO, RequestContext(requires=["embeddings"]))
    assert scene.called == ["b/m"]


@in_virtual_time
async def test_texts_never_reach_a_chat_model() -> None:
    scene = Scene(served("a"), {"a/e": Failure.SERVER_ERROR})
    with pytest.raises(AllProvidersExhaustedError):
        await scene.router.embed(TEXTS, RequestContext(providers=["a"]))
    assert scene.called == ["a/e"]


TWO = {"a": provider(model(), embedder("small"), embedder("large")), "b": provider(embedder("small")), "c": provider()}


@pytest.mark.parametrize(
    ("context", "says"),
    [
        (None, "so a model is needed; name one of a/small, a/large, b/small"),
        (RequestContext(providers=["a"]), r"several models were named \(a/small, a/large\), whose vectors cannot be"),
        (RequestContext(providers=["a/large", "b"]), "several models were named"),
        (RequestContext(providers=["c"]), "c has no embeddings model that may be used; name one of a/small, a/large"),
        (RequestContext(providers=["b"], exclude=["b/small"]), "no embeddings model that may be used"),
        (RequestContext(providers=["nobody"]), "no provider or deployment 'nobody'"),
    ],
    ids=["none", "a provider with two", "two at two providers", "a chat provider", "excluded", "unknown"],
)
def test_a_request_must_name_one_model(context: RequestContext | None, says: str) -> None:
    scene = Scene(TWO)
    with pytest.raises(ConfigError, match=says):
        scene.router.embed_sync(TEXTS, context)
    assert scene.called == []


@pytest.mark.parametrize(
    ("providers", "exclude"),
    [(["a/small"], []), (["a/small", "b"], []), (["a/small", "b", "c"], []), (["a"], ["a/large"])],
    ids=str,
)
def test_one_model_may_be_at_several_providers(providers: list[str], exclude: list[str]) -> None:
    result = Scene(TWO).router.embed_sync(TEXTS, RequestContext(providers=providers, exclude=exclude))
    assert result.model == "small"


def test_a_configuration_without_embeddings_says_how_to_get_some() -> None:
    with pytest.raises(ConfigError, match=r"no deployment declares them; add `capabilities: \[embeddings\]`"):
        Scene({"a": provider()}).router.embed_sync("x", RequestContext(providers=["a"]))


@in_virtual_time
async def test_an_alias_over_several_models_is_the_users_own_statement() -> None:
    aliases = {"vectors": {"use": ["a/large", "b/small"]}, "anything": {"task": "chat"}}
    scene = Scene(TWO, {"a/large": Failure.SERVER_ERROR}, aliases=aliases)
    result = await scene.router.embed(TEXTS, scene.router.context_for("vectors"))
    assert (result.deployment, scene.called) == ("b/small", ["a/large", "b/small"])
    for name in ("auto", "anything"):
        with pytest.raises(ConfigError, match="a model is needed"):
            await scene.router.embed(TEXTS, scene.router.context_for(name))
    assert (await scene.router.embed(TEXTS, scene.router.context_for("small"))).model == "small"


@pytest.mark.parametrize(
    ("inputs", "parameters", "error", "says"),
    [
        (b"x", {}, TypeError, "inputs must be text or a list of texts, not bytes"),
        (5, {}, TypeError, "inputs must be text or a list of texts, not int"),
        ([], {}, TypeError, "inputs is empty"),
        (["a", 5], {}, TypeError, r"inputs\[1\] must be text, not int"),
        (["a", ""], {}, TypeError, r"inputs\[1\] is empty"),
        (["\ud800"], {}, TypeError, r"inputs\[0\] holds half of a character"),
        ("x", {"temperature": 1}, TypeError, "temperature: a parameter of chat completions"),
        ("x", {"api_key": 1}, TypeError, "api_key: not a caller's parameter"),
        ("x", {"dimensions": 0}, ConfigError, "dimensions must be a whole number of at least 1"),
        ("x", {"encoding_format": "int8"}, ConfigError, "encoding_format must be float or base64"),
    ],
)
def test_arguments_of_the_wrong_kind_are_refused_before_any_call(
    inputs: Any, parameters: dict[str, Any], error: type[Exception], says: str
) -> None:
    scene = Scene(served("a"))
    with pytest.raises(error, match=says):
        scene.router.embed_sync(inputs, RequestContext(providers=["a"]), **parameters)
    assert scene.called == []


@in_virtual_time
async def test_base64_is_what_was_asked_for_whatever_the_provider_gives() -> None:
    text = base64.b64encode(struct.pack("<2f", 1.5, -2)).decode()
    for given in ([1.5, -2.0], text):
        scene = Scene(served("a"), {"a/e": Reply(vectors=[given])})
        packed = await scene.router.embed("x", RequestContext(providers=["a"]), encoding_format="base64")
        plain = await scene.router.embed("x", RequestContext(providers=["a"]))
        assert (packed.base64, packed.vectors) == ((text,), ())
        assert (plain.base64, plain.vectors) == ((), ((1.5, -2.0),))


@in_virtual_time
async def test_a_provider_that_cannot_choose_dimensions_is_not_asked_to() -> None:
    providers = served("a", "b")
    providers["a"]["unsupported_params"] = ["dimensions"]
    scene = Scene(providers)
    assert (await scene.router.embed("x", BOTH)).provider == "a"
    assert (await scene.router.embed("x", BOTH, dimensions=2)).provider == "b"
    assert scene.backend.calls[-1].parameters == {"dimensions": 2}


@in_virtual_time
async def test_vectors_of_another_size_than_asked_for_fail_over() -> None:
    scene = Scene(served("a", "b"), {"a/e": Reply(vectors=[[1.0, 2.0, 3.0]])})
    result = await scene.router.embed("x", BOTH, dimensions=2)
    assert [(a.deployment, a.failure) for a in result.attempts] == [("a/e", Failure.UNSUPPORTED), ("b/e", None)]


@in_virtual_time
async def test_each_text_must_fit_by_itself_and_all_of_them_into_a_token_limit() -> None:
    limits = [{"unit": "tokens", "window": "minute", "max": 3000}]
    scene = Scene({"a": provider(embedder(context_window=1000), limits=limits)}, timeouts={"wait_s": 0})
    asked = RequestContext(providers=["a"])
    await scene.router.embed(["x" * 2400] * 3, asked)  # 802 tokens each
    with pytest.raises(NoProviderAvailableError, match=r"context too small.*needs 1002 of 1000 tokens"):
        await scene.router.embed(["x", "x" * 3000], asked)
    with pytest.raises(NoProviderAvailableError, match=r"too large for their token limit.*needs 3208 tokens"):
        await scene.router.embed(["x" * 2400] * 4, asked)
    assert len(scene.called) == 1


@in_virtual_time
async def test_hooks_hear_of_it_as_of_a_chat() -> None:
    events: list[RequestEvent] = []
    scene = Scene(served("a", "b"), {"a/e": [Failure.SERVER_ERROR, "ok"], "b/e": Reply(delay_s=3)})
    scene.router.hooks.add(events.append)
    result = await scene.router.embed(TEXTS, BOTH)
    with pytest.raises(NoProviderAvailableError):
        await scene.router.embed("x" * 10**6, BOTH)
    good, bad = events
    assert (good.outcome, good.result, good.deployment, good.duration_s) == ("ok", result, "b/e", 3)
    assert (good.inputs, good.messages, good.stream) == (tuple(TEXTS), (), False)
    assert (len(good.attempts), good.request.operation) == (2, Operation.EMBEDDINGS)
    assert (bad.outcome, bad.result) == ("unavailable", None)


def test_nothing_is_reserved_for_an_answer() -> None:
    asked = request(operation=Operation.EMBEDDINGS, prompt_tokens=100)
    d = deployment(limits=(limit("tokens"), limit("input_tokens"), limit("requests")))
    assert (demand.wanted_output(asked), demand.output_tokens(asked, d)) == (0, 0)
    assert demand.amounts(asked, d, 0) == [100, 100, 1]


async def test_over_real_http_a_500_and_a_missing_vector_fail_over_and_no_key_shows(upstream: Upstream) -> None:
    def at(path: str) -> dict[str, Any]:
        return provider(embedder(), base_url=upstream.base_url.replace("/v1", path), api_key=CANARY)

    providers = {"a": at("/a"), "b": at("/b"), "c": at("/c")}
    upstream.script("e", [("status", 500, f"no, {CANARY}"), ("embeddings", []), "answer"])
    router = LLMRouter(config(providers), env={}, backend=LiteLLMBackend(), store=MemoryStore())
    async with router:
        result = await router.embed(TEXTS, RequestContext(providers=list(providers)), encoding_format="float")
    assert result.vectors == ((0.0, 0.5, -2.0), (1.0, 0.5, -2.0), (2.0, 0.5, -2.0))
    assert [a.failure for a in result.attempts] == [Failure.SERVER_ERROR, Failure.BAD_ANSWER, None]
    assert {r.path for r in upstream.requests} == {"/a/embeddings", "/b/embeddings", "/c/embeddings"}
    assert upstream.last.body == {"model": "e", "input": TEXTS, "encoding_format": "float"}
    assert (result.tokens_input, CANARY in repr(result)) == (7, False)
