from __future__ import annotations

import pytest

from llm7router.config.load import load, packaged
from llm7router.onboarding.facts import card, limits_of

SPECS = {spec.name: spec.config for spec in load(packaged(), env={}).providers}


def test_what_a_person_should_know_before_signing_up_is_said() -> None:
    assert list(card(SPECS["nvidia_nim"])) == [
        ("gives", "40 requests/minute; 10,000 requests/day"),
        ("sign-up asks for", "a phone"),
        ("trains on prompts", "yes"),
        ("terms", "evaluation only; fourteen countries excluded"),
        ("note", "many keys made since June 2026 list models and get 404 on every chat"),
        ("as of", "2026-10-05"),
        ("key goes to", "integrate.api.nvidia.com"),
    ]
    assert dict(card(SPECS["openrouter"]))["gives"] == (
        "20 requests/minute shared by its free models; 50 requests/day shared by its free models"
    )


def test_one_of_a_thing_is_said_in_the_singular() -> None:
    assert limits_of(SPECS["mistral"]) == "10 USD/month; 1 request/second; 4 requests/minute"
    assert "1 concurrent a model" in limits_of(SPECS["zai"])


@pytest.mark.parametrize("name", [name for name, config in SPECS.items() if config.api_key_env])
def test_every_provider_with_a_key_says_something_of_what_it_gives_and_where_the_key_goes(name: str) -> None:
    said = dict(card(SPECS[name]))
    assert limits_of(SPECS[name]) != "this machine"
    assert "." in said["key goes to"]
    assert said["as of"] >= "2026-01-01"
