"""Every way to fail, through the real LiteLLM: each ends as one outcome, after exactly one request."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from llm7router.calls.backend import LiteLLMBackend
from llm7router.calls.classify import LIMITED
from llm7router.types import Failure, Price
from tests.calls.failure_cases import AFTER_CONTENT, BEFORE_CONTENT, REFUSALS
from tests.calls.helpers import WAYS, call, deployment, drain, make, text
from tests.guard import CANARY, expected
from tests.upstream import Upstream
from tests.upstream_behaviours import status

UPSTREAM_ONLY = {
    "OpenRouter upstream": True, "Mistral capacity": True, "OpenRouter minute": False, "Mistral window": False,
    "429": False,
}  # fmt: skip


def patience_s(failure: Failure) -> float:
    """Little for the cases that never answer, and much for the others: the machine may be busy."""
    return 1.0 if failure is Failure.TIMEOUT else 5.0


@pytest.mark.parametrize("case", REFUSALS)
async def test_a_refusal_is_told_apart(
    backend: LiteLLMBackend, upstream: Upstream, case: str, prefix: str, way: str
) -> None:
    failure, behaviour = REFUSALS[case]
    upstream.always(behaviour)
    outcome = await make(backend, way, call(upstream, prefix=prefix, timeout_s=patience_s(failure)))
    assert (outcome.failure, upstream.count) == (failure, 1), outcome
    assert outcome.response is None
    assert outcome.stream is None
    assert 0 < len(outcome.detail) <= 300
    assert CANARY not in repr(outcome)
    assert "litellm" not in outcome.detail.lower().replace("litellm: provider", "")


@pytest.mark.parametrize("case", BEFORE_CONTENT)
async def test_a_stream_that_fails_before_content_is_an_outcome(
    backend: LiteLLMBackend, upstream: Upstream, case: str, prefix: str
) -> None:
    failure, behaviour = BEFORE_CONTENT[case]
    upstream.always(behaviour)
    outcome = await backend.stream(call(upstream, prefix=prefix, first_token_s=patience_s(failure)))
    assert (outcome.failure, outcome.stream, upstream.count) == (failure, None, 1), outcome


@pytest.mark.parametrize("price", [Price(0, 0), Price(0, 1), None], ids=["free", "paid", "price unknown"])
async def test_what_a_200_began_may_be_billed_although_it_ends_in_a_429(
    backend: LiteLLMBackend, upstream: Upstream, price: Price | None, prefix: str, way: str
) -> None:
    paid = deployment(upstream.base_url, prefix, cost=price)
    for case, begun in {"a 429 inside a 200": True, "429": False}.items():
        upstream.always(REFUSALS[case][1])
        outcome = await make(backend, way, call(paid))
        assert outcome.failure is Failure.RATE_LIMITED
        assert outcome.generated is (begun and not paid.free), case
    before = {case: F for case, (F, _) in BEFORE_CONTENT.items() if F in LIMITED}
    for case, failure in before.items():
        upstream.always(BEFORE_CONTENT[case][1])
        outcome = await backend.stream(call(paid))
        assert (outcome.failure, outcome.generated) == (failure, not paid.free), case
    assert before


@pytest.mark.parametrize("case", AFTER_CONTENT)
async def test_a_stream_that_fails_after_content_breaks(
    backend: LiteLLMBackend, upstream: Upstream, case: str, prefix: str
) -> None:
    failure, behaviour = AFTER_CONTENT[case]
    upstream.always(behaviour)
    outcome = await backend.stream(call(upstream, prefix=prefix, between_tokens_s=patience_s(failure)))
    chunks, broken = await drain(outcome)
    assert text(chunks) == "Hello you"
    assert broken is not None
    assert broken.failure is failure, broken
    assert not any(chunk.finish_reason for chunk in chunks)


async def test_a_refused_connection_was_never_sent(
    backend: LiteLLMBackend, refused: str, prefix: str, way: str
) -> None:
    outcome = await make(backend, way, call(refused, prefix=prefix))
    assert (outcome.failure, outcome.status) == (Failure.UNREACHABLE, None)


async def test_an_unknown_host_was_never_sent(backend: LiteLLMBackend, prefix: str, way: str) -> None:
    with expected() as looked_up:
        outcome = await make(backend, way, call("http://nowhere.invalid/v1", prefix=prefix))
    assert outcome.failure is Failure.UNREACHABLE
    assert looked_up
    assert all("nowhere.invalid" in attempt for attempt in looked_up)


async def test_a_certificate_that_nobody_vouches_for_ends_before_anything_is_sent(
    backend: LiteLLMBackend, prefix: str, way: str, tmp_path: Path
) -> None:
    """As one that has expired, or that was exchanged for another's."""
    if not (openssl := shutil.which("openssl")):
        pytest.skip("needs openssl")
    made = ["-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run([openssl, "req", "-x509", *made], cwd=tmp_path, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    heard: list[bytes] = []

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(1))
        writer.close()

    async with await asyncio.start_server(hear, "127.0.0.1", 0, ssl=context) as server:
        port = server.sockets[0].getsockname()[1]
        outcome = await make(backend, way, call(f"https://localhost:{port}/v1", prefix=prefix))
    assert outcome.failure is Failure.UNREACHABLE
    assert "certificate" in outcome.detail.lower()
    assert [data for data in heard if data] == []


async def test_a_server_without_tls_was_never_sent_anything(
    backend: LiteLLMBackend, upstream: Upstream, prefix: str
) -> None:
    outcome = await backend.complete(call(upstream.base_url.replace("http", "https", 1), prefix=prefix))
    assert (outcome.failure, upstream.count) == (Failure.UNREACHABLE, 0)


async def test_only_the_host_behind_the_provider_is_limited(
    backend: LiteLLMBackend, upstream: Upstream, way: str
) -> None:
    for case, upstream_only in UPSTREAM_ONLY.items():
        upstream.always(REFUSALS[case][1])
        outcome = await make(backend, way, call(upstream))
        assert outcome.upstream_only is upstream_only, case


@pytest.mark.parametrize(
    ("case", "wait_s"),
    {"429": 2.0, "Groq day": 578.016, "Groq minute": 15.0, "Gemini minute": 42.0, "OpenRouter day": None}.items(),
)
async def test_the_wait_that_was_asked_for_is_in_the_outcome(
    backend: LiteLLMBackend, upstream: Upstream, case: str, wait_s: float | None, prefix: str, way: str
) -> None:
    upstream.always(REFUSALS[case][1])
    outcome = await make(backend, way, call(upstream, prefix=prefix))
    assert outcome.retry_after_s == (None if wait_s is None else pytest.approx(wait_s))


async def test_a_503_may_ask_to_wait_too(backend: LiteLLMBackend, upstream: Upstream, way: str) -> None:
    upstream.always("status", 503, headers={"Retry-After": "7.5"})
    outcome = await make(backend, way, call(upstream))
    assert (outcome.failure, outcome.retry_after_s) == (Failure.OVERLOADED, 7.5)


async def test_the_true_status_is_kept(backend: LiteLLMBackend, upstream: Upstream, way: str, prefix: str) -> None:
    for case, code in {"Groq too large": 413, "403": 403, "422": 422, "529": 529, "a redirect": 307}.items():
        upstream.always(REFUSALS[case][1])
        assert (await make(backend, way, call(upstream, prefix=prefix))).status == code, case


async def test_keys_in_a_providers_words_are_not_repeated(
    backend: LiteLLMBackend, upstream: Upstream, way: str, prefix: str
) -> None:
    upstream.always(
        "status", 401, f"Incorrect API key provided: {CANARY}, not sk-or-v1-abcdef0123456789; Bearer abc.def"
    )
    outcome = await make(backend, way, call(upstream, prefix=prefix))
    assert outcome.detail == "Incorrect API key provided: ***, not ***; Bearer ***"


async def test_long_words_are_cut(backend: LiteLLMBackend, upstream: Upstream) -> None:
    upstream.always("status", 400, "word " * 1000)
    assert len((await backend.complete(call(upstream))).detail) == 300


async def test_a_body_that_repeats_the_prompt_is_not_shown(backend: LiteLLMBackend, upstream: Upstream) -> None:
    upstream.always(
        "status", 422, {"input": "the secret prompt", "detail": [{"msg": "too bad", "input": "the secret"}]}
    )
    outcome = await backend.complete(call(upstream))
    assert outcome.detail == "too bad"


async def test_a_filter_event_and_an_emptied_stream_are_told_apart_from_a_broken_one(
    backend: LiteLLMBackend, upstream: Upstream
) -> None:
    upstream.always("stream", [], finish_reason="content_filter")
    assert (await backend.stream(call(upstream))).failure is Failure.POLICY


def test_every_failure_that_an_upstream_can_cause_has_a_case() -> None:
    ours = {Failure.BUSY, Failure.LOCAL_BROKEN, Failure.REFUSED, Failure.CANCELLED}
    shown = {failure for table in (REFUSALS, BEFORE_CONTENT, AFTER_CONTENT) for failure, _ in table.values()}
    elsewhere = {Failure.UNREACHABLE, Failure.NO_ANSWER}  # tests of their own
    assert shown | elsewhere == set(Failure) - ours


@pytest.mark.parametrize("code", [*range(300, 304), *range(400, 600, 7)])
async def test_any_error_status_ends_as_an_outcome(backend: LiteLLMBackend, upstream: Upstream, code: int) -> None:
    upstream.always(status(code))
    for way in WAYS:
        outcome = await make(backend, way, call(deployment(upstream.base_url)))
        assert not outcome.ok
        assert outcome.status == code
