"""Real clients against a real gateway, each run by its own interpreter.

LLM7ROUTER_CLIENTS_PYTHON   a Python with openai 3, langchain-openai, anthropic, llm and schemathesis, which cannot be
                            installed beside LiteLLM: it wants another openai
LLM7ROUTER_NODE_MODULES     a directory `node_modules` with openai from npm
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests import checkout
from tests.router import scene
from tests.server.gateway import KEY, Gateway, all_stopped
from tests.upstream import Exchange, Upstream
from tests.upstream_behaviours import answer, json_body, status, stream, tool_call

SCRIPTS = Path(__file__).with_name("scripts")
FORECAST = '{"city": "Rome", "celsius": 21}'
ABLE = ["streaming", "tools", "json_schema", "json_mode"]


@pytest.fixture(scope="session")
def clients_python() -> str:
    """The interpreter that has the clients."""
    return _given("LLM7ROUTER_CLIENTS_PYTHON")


@pytest.fixture(scope="session")
def node_modules() -> str:
    """The directory that has openai from npm."""
    return _given("LLM7ROUTER_NODE_MODULES")


def _given(name: str) -> str:
    if not (value := os.environ.get(name)):
        pytest.skip(f"{name} is not set")
    return value


busy_until: dict[str, float] = {}  # by upstream, on the clock of `time.monotonic`


async def clever(exchange: Exchange) -> None:
    """Answers as a model would: calls a tool that it was given, fills in a schema, and else says hello.

    A prompt `status CODE` gets that status; `busy` a 429 for a second.
    """
    body = exchange.request.body
    last = body["messages"][-1]
    said = last.get("content") if isinstance(last.get("content"), str) else ""
    if said.startswith("status "):
        await status(int(said.split()[1]))(exchange)
    elif said == "busy" and exchange.request.at < busy_until.setdefault(
        exchange.request.headers["host"], exchange.request.at + 0.9
    ):
        await status(429, headers={"retry-after": "1"})(exchange)
    elif body.get("tools") and last["role"] != "tool":
        call = tool_call("forecast", '{"city": "Rome"}')
        if body.get("stream"):
            await stream([{"tool_calls": [{"index": 0, **call}]}], finish_reason="tool_calls")(exchange)
        else:
            message = {"role": "assistant", "content": None, "tool_calls": [call]}
            choices = [{"index": 0, "finish_reason": "tool_calls", "message": message}]
            usage = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
            await json_body({"id": "c", "object": "chat.completion", "created": 1, "model": "x", "choices": choices,
                             "usage": usage})(exchange)  # fmt: skip
    else:
        text = FORECAST if body.get("response_format", {}).get("type") == "json_schema" else "Hello there, friend!"
        await answer(text)(exchange)


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    """A gateway over a clever model."""
    with Upstream() as upstream:
        upstream.always(clever)
        chat = scene.model(capabilities=ABLE, quality={"chat": 5})
        with Gateway({"alpha": scene.provider(chat, base_url=upstream.base_url)}) as running:
            running.upstream = upstream  # type: ignore[attr-defined]
            yield running
        assert all_stopped()


def run(command: list[str], gateway: Gateway, env: Mapping[str, str] | None = None, **options: Any) -> str:
    """What a client prints; it ends well and quietly."""
    where = {"OPENAI_BASE_URL": f"{gateway.url}/v1", "OPENAI_API_KEY": KEY,
             "ANTHROPIC_BASE_URL": gateway.url, "ANTHROPIC_API_KEY": KEY}  # fmt: skip
    ran = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=120,
        env=checkout.environment(**where, **(env or {})),
        **options,
    )
    assert ran.returncode == 0, f"{ran.stdout}\n{ran.stderr}"
    return ran.stdout
