"""No test may reach beyond this machine: connecting to, sending to or looking up another host is blocked and recorded.

It watches Python's audit events, so it also sees what libraries do in threads, and what they swallow.
"""

from __future__ import annotations

import contextlib
import ipaddress
import sys
from collections.abc import Iterator
from typing import Any

CANARY = "canary-key-8d1f6c0a97b24e53"  # the key that tests give to providers; it must never be printed or logged
LOCAL_NAMES = frozenset({"localhost", "", "None"})

violations: list[str] = []
_expected: list[list[str]] = []


class OutsideCallError(OSError):
    """Something tried to leave this machine. Being an OSError, it looks like a network that is down."""


@contextlib.contextmanager
def expected() -> Iterator[list[str]]:
    """Attempts inside are still blocked, but listed here in place of failing the test."""
    _expected.append([])
    try:
        yield _expected[-1]
    finally:
        _expected.pop()


def install() -> None:
    """Start watching. An audit hook cannot be removed."""
    sys.addaudithook(_hook)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
        address = arguments[-1]
        outside = isinstance(address, tuple) and not _is_local(address[0])
    elif event in {"socket.getaddrinfo", "socket.gethostbyname"}:
        address = arguments[0]
        outside = not _is_local(address)
    else:
        return
    if outside:
        (_expected[-1] if _expected else violations).append(f"{event} {address}")
        raise OutsideCallError(f"tests stay on this machine: {event} {address}")


def _is_local(host: Any) -> bool:
    name = host.decode() if isinstance(host, bytes) else str(host)
    try:
        return ipaddress.ip_address(name.partition("%")[0]).is_loopback
    except ValueError:
        return name in LOCAL_NAMES
