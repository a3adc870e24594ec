"""Providers that come from code: checked like those of a file, and silent about their keys."""

import traceback
from typing import Any

import pytest
from pydantic import ValidationError

from llm7router.catalog import deployments, with_stars
from llm7router.config import from_data
from llm7router.config.deployment_models import ModelConfig
from llm7router.config.load import check_provider, load, packaged
from llm7router.config.models import BudgetConfig, Config, ProviderConfig
from llm7router.errors import ConfigError
from llm7router.presets import GroqProvider, LocalProvider, from_catalog

KEY = "sk-SECRET"
URL = "https://api.example.com/v1"


def faults(name: str, **keys: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        check_provider(name, ProviderConfig(**keys))
    return str(caught.value).splitlines()


def test_a_key_is_in_no_representation() -> None:
    config = ProviderConfig(api_key=KEY, base_url=URL)
    whole = from_data({"version": 1, "providers": {"a": {"api_key": KEY, "base_url": URL}}}, env={})
    assert KEY not in f"{config!r} {config} {whole!r} {whole.providers!r} {whole.config!s}"
    assert config.api_key == KEY


@pytest.mark.parametrize("wrong", [{"api_key": [KEY]}, {"api_key": KEY, "limits": KEY}, {"api_key": KEY, "x": KEY}])
def test_a_key_is_not_in_an_error_of_validation(wrong: dict[str, Any]) -> None:
    for make in (lambda: ProviderConfig(**wrong), lambda: Config(version=1, providers={"a": wrong})):
        with pytest.raises(ValidationError) as caught:
            make()
        assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"api_key": [KEY]}, "<provider>: providers.groq.api_key: must be text (not shown); put it in quotes"),
        ({"api_key": KEY, "api_key_env": None, "base_url": "http://a.example/v1"},
         "<provider>: providers.groq.base_url: http would send key and prompts in clear text "
         "(given the host a.example); use https, or this machine"),
        ({"api_key": KEY, "limits": 5}, "<provider>: providers.groq.limits: must be a list (given a number); "
         "write `- item` lines under it, or [item, item]"),
        ({"models": [{"id": "m", "pool": "x"}], "pools": {}},
         "<provider>: providers.groq.models[0].pool: no pool of the name 'x'; add it under `pools` of the provider"),
    ],
)  # fmt: skip
def test_an_override_with_a_fault_is_a_configuration_error(overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        from_catalog("groq", overrides, env={})
    assert str(caught.value) == message
    assert KEY not in "".join(traceback.format_exception(caught.value))


def test_good_overrides_pass_also_as_objects() -> None:
    spec = GroqProvider(api_key=KEY, models=[ModelConfig(id="m", context_window=9)], enabled=False).spec({})
    assert (spec.config.api_key, spec.config.enabled) == (KEY, False)
    assert [model.context_window for model in spec.config.models] == [9]


def test_every_provider_of_the_catalogue_can_be_taken_from_it() -> None:
    loaded = load(packaged(), env={})
    assert loaded.providers
    for spec in loaded.providers:
        taken = from_catalog(spec.name, env={})
        assert taken.config.enabled
        models = [with_stars(model, loaded.config.strengths) for model in spec.config.models]
        same = spec.config.model_copy(update={"enabled": True, "models": models})
        assert taken.config == same
        assert taken.unset == spec.unset


def test_a_faulty_local_provider_is_a_configuration_error() -> None:
    for wrong in ({"context_window": 0}, {"quality": {"chat": 9}}, {"capabilities": ("flying",)}):
        with pytest.raises(ConfigError, match=r"providers\.local\.models\[0\]\."):
            LocalProvider(model_callable=len, model_name="m", **wrong).spec({})  # type: ignore[arg-type]
    assert LocalProvider(model_callable=len, model_name="m").spec({}).config.models[0].path is None
    assert LocalProvider(path="x.gguf").spec({}).config.models[0].id == "x"


def test_a_provider_from_code_is_checked_like_one_from_a_file() -> None:
    check_provider("mine", ProviderConfig(base_url=URL, api_key_env="MINE", models=[ModelConfig(id="m")]))
    assert faults("mine") == [
        "<provider>: providers.mine: base_url is missing; add the provider's OpenAI-compatible address, "
        "or `kind: llama_cpp`"
    ]
    limit = {"unit": "neurons", "window": "day", "max": 5}
    found = faults(
        "mine",
        base_url="https://u:p@a.example/v1",
        account_url="https://b.example/key",
        limits=[limit, {"unit": "requests", "max": 1}],
        models=[{"id": "m", "pool": "p"}, {"id": "m", "path": "x.gguf"}],
    )
    paths = {fault.split(": ")[1] for fault in found}
    assert paths == {
        "providers.mine.base_url", "providers.mine.account_url", "providers.mine.limits[1]",
        "providers.mine.models[0].pool", "providers.mine.models[0]", "providers.mine.models[1]",
        "providers.mine.models[1].id", "providers.mine.models[1].path",
    }  # fmt: skip
    assert len(faults("a name", base_url=URL)) == 1


def test_a_provider_that_was_made_without_validation_is_validated() -> None:
    with pytest.raises(ConfigError, match=r"providers\.mine\.counts: "):
        check_provider("mine", ProviderConfig.model_construct(base_url=URL, counts="x"))


def test_a_model_in_this_process_trains_on_nothing_unless_it_is_said() -> None:
    models = [{"id": "m", "path": "m.gguf"}]
    local = {"kind": "llama_cpp", "models": models}
    hosted = {"base_url": "https://a.example/v1", "models": [{"id": "m"}]}
    said = {**local, "data": {"trains_on_prompts": "maybe"}}
    config = {"version": 1, "providers": {"local": local, "said": said, "hosted": hosted}}
    found = deployments(from_data(config, env={}).providers, {}, BudgetConfig())
    assert {d.provider: d.trains_on_prompts for d in found} == {"local": False, "said": True, "hosted": True}
