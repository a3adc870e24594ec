"""One gateway for all tests that only ask it something; tests that break things have one of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.server.gateway import Gateway, all_stopped
from tests.upstream import Upstream


@pytest.fixture(scope="session", autouse=True)
def stopped() -> Iterator[None]:
    """Every gateway has ended when the tests have."""
    yield
    assert all_stopped(), "a gateway did not stop"


@pytest.fixture(scope="session")
def answering() -> Iterator[Upstream]:
    """The upstream of `shared`; it answers well."""
    with Upstream() as running:
        yield running


@pytest.fixture(scope="session")
def shared(answering: Upstream) -> Iterator[Gateway]:
    """A gateway that is warm."""
    with Gateway({"alpha": answering}) as running:
        assert running.chat().status_code == running.chat(stream=True).status_code == 200
        yield running


@pytest.fixture
def serving(shared: Gateway) -> Iterator[Gateway]:
    """`shared`; fails a test after which it does not serve any more."""
    yield shared
    assert shared.chat().status_code == 200


@pytest.fixture
def beta() -> Iterator[Upstream]:
    """A second upstream."""
    with Upstream() as running:
        yield running
