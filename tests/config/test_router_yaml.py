"""The configuration that ships."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from llm7router.catalog import with_stars
from llm7router.config import LoadedConfig, load, packaged
from llm7router.config.limit_models import LimitConfig
from llm7router.config.yaml_reader import read
from llm7router.types import Capability, Unit

ENABLED = ["groq", "openrouter", "gemini", "mistral", "cloudflare", "zai", "llm7", "local"]
DISABLED = ["llama_server", "ollama", "nvidia_nim", "cohere", "ollama_cloud", "ovhcloud", "kilo", "huggingface"]
TEXT = packaged().read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def shipped() -> LoadedConfig:
    return load(packaged(), env={"CLOUDFLARE_ACCOUNT_ID": "0123"})


def limits(shipped: LoadedConfig) -> Iterator[tuple[str, LimitConfig]]:
    for name, provider in shipped.config.providers.items():
        pools = [limit for pool in provider.pools.values() for limit in pool]
        own = [limit for model in provider.models for limit in model.limits]
        shared = [*provider.limits, *provider.limits_per_model, *(provider.limits_without_key or [])]
        yield from ((name, limit) for limit in (*shared, *pools, *own))


def counted(found: list[LimitConfig]) -> set[tuple[str, str | None, float, str]]:
    return {(limit.unit.value, limit.window and limit.window.value, limit.max, limit.kind) for limit in found}


def test_it_has_no_faults_with_any_environment() -> None:
    assert load(packaged(), env={}).config.version == 1
    assert load(packaged(), env={"LLM7ROUTER_ENV": "development"}).config.environment == "development"


def test_its_providers_are_enabled_or_offered(shipped: LoadedConfig) -> None:
    enabled = [name for name, provider in shipped.config.providers.items() if provider.enabled]
    assert enabled == ENABLED
    assert [name for name in shipped.config.providers if name not in enabled] == DISABLED


def test_every_limit_says_where_and_when_it_was_read(shipped: LoadedConfig) -> None:
    found = list(limits(shipped))
    assert len(found) > 25
    assert [name for name, limit in found if not (limit.source and limit.checked)] == []


def test_every_remote_provider_says_how_to_get_a_key_and_what_becomes_of_prompts(shipped: LoadedConfig) -> None:
    for name, provider in shipped.config.providers.items():
        assert provider.title
        assert "trains_on_prompts" in provider.data.model_fields_set, name
        assert provider.signup_url or provider.api_key_env is None, name


def test_every_model_is_free_and_has_stars_for_chat(shipped: LoadedConfig) -> None:
    for provider in shipped.config.providers.values():
        for model in provider.models:
            assert model.cost is not None
            assert model.cost.input == model.cost.output == 0
            assert "chat" in with_stars(model, shipped.config.strengths).quality, model.id


def test_a_model_that_follows_a_schema_also_writes_json(shipped: LoadedConfig) -> None:
    for provider in shipped.config.providers.values():
        for model in provider.models:
            assert Capability.JSON_SCHEMA not in model.capabilities or Capability.JSON_MODE in model.capabilities


def test_stars_stand_in_the_table_alone_and_each_of_its_lines_is_of_use(shipped: LoadedConfig) -> None:
    models = [model for provider in shipped.config.providers.values() for model in provider.models]
    assert [model.id for model in models if model.quality] == []
    stars = [with_stars(model, shipped.config.strengths).quality for model in models]
    unused = [
        name for name, line in shipped.config.strengths.items() if not any(line.stars is found for found in stars)
    ]
    assert unused == []


def test_a_latency_prior_is_whole_or_absent(shipped: LoadedConfig) -> None:
    """A first token alone would promise that the rest takes no time."""
    for provider in shipped.config.providers.values():
        for model in provider.models:
            assert (model.latency.first_token_s is None) == (model.latency.tokens_per_s is None)


def test_its_limits_are_those_of_the_vendors(shipped: LoadedConfig) -> None:
    providers = shipped.config.providers
    assert counted(providers["groq"].limits_per_model) == {
        ("requests", "minute", 30, "rolling"),
        ("requests", "day", 1000, "rolling"),
        ("tokens", "minute", 8000, "rolling"),
        ("tokens", "day", 200000, "rolling"),
    }
    assert counted(providers["openrouter"].pools["openrouter-free"]) == {
        ("requests", "minute", 20, "rolling"),
        ("requests", "day", 50, "calendar"),
    }
    assert all(model.pool == "openrouter-free" for model in providers["openrouter"].models)
    assert counted(providers["llm7"].limits_without_key or []) == {
        ("requests", "second", 1, "rolling"),
        ("requests", "minute", 10, "rolling"),
        ("requests", "hour", 60, "rolling"),
        ("tokens", "day", 100000, "rolling"),
    }
    assert {limit.tz for model in providers["gemini"].models for limit in model.limits if limit.kind == "calendar"} == {
        "America/Los_Angeles"
    }
    assert [limit.unit for limit in providers["local"].models[0].limits] == [Unit.CONCURRENT]


def test_llm7_works_without_a_key_and_cloudflare_needs_its_account(shipped: LoadedConfig) -> None:
    assert shipped.config.providers["llm7"].api_key == "unused"
    unset = {spec.name: spec.unset for spec in load(packaged(), env={}).providers if spec.unset}
    assert unset == {"cloudflare": ("CLOUDFLARE_ACCOUNT_ID",)}


def test_it_holds_no_key(shipped: LoadedConfig) -> None:
    literal = {name for name, provider in shipped.config.providers.items() if provider.api_key}
    assert literal == {"llm7"}


def test_every_key_is_explained_where_it_is_first_used() -> None:
    """On its own line, in the line above, or in the block of comments that explains the keys of a limit."""
    lines = TEXT.splitlines()
    explained = set(re.findall(r"\b(\w+):", "\n".join(line.partition("#")[2] for line in lines)))
    missing = []
    data = read(TEXT).data
    for key in sorted(set(names(data)) - explained - set(data["strengths"])):
        at = next(index for index, line in enumerate(lines) if re.search(rf"\b{re.escape(key)}:", line))
        if "#" not in lines[at] and not lines[at - 1].strip().startswith("#") and "#" not in lines[at - 1]:
            missing.append(key)
    free = {"output", "input", "note"} | {"chat", "reasoning", "code", "summarize", "extract", "translate", "creative"}
    providers = {*ENABLED, *DISABLED}
    assert [key for key in missing if key not in free | providers] == []


def names(data: Any) -> Iterator[str]:
    if isinstance(data, dict):
        yield from data
    for item in data.values() if isinstance(data, dict) else data if isinstance(data, list) else ():
        yield from names(item)


def test_it_points_editors_at_the_schema_and_fits_the_screen() -> None:
    lines = TEXT.splitlines()
    assert lines[0] == "# yaml-language-server: $schema=router.schema.json"
    assert "llm7router config schema > router.schema.json" in lines[1]
    assert max(map(len, lines)) <= 140
