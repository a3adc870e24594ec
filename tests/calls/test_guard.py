"""The guards of the test suite themselves."""

from __future__ import annotations

import socket
import threading

import pytest

from tests import conftest, guard
from tests.upstream import Upstream


def test_connecting_to_another_host_is_blocked_and_seen() -> None:
    with guard.expected() as seen, socket.socket() as outside, pytest.raises(guard.OutsideCallError):
        outside.connect(("192.0.2.1", 80))
    assert seen == ["socket.connect ('192.0.2.1', 80)"]


def test_looking_up_another_name_is_blocked_and_seen_even_if_the_error_is_swallowed_in_a_thread() -> None:
    def swallow() -> None:
        try:
            socket.getaddrinfo("example.com", 443)
        except OSError:
            return

    with guard.expected() as seen:
        thread = threading.Thread(target=swallow)
        thread.start()
        thread.join()
    assert seen == ["socket.getaddrinfo example.com"]


def test_sending_a_datagram_to_another_host_is_blocked() -> None:
    with (
        guard.expected() as seen,
        socket.socket(type=socket.SOCK_DGRAM) as outside,
        pytest.raises(guard.OutsideCallError),
    ):
        outside.sendto(b"hi", ("192.0.2.1", 53))
    assert len(seen) == 1


def test_this_machine_may_be_called(upstream: Upstream) -> None:
    for host in ("127.0.0.1", "localhost"):
        socket.create_connection((host, upstream.port)).close()


def test_a_printed_key_fails_its_test() -> None:
    report = type("Report", (), {"sections": [("out", f"oops {guard.CANARY}")], "passed": True, "outcome": "passed"})()
    hook = conftest.pytest_runtest_makereport(type("Item", (), {"nodeid": "x"})(), None)  # type: ignore[arg-type]
    next(hook)
    with pytest.raises(StopIteration):
        hook.send(report)
    assert report.outcome == "failed"
