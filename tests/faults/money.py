"""What the worker processes of `test_money` do: routers over one store that call stand-ins of paid providers.

A stand-in charges the most that it may: a token for each byte of the prompt, and mostly all of `max_tokens`. It writes
that down before it answers, as its vendor would bill it. Then it is slow, breaks off, fails, or tells a count of tokens
that is missing, wrong, or a lie that the answer shows.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
from collections import Counter
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from llm7router import LLMRouter, RequestContext
from llm7router.calls.base import Call
from llm7router.errors import RoutingError
from llm7router.testing import Reply, ScriptedBackend
from llm7router.types import Failure, Price
from tests.faults.setups import _model, _provider

USD, INTERN_USD = 1.0, 0.3  # everybody's budget, and the intern's within it
CALLERS = (None, "intern", "broke", None)
PRICE = {"input": 0.5, "output": 2.0}
EMBEDDING_PRICE = {"input": 1.5, "output": 0}
MODELS = 6  # so that breakers do not stop the spending
REFUSED_IN_A_ROW = 12  # then the money is spent


def config(place: str) -> dict[str, Any]:
    """Paid providers alone, under a budget."""
    paid = {f"p{n}": _provider(_model("m", 3, cost=PRICE)) for n in range(MODELS)}
    vectors = _provider(_model("v", 3, cost=EMBEDDING_PRICE, capabilities=["embeddings"]))
    where = {"store": place} if "://" in place else {"store": "disk", "path": place}
    budgets = {"intern": {"usd_per_month": INTERN_USD, "usd_per_request": 0.01}, "broke": {"usd_per_month": 0}}
    keys = [{"name": name, "sha256": f"{n}" * 64, "budget": b} for n, (name, b) in enumerate(budgets.items())]
    return {
        "version": 1,
        "state": where,
        "timeouts": {"attempt_s": 0.1, "total_s": 2, "wait_s": 0},
        # The month's as well, so that a midnight in the middle brings no new money.
        "budget": {"usd_per_request": 0.02, "usd_per_day": USD, "usd_per_month": USD},
        "server": {"keys": keys},
        "providers": {**paid, "vectors": vectors},
    }


class StandIns:
    """Every provider at once. Each charge is one line of the bill, written in one piece."""

    def __init__(self, bill: Path, seed: int) -> None:
        self.rng = random.Random(seed)
        self.caller: dict[int, str] = {}  # by the running task
        self._bill = os.open(bill, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def answer(self, call: Call) -> Reply | Failure:
        """Charge and answer, or do neither: what is refused at the door is not billed."""
        fate = self.rng.random()
        if fate < 0.04:
            return self.rng.choice((Failure.UNREACHABLE, Failure.REQUEST_REJECTED))
        prompt, output = sum(len(str(m["content"])) for m in call.messages) + sum(map(len, call.inputs)), 0
        if not call.inputs:
            most = call.parameters["max_tokens"]
            output = most if self.rng.random() < 0.9 else self.rng.randint(20, most)
        self._charge(call.deployment.cost, prompt, output)
        if fate < 0.10:
            return self.rng.choice((Failure.SERVER_ERROR, Failure.BAD_ANSWER))
        told = self.rng.choice(
            ((prompt, output), (prompt, output), (None, None), (0, 0), (prompt, 0), (0, output), (1, 1),
             (prompt, output // 10), (prompt // 40, output), (prompt, None), (prompt + 50, output + 50))
        )  # fmt: skip
        return Reply(
            "four " * (output * 4 // 5),
            delay_s=10 if fate < 0.15 else self.rng.choice((0, 0.002, 0.03, 0.03)),
            prompt_tokens=told[0],
            output_tokens=told[1],
            break_after=self.rng.randint(1, 15) if fate < 0.25 else None,
        )

    def _charge(self, price: Price | None, prompt: int, output: int) -> None:
        assert price is not None
        caller = self.caller.get(id(asyncio.current_task()), "-")
        os.write(self._bill, f"{caller} {price.of(prompt, output) * 1e6:.3f}\n".encode())


def billed(bills: list[Path]) -> Mapping[str, float]:
    """USD by caller, `-` without one. A process that was killed leaves no half lines: each is one write."""
    total: Counter[str] = Counter()
    for bill in bills:
        for line in bill.read_text().splitlines():
            caller, micro = line.split(" ")
            total[caller] += float(micro)  # type: ignore[assignment]
    return {caller: micro / 1e6 for caller, micro in total.items()}


async def spend(place: str, bill: Path, seed: int, pipe: Connection) -> None:
    """Ask, several at a time, until nothing is called any more; sends what it counted."""
    rng, stand_ins, counts = random.Random(f"asks {seed}"), StandIns(bill, seed), Counter[str]()
    backend = ScriptedBackend({**{f"p{n}/m": stand_ins.answer for n in range(MODELS)}, "vectors/v": stand_ins.answer})
    router = LLMRouter(config(place), env={}, backend=backend)
    await router.refresh()
    pipe.send("ready")
    pipe.recv()

    async def one(caller: str | None) -> None:
        task = asyncio.current_task()
        stand_ins.caller[id(task)] = caller or "-"
        context = RequestContext(caller=caller, max_usd=rng.choice((None, 0.015)))
        messages = [{"role": "user", "content": "word " * rng.randint(50, 400)}]
        kind, longest = rng.random(), rng.choice((100, 400, 1500))
        with contextlib.suppress(RoutingError, TimeoutError):
            async with asyncio.timeout(rng.choice((None, 0.01))):  # some callers leave
                if kind < 0.15:
                    await router.embed(["text " * 300], RequestContext(caller=caller, providers=["vectors"]))
                elif kind < 0.5:
                    async with contextlib.aclosing(router.stream(messages, context, max_tokens=longest)) as chunks:
                        async for _ in chunks:
                            pass
                else:
                    await router.complete(messages, context, max_tokens=longest)
            counts["answered"] += 1

    idle = 0
    while idle < REFUSED_IN_A_ROW:
        before = len(backend.calls)
        await asyncio.gather(*(one(rng.choice(CALLERS)) for _ in range(4)))
        called = len(backend.calls) - before
        idle = 0 if called else idle + 1
        await asyncio.sleep(0.1 if idle else 0)  # a store that was slow may be back
        counts["calls"] += called
        backend.calls.clear()
    pipe.send(dict(counts))
    await router.aclose()
