"""The openai SDK: the version that LiteLLM wants, and the newest."""

from __future__ import annotations

import sys

import pytest

from tests.clients.conftest import SCRIPTS, run
from tests.server.gateway import Gateway
from tests.upstream_behaviours import stream

GOOD = ("whole", "streamed", "tools", "structured", "responses", "completions", "models", "at_once")


@pytest.fixture(params=["beside LiteLLM", "newest"])
def python(request: pytest.FixtureRequest, clients_python: str) -> str:
    return clients_python if request.param == "newest" else sys.executable


def call(python: str, gateway: Gateway, *names: str) -> None:
    printed = run([python, "-W", "ignore", str(SCRIPTS / "openai_sdk.py"), *names], gateway)
    assert printed.split() == list(names)


def test_everything_that_the_sdk_offers_works(python: str, gateway: Gateway) -> None:
    call(python, gateway, *GOOD)


def test_errors_have_their_classes_and_the_id_of_the_request(python: str, gateway: Gateway) -> None:
    call(python, gateway, "errors")


def test_a_429_is_tried_again_when_it_said(python: str, gateway: Gateway) -> None:
    call(python, gateway, "retried")
    first, second = (request for request in gateway.upstream.requests)  # type: ignore[attr-defined]
    assert 0.9 < second.at - first.at < 6


def test_a_stream_that_was_cut_off_raises(python: str, gateway: Gateway) -> None:
    gateway.upstream.always(stream([{"content": "Hello"}], end="reset"))  # type: ignore[attr-defined]
    call(python, gateway, "cut")
