"""Telling a request that its client has left, at once and without a task that waits for it."""

from __future__ import annotations

from collections.abc import Callable

DEPARTURE = "llm7router.departure"  # where it is in the scope of a request, if the server is ours


class Departure:
    """Of one request. Used in the thread of its event loop."""

    __slots__ = ("_happened", "_tell")

    def __init__(self) -> None:
        self._happened = False
        self._tell: Callable[[], None] | None = None

    def then(self, tell: Callable[[], None] | None) -> None:
        """Call `tell` when the client leaves, or now if it has left; None: nobody is to be told any more."""
        self._tell = tell
        if self._happened and tell is not None:
            tell()

    def happened(self) -> None:
        """The client has left."""
        self._happened = True
        if self._tell is not None:
            self._tell()
