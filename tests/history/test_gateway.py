"""`/history` of the gateway."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest

from llm7router.testing import ScriptedBackend
from tests.server.gateway import Gateway, error_of

NOBODY = "http://127.0.0.1:9/v1"
CLIENT = "sk-llm7-the-key-of-a-client-of-ours"


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    keys = [{"name": "ann", "sha256": hashlib.sha256(CLIENT.encode()).hexdigest()}]
    with Gateway({"alpha": NOBODY}, backend=ScriptedBackend(), server={"keys": keys}) as running:
        yield running


def test_it_has_rows_totals_and_bars(gateway: Gateway) -> None:
    assert gateway.chat(headers={"authorization": f"Bearer {CLIENT}"}).status_code == 200
    assert gateway.chat().status_code == 200
    found = gateway.client.get("/history?hours=24&by=caller").json()
    assert {row["caller"]: row["requests"] for row in found["rows"]} == {"ann": 1, "owner": 1}
    assert len(found["bars"]) == 24
    assert found["bars"][-1]["requests"] == 2
    assert [row["bars"][-1]["requests"] for row in found["rows"]] == [1, 1]
    assert found["totals"]["answered"] == 2
    assert found["totals"]["saving_usd"] > 0


def test_it_is_for_the_gateways_own_key_alone(gateway: Gateway) -> None:
    refused = gateway.client.get("/history", headers={"authorization": f"Bearer {CLIENT}"})
    assert refused.status_code == 403
    assert error_of(refused)["code"] == "owner_only"
    assert gateway.client.get("/history", headers={"authorization": "Bearer wrong"}).status_code == 401


@pytest.mark.parametrize(
    ("query", "param"),
    [("by=week", "by"), ("by=all", "by"), ("hours=0", "hours"), ("hours=-1", "hours"), ("hours=1e9", "hours"), ("hours=²", "hours"),
     ("hours=" + "9" * 5000, "hours")],
    ids=["week", "all", "none", "negative", "a float", "no digit", "too many"],
)  # fmt: skip
def test_a_query_at_fault_is_said(gateway: Gateway, query: str, param: str) -> None:
    refused = gateway.client.get(f"/history?{query}")
    assert refused.status_code == 400
    assert error_of(refused)["param"] == param


def test_without_history_it_says_so() -> None:
    with Gateway({"alpha": NOBODY}, backend=ScriptedBackend(), history={"enabled": False}) as running:
        refused = running.client.get("/history")
    assert refused.status_code == 404
    assert "history.enabled is false" in error_of(refused)["message"]
