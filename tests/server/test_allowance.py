"""What a key with limits of its own is told of them, in OpenAI's header fields."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from llm7router.server.allowance import duration
from tests.server.gateway import Gateway, chat_body
from tests.upstream import Upstream

OTHER = "sk-llm7-the-key-of-somebody-else"
HEADERS = {"authorization": f"Bearer {OTHER}"}
LIMITS = [
    {"unit": "requests", "window": "minute", "max": 3},
    {"unit": "requests", "window": "day", "max": 5000},
    {"unit": "tokens", "window": "day", "max": 100_000},
    {"unit": "concurrent", "max": 5},
]


@pytest.fixture
def gateway(shared: Gateway, upstream: Upstream) -> Iterator[Gateway]:
    """A gateway with a limited key; `shared` has made LiteLLM warm."""
    key = {"name": "other", "sha256": hashlib.sha256(OTHER.encode()).hexdigest(), "limits": LIMITS}
    with Gateway({"alpha": upstream}, server={"keys": [key]}) as running:
        yield running


def told(response: httpx.Response) -> dict[str, str]:
    assert response.status_code == 200, response.text
    return {name[12:]: value for name, value in response.headers.items() if name.startswith("x-ratelimit-")}


def test_a_key_with_limits_is_told_what_is_left_of_the_one_that_ends_first(gateway: Gateway) -> None:
    seen = [told(gateway.chat(headers=HEADERS)) for _ in range(3)]
    assert [fields["remaining-requests"] for fields in seen] == ["2", "1", "0"]
    assert {fields["limit-requests"] for fields in seen} == {"3"}
    assert {fields["limit-tokens"] for fields in seen} == {"100000"}
    assert [int(fields["remaining-tokens"]) for fields in seen] == [100_000 - 12 * asked for asked in (1, 2, 3)]
    assert seen[0]["reset-requests"].startswith("1m")
    assert seen[0]["reset-tokens"].startswith("24h")
    assert set(seen[0]) == {f"{what}-{unit}" for what in ("limit", "remaining", "reset") for unit in ("requests", "tokens")}  # fmt: skip


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
def test_streams_tell_it_too(gateway: Gateway, path: str) -> None:
    body: dict[str, Any] = chat_body(stream=True, max_tokens=50)
    fields = told(gateway.post(path, body, headers=HEADERS))
    assert fields["remaining-requests"] == "2"
    assert 90_000 < int(fields["remaining-tokens"]) < 100_000


def test_a_key_without_limits_is_told_nothing(gateway: Gateway) -> None:
    assert told(gateway.chat()) == {}


@pytest.mark.parametrize(
    ("seconds", "written"), [(0, "0ms"), (0.0012, "2ms"), (1, "1s"), (59.2, "1m0s"), (360, "6m0s"), (3605, "1h0m5s")]
)
def test_times_are_written_as_openai_does(seconds: float, written: str) -> None:
    assert duration(seconds) == written
