"""A router.yaml of somebody else's cannot send well-known keys elsewhere."""

import subprocess
import sys

import pytest

from llm7router.config import from_data, load, packaged
from llm7router.config.keys import owners_of
from llm7router.config.load import check_provider
from llm7router.config.models import ProviderConfig
from llm7router.errors import ConfigError
from llm7router.presets import GroqProvider
from tests.config.conftest import Told

SET = {"GROQ_API_KEY": "gsk-12345678", "MINE": "mine-12345678"}


def of_provider(told: Told, body: str) -> list[str]:
    text = f"version: 1\nproviders:\n  a: {{{body}, models: [{{id: m}}]}}\n"
    return [fault.removeprefix("router.yaml:3: providers.a.") for fault in told(text, SET)]


def test_a_well_known_key_goes_to_its_own_host_only(told: Told) -> None:
    assert of_provider(told, "base_url: https://evil.example/v1, api_key_env: GROQ_API_KEY") == [
        "api_key_env: GROQ_API_KEY belongs to api.groq.com, not to evil.example; use another variable"
    ]
    assert of_provider(told, "base_url: https://API.groq.com./openai/v1, api_key_env: GROQ_API_KEY") == []
    assert of_provider(told, "base_url: https://evil.example/v1, api_key_env: MINE") == []


@pytest.mark.parametrize("host", ["localhost:8080", "127.0.0.1:8080", "[::1]:8080"])
def test_a_proxy_on_this_machine_may_have_any_key(told: Told, host: str) -> None:
    assert of_provider(told, f"base_url: 'http://{host}/v1', api_key_env: GROQ_API_KEY") == []


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ("base_url: https://evil.example/v1, api_key: '${GROQ_API_KEY}'", "api_key"),
        ("base_url: https://evil.example/v1, api_key: 'x-${GROQ_API_KEY:-y}'", "api_key"),
        ("base_url: 'https://evil.example/${GROQ_API_KEY}'", "base_url"),
        ("base_url: 'https://${GROQ_API_KEY}.evil.example/v1'", "base_url"),
        ("base_url: https://evil.example/v1, title: '${GROQ_API_KEY}'", "title"),
    ],
)
def test_a_well_known_key_is_put_in_for_its_own_host_only(told: Told, body: str, key: str) -> None:
    (fault,) = of_provider(told, body)
    assert fault.startswith(f"{key}: GROQ_API_KEY belongs to api.groq.com, not to ")
    assert "gsk-12345678" not in fault


@pytest.mark.parametrize(
    "key",
    ["gsk_Ab3Ab3Ab3Ab3Ab3Ab3Ab3Ab3", "sk-or-v1-0123456789abcdef", "AIzaSyA1234567890abcdefghijklmnopqrstuv", "a b"],
)
def test_a_key_in_place_of_its_variable_is_a_fault_and_is_not_repeated(told: Told, key: str) -> None:
    assert of_provider(told, f"base_url: https://api.groq.com/openai/v1, api_key_env: {key}") == [
        "api_key_env: is no name of a variable; write a name, such as A_API_KEY, "
        "and store the key with `llm7router setup`"
    ]


def test_the_value_of_a_variable_in_place_of_its_name_is_a_fault(told: Told) -> None:
    assert of_provider(told, "base_url: https://api.groq.com/openai/v1, api_key_env: '${GROQ_API_KEY}'") == [
        "api_key_env: takes the name of a variable, not its value; write GROQ_API_KEY without ${}"
    ]


@pytest.mark.parametrize(
    "name", ["MINE", "my_groq_api_key_of_the_second_account_2", "KEY2", "MYCOMPANYGROQAPIKEYPROD", "_"]
)
def test_any_name_that_a_variable_can_have_is_taken(told: Told, name: str) -> None:
    assert of_provider(told, f"base_url: https://mine.example/v1, api_key_env: {name}") == []


def test_a_well_known_key_belongs_nowhere_outside_of_providers(told: Told) -> None:
    assert told("version: 1\nstate: {store: 'redis://:${GROQ_API_KEY}@evil.example:6379/0'}\n", SET) == [
        "router.yaml:2: state.store: GROQ_API_KEY belongs to api.groq.com; use another variable"
    ]


def test_providers_from_code_are_held_to_it_too() -> None:
    message = "GROQ_API_KEY belongs to api.groq.com, not to evil.example"
    bad = {"base_url": "https://evil.example/v1", "api_key_env": "GROQ_API_KEY"}
    with pytest.raises(ConfigError, match=message):
        check_provider("x", ProviderConfig.model_validate(bad))
    with pytest.raises(ConfigError, match=message):
        from_data({"version": 1, "providers": {"x": bad}}, env={})
    with pytest.raises(ConfigError, match=message):
        GroqProvider(base_url="https://evil.example/v1").spec({})
    assert GroqProvider(base_url="https://mine.example/v1", api_key_env="MINE").spec({}).config.api_key_env == "MINE"


def test_the_file_that_ships_says_whose_the_keys_are() -> None:
    config = load(packaged(), env={"CLOUDFLARE_ACCOUNT_ID": "x"}).config
    owners = owners_of(config.model_dump())
    assert owners["GROQ_API_KEY"] == {"api.groq.com"}
    assert owners["CLOUDFLARE_API_KEY"] == {"api.cloudflare.com"}
    assert len(owners) >= 8


def test_the_file_that_ships_is_not_read_without_need() -> None:
    code = (
        "from llm7router.config import from_data, load, packaged; from llm7router.config.load import _owners;"
        "local = {'base_url': 'http://127.0.0.1/v1', 'api_key_env': 'GROQ_API_KEY'};"
        "from_data({'version': 1, 'providers': {'a': local}}, env={});"
        "load(packaged(), env={}); print(_owners.cache_info().misses)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"


def test_what_is_no_configuration_has_no_keys() -> None:
    assert owners_of(None) == owners_of({"providers": {"a": 5, "b": {"base_url": 5, "api_key_env": "K"}}}) == {}
