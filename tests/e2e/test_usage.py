"""The ways in which people use the library, as they write them."""

from __future__ import annotations

import asyncio
import os
import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from llm7router import (
    ConfigError,
    GroqProvider,
    LLM7GPT4Mini,
    LLM7Provider,
    LLMRouter,
    LocalProvider,
    OpenRouterProvider,
    ProviderConfig,
    RequestContext,
    TaskType,
    presets,
)
from llm7router.config import from_data
from tests import checkout
from tests.e2e.edited import CLOSED, KEYS, shipped, stubbed, with_base_url
from tests.readme_tables import ROOT, providers_table
from tests.upstream import Upstream

HELLO = [{"role": "user", "content": "Hello!"}]


@pytest.fixture
def path(tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> Path:
    """router.yaml with a stub for Groq, also as the packaged one that presets read."""
    made = stubbed(tmp_path, groq=upstream.base_url)
    monkeypatch.setattr(presets, "packaged", lambda: made)
    monkeypatch.setenv("LLM7ROUTER_CONFIG", str(made))
    for name, key in KEYS.items():
        monkeypatch.setenv(name, key)
    return made


def parrot(messages: list[dict[str, Any]]) -> str:
    return f"You said: {messages[-1]['content']}"


async def test_the_original_usage_runs(path: Path) -> None:
    router = LLMRouter()
    with pytest.warns(FutureWarning, match="no longer gives gpt-4o-mini away"):
        router.register_provider(LLM7GPT4Mini())
    router.register_provider(OpenRouterProvider())
    router.register_provider(GroqProvider())
    router.register_provider(LocalProvider(model_callable=parrot, model_name="parrot"))
    messages = [{"role": "user", "content": "Hello!"}]
    result = await router.complete(messages, context=RequestContext(task_type=TaskType.CHAT, estimated_tokens=100))
    assert (result.content, result.provider, result.cost) == ("Hello!", "groq", 0)
    await router.aclose()


@pytest.mark.parametrize("kind", ["sync", "async", "iterator"])
async def test_a_callable_is_a_provider(path: Path, kind: str) -> None:
    async def later(messages: list[dict[str, Any]]) -> str:
        await asyncio.sleep(0)
        return parrot(messages)

    def pieces(messages: list[dict[str, Any]]) -> Iterator[str]:
        yield from ("You ", "said: ", "Hello!")

    target = {"sync": parrot, "async": later, "iterator": pieces}[kind]
    async with LLMRouter(path) as router:
        router.register_provider(LocalProvider(model_callable=target, model_name="mine"))
        only = RequestContext(providers=["local"])
        result = await router.complete(HELLO, only)
        streamed = [chunk async for chunk in router.stream(HELLO, only)]
    assert (result.content, result.deployment) == ("You said: Hello!", "local/mine")
    assert "".join(chunk.content for chunk in streamed) == "You said: Hello!"


async def test_registering_the_same_name_replaces_it(path: Path) -> None:
    async with LLMRouter(path) as router:
        router.register_provider(GroqProvider(models=[{"id": "mine", "cost": {"input": 0, "output": 0}}]))
        groq = [d.id for d in router.stats().deployments if d.provider == "groq"]
    assert groq == ["groq/mine"]


async def test_providers_are_registered_by_name_and_by_configuration(path: Path, upstream: Upstream) -> None:
    own = ProviderConfig.model_validate(
        {"base_url": upstream.base_url, "api_key": "unused", "models": [{"id": "m", "cost": {"input": 0, "output": 0}}]}
    )
    async with LLMRouter(path) as router:
        router.register_provider("nvidia_nim")
        router.register_provider(own, name="mine")
        assert (await router.complete(HELLO, RequestContext(providers=["mine"]))).provider == "mine"
        assert {d.state for d in router.stats().deployments if d.provider == "nvidia_nim"} == {"off"}, "it has no key"


@pytest.mark.parametrize(
    ("provider", "error", "says"),
    [
        ("grok", ConfigError, "no provider 'grok' in the catalogue"),
        (GroqProvider(base_ulr="x"), ConfigError, "unknown key 'base_ulr'"),
        (ProviderConfig(), TypeError, "has no name of its own"),
        (GroqProvider, TypeError, "not a provider"),
        (None, TypeError, "not a provider"),
    ],
    ids=["an unknown name", "a mistyped key", "a configuration without a name", "a class", "nothing"],
)
def test_a_mistake_in_registering_is_said(path: Path, provider: Any, error: type[Exception], says: str) -> None:
    router = LLMRouter(path)
    with pytest.raises(error, match=says):
        router.register_provider(provider)


def test_complete_sync_works_without_a_running_loop(path: Path) -> None:
    with LLMRouter(path) as router:
        assert router.complete_sync(HELLO).content == "Hello!"
        assert router.complete_sync(HELLO).content == "Hello!"


async def test_complete_sync_works_with_a_running_loop(path: Path) -> None:
    router = LLMRouter(path)
    assert router.complete_sync(HELLO).content == "Hello!"
    await asyncio.to_thread(router.close)


async def test_a_preset_takes_keys_in_code(path: Path, upstream: Upstream) -> None:
    async with LLMRouter(path, env={}) as router:
        router.register_provider(GroqProvider(api_key="canary-in-code"))
        assert (await router.complete(HELLO)).provider == "groq"
    assert upstream.last.headers["authorization"] == "Bearer canary-in-code"
    assert "canary" not in repr(router.deployments)


def test_llm7_without_a_key_has_the_cautious_limits_and_with_one_the_token_limits(path: Path) -> None:
    def limits(env: dict[str, str]) -> dict[str, int]:
        router = LLMRouter(path, env=env)
        deployment = next(d for d in router.stats().deployments if d.provider == "llm7")
        return {limit.name: limit.max for limit in deployment.limits}

    assert limits({})["requests/minute"] == 10
    assert limits({"LLM7_API_KEY": "x"})["requests/minute"] == 60
    assert LLM7Provider().spec({}).config.enabled


async def test_tools_images_schemas_and_reasoning_pass_through(path: Path, upstream: Upstream) -> None:
    tool = {"type": "function", "function": {"name": "lookup", "parameters": {"type": "object", "properties": {}}}}
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    messages = [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, image]}]
    schema = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}
    async with LLMRouter(path) as router:
        await router.complete(messages, tools=[tool], tool_choice="auto", seed=7, stop=["\n\n"], logit_bias={"1": 2})
        sent = upstream.last.body
        assert sent["tools"][0]["function"]["name"] == "lookup"
        assert (sent["seed"], sent["stop"], sent["tool_choice"]) == (7, ["\n\n"], "auto")
        assert sent["messages"][0]["content"][1] == image
        assert "logit_bias" not in sent, "Groq does not know it"
        await router.complete(HELLO, response_format=schema, max_completion_tokens=50)
        assert upstream.last.body["response_format"] == schema
        assert upstream.last.body["max_tokens"] == 50


@pytest.mark.parametrize("name", ["base_url", "api_key", "api_base", "extra_headers", "model", "temprature"])
async def test_what_is_no_parameter_of_a_request_is_refused_before_any_call(
    path: Path, upstream: Upstream, name: str
) -> None:
    async with LLMRouter(path) as router:
        with pytest.raises(TypeError, match=name):
            await router.complete(HELLO, **{name: "canary-value"})
    assert upstream.count == 0


async def test_basic_example(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await runpy.run_path(str(ROOT / "examples" / "basic.py"))["main"]("Hello!")
    out = capsys.readouterr().out
    assert "Hello!" in out
    assert "-- groq/openai/gpt-oss-120b" in out


async def test_all_providers_example(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await runpy.run_path(str(ROOT / "examples" / "all_providers.py"))["main"]()
    out = capsys.readouterr().out
    assert "local/mine" in out
    assert "-- groq/" in out or "-- local/" in out


async def test_fastapi_example(path: Path, upstream: Upstream) -> None:
    app = runpy.run_path(str(ROOT / "examples" / "fastapi_app.py"))["app"]
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")
    async with app.router.lifespan_context(app), client:
        good = await client.post("/chat", json={"message": "Hello!"})
        bad = await client.post("/chat", json={"message": ""})
    assert good.json() == {"content": "Hello!", "provider": "groq", "model": "openai/gpt-oss-120b", "cost": 0}
    assert bad.status_code == 422


def test_the_python_of_the_readme_runs(path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    own = [block for block in blocks if "from llm7router" in block]  # the other needs a gateway: tests/server
    assert own
    for block in own:
        done = subprocess.run(
            [sys.executable, "-c", block], capture_output=True, text=True, timeout=60, env=dict(os.environ)
        )
        assert done.returncode == 0, done.stderr
        assert "groq" in done.stdout
        assert done.stderr == "", "clean shutdown says nothing"


def test_the_route_table_of_the_readme_is_what_the_command_prints(tmp_path: Path) -> None:
    (shown,) = re.findall(r"\$ llm7router route .*?\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert (ROOT / "README.md").read_text().count("Task chat") == 1
    command = [sys.executable, "-m", "llm7router", "route", "-c", str(stubbed(tmp_path)), "What is a monad?"]
    env = checkout.environment(COLUMNS="100", GROQ_API_KEY="x", OPENROUTER_API_KEY="x")
    done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=tmp_path, input="", timeout=60)
    printed = "\n".join(line.rstrip() for line in done.stdout.split("\n\nrejected")[0].splitlines())
    assert shown.strip() == printed.strip()


def test_the_providers_table_of_the_readme_is_what_router_yaml_says() -> None:
    assert providers_table() in (ROOT / "README.md").read_text()


def merged(base: Any, edits: Any) -> Any:
    """The base with the edits laid over it, key by key."""
    if not isinstance(base, dict) or not isinstance(edits, dict):
        return edits
    return {**base, **{key: merged(base.get(key), value) for key, value in edits.items()}}


def test_the_yaml_of_the_readme_is_valid_when_it_is_edited_into_the_shipped_file() -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    edits, base = yaml.safe_load(block), yaml.safe_load(shipped())
    loaded = from_data(merged(base, edits), env={})
    assert loaded.config.scoring.weights["latency"] == 40
    assert loaded.config.budget.usd_per_day == 0.5
    groq = next(spec for spec in loaded.providers if spec.name == "groq")
    assert not groq.config.enabled
    assert len(groq.config.models) == 3


def test_a_service_that_is_out_of_reach_is_no_key_trouble(tmp_path: Path) -> None:
    text = with_base_url(stubbed(tmp_path).read_text(), "groq", CLOSED)
    (tmp_path / "router.yaml").write_text(text)
    with LLMRouter(tmp_path / "router.yaml", env=KEYS) as router:
        result = router.complete_sync(HELLO, max_tokens=5)
    assert result.provider == "local"
    assert [str(a.failure) for a in result.attempts if not a.ok] == ["unreachable"] * 3


def test_a_provider_that_is_registered_in_code_is_checked_like_one_of_the_file(path: Path) -> None:
    model = {"id": "m", "cost": {"input": 0, "output": 0}}
    config = ProviderConfig.model_validate(
        {"base_url": "http://evil.example/v1", "api_key": "canary", "models": [model]}
    )
    router = LLMRouter(path)
    with pytest.raises(ConfigError, match="http would send key and prompts in clear text") as caught:
        router.register_provider(config, name="evil")
    assert "canary" not in str(caught.value)
    router.close()
