"""The connection under LiteLLM: nothing is sent twice or elsewhere, no answer is endless, no key where none belongs."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import subprocess
import sys
import threading

import pytest

from llm7router.calls import transport
from llm7router.calls.backend import LiteLLMBackend
from llm7router.types import Failure, Outcome
from tests import upstream_behaviours as behave
from tests.calls.helpers import call, deployment, make
from tests.guard import CANARY
from tests.upstream import Upstream


async def test_a_redirect_takes_neither_prompt_nor_key_to_another_host(
    backend: LiteLLMBackend, upstream: Upstream, prefix: str, way: str
) -> None:
    with Upstream() as other:
        for code in (301, 302, 303, 307, 308):
            upstream.always("redirect", f"{other.base_url}/chat/completions", code)
            outcome = await make(backend, way, call(upstream, prefix=prefix))
            assert outcome.failure is Failure.SERVER_ERROR
            assert outcome.detail == "a redirect, which is not followed"
        assert (other.count, other.others) == (0, [])


async def test_a_request_whose_connection_was_reset_is_not_sent_again(
    backend: LiteLLMBackend, upstream: Upstream, prefix: str, way: str
) -> None:
    upstream.always("reset")
    outcome = await make(backend, way, call(upstream, prefix=prefix))
    assert (outcome.failure, upstream.count) == (Failure.BAD_ANSWER, 1)


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(behave.endless(), id="endless"),
        pytest.param(behave.raw(b" " * 2**25, gzip=True), id="32 MB in 32 kB"),
        pytest.param(behave.endless(head={"content-type": "text/html"}), id="endless web page"),
    ],
)
async def test_an_answer_is_bounded(
    backend: LiteLLMBackend, upstream: Upstream, prefix: str, way: str, behaviour: behave.Behaviour
) -> None:
    upstream.always(behaviour)
    outcome = await make(backend, way, call(upstream, prefix=prefix))
    assert outcome.failure is Failure.BAD_ANSWER
    assert "longer than 8388608 bytes" in outcome.detail


async def test_an_answer_of_several_megabytes_is_fine(backend: LiteLLMBackend, upstream: Upstream) -> None:
    upstream.always("answer", "word " * 600_000, sse=False)
    assert (await backend.complete(call(upstream))).ok


async def test_a_compressed_answer_is_read(backend: LiteLLMBackend, upstream: Upstream, prefix: str) -> None:
    upstream.always("raw", json.dumps(behave.completion("zipped")).encode(), gzip=True)
    outcome = await backend.complete(call(upstream, prefix=prefix))
    assert outcome.response.choices[0].message.content == "zipped"


async def test_a_body_that_does_not_unpack_is_a_bad_answer(
    backend: LiteLLMBackend, upstream: Upstream, prefix: str, way: str
) -> None:
    upstream.always("raw", b"not gzip", headers={"content-encoding": "gzip"})
    assert (await make(backend, way, call(upstream, prefix=prefix))).failure is Failure.BAD_ANSWER


async def test_a_deployment_may_be_called_without_authorization(
    backend: LiteLLMBackend, upstream: Upstream, prefix: str, way: str
) -> None:
    await make(backend, way, call(deployment(upstream.base_url, prefix, send_authorization=False)))
    assert "authorization" not in upstream.last.headers


async def test_cookies_are_not_kept(backend: LiteLLMBackend, upstream: Upstream, prefix: str) -> None:
    upstream.always("answer", headers={"set-cookie": "id=1; Path=/"})
    for _ in range(2):
        await backend.complete(call(upstream, prefix=prefix))
    assert "cookie" not in upstream.last.headers


async def test_a_host_that_does_not_accept_is_given_up_early(
    monkeypatch: pytest.MonkeyPatch, backend: LiteLLMBackend, prefix: str
) -> None:
    monkeypatch.setattr(transport, "CONNECT_S", 0.3)
    with contextlib.ExitStack() as stack:
        deaf = stack.enter_context(socket.socket())
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        for _ in range(4):  # fill its backlog; further connections get no answer
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(deaf.getsockname())
        await asyncio.sleep(0.05)
        outcome = await backend.complete(call(f"http://127.0.0.1:{deaf.getsockname()[1]}/v1", prefix=prefix))
    assert outcome.failure is Failure.UNREACHABLE
    assert outcome.duration_s < 2


def test_other_loops_in_other_threads_may_call_at_the_same_time(backend: LiteLLMBackend, upstream: Upstream) -> None:
    outcomes: list[Outcome] = []

    async def several() -> None:
        outcomes.extend([await backend.complete(call(upstream)) for _ in range(3)])
        await backend.aclose()

    threads = [threading.Thread(target=asyncio.run, args=(several(),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [outcome.failure for outcome in outcomes] == [None] * 9


async def test_closing_closes_connections_and_allows_more_calls(backend: LiteLLMBackend, upstream: Upstream) -> None:
    own = LiteLLMBackend()
    for _ in range(2):
        assert (await own.complete(call(upstream))).ok
        await own.aclose()
    assert upstream.connections == 2


SCRIPT = """
import asyncio, logging, sys
logging.basicConfig(level=logging.DEBUG)
from llm7router.calls.backend import LiteLLMBackend
from tests.calls.helpers import call, make

async def main(backend, close, prefix):
    for way in ("whole", "stream"):
        wanted = call(sys.argv[1], prefix=prefix, timeout_s=30, first_token_s=30)
        print((await make(backend, way, wanted)).failure)
    if close:
        await backend.aclose()

one = LiteLLMBackend()
for close, prefix in ((False, "hosted_vllm"), (True, "openai"), (False, "hosted_vllm")):
    asyncio.run(main(one, close, prefix))
asyncio.run(main(LiteLLMBackend(), False, "hosted_vllm"))
"""


@pytest.mark.slow
def test_a_program_ends_quietly_closed_or_not_and_logs_neither_key_nor_prompt(upstream: Upstream) -> None:
    upstream.script("m", ["answer", ("status", 500), "answer", ("status", 429)])
    ran = subprocess.run(
        [sys.executable, "-X", "dev", "-c", SCRIPT, upstream.base_url], capture_output=True, text=True, timeout=60
    )
    assert ran.stdout.split("\n") == ["None", "server error", "None", "rate limited", *["None"] * 4, ""], ran.stderr
    assert CANARY not in ran.stderr
    assert "Hi there" not in ran.stderr
    assert "Unclosed" not in ran.stderr
    assert "Traceback" not in ran.stderr
