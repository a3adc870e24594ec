"""Fixtures for every test, and two guards: nothing leaves this machine, and no key is printed or logged."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from typing import Any

import pytest
from hypothesis import strategies as st

from tests import checkout, guard
from tests.upstream import Upstream, refusing_url

checkout.install()
guard.install()
os.environ.pop("COLUMNS", None)  # in the workers of pytest-xdist it is there; a test that is about width sets it


@pytest.fixture(scope="session", autouse=True)
def characters() -> None:
    """Hypothesis's table of all characters. It is made when the first text is, and kept in `.hypothesis`: without that,
    whichever test comes first would take 1 to 2 s for it and fail its health check, `too_slow`.
    """
    st.text().validate()


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """A hostile upstream that answers well until it is told otherwise."""
    with Upstream() as running:
        yield running


@pytest.fixture
def refused() -> Iterator[str]:
    """A base URL that refuses connections."""
    with refusing_url() as url:
        yield url


@pytest.fixture(autouse=True)
def stay_on_this_machine() -> Iterator[None]:
    """Fails a test that tried to reach another host, also if it swallowed the error."""
    guard.violations.clear()
    yield
    assert not guard.violations, f"tried to leave this machine: {guard.violations}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Fails a test whose captured output or log holds the canary key."""
    report: Any = yield
    if any(guard.CANARY in text for _, text in report.sections) and report.passed:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid}: a key was printed or logged"
    return report
