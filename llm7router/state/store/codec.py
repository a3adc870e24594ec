"""Cells as text in a shared store, and which texts a program may not touch."""

from __future__ import annotations

import json

from llm7router.errors import StoreError
from llm7router.state.cells import VERSION, Cell, loads

PREFIX = "cell:"  # of the keys and fields that hold cells


def load(text: str, where: str) -> Cell:
    """The cell of a text.

    Raises:
        ValueError: the text is no cell.
        StoreError: a newer program wrote it. It is not broken, so nobody may set it aside or write over it.
    """
    try:
        return loads(text)
    except ValueError:
        if _version(text) > VERSION:
            raise StoreError(
                f"{where}: written by a newer llm7router (cells of version {_version(text)}, not {VERSION}); "
                "upgrade this one, or keep its state elsewhere: another state.path, or ?name= in a Redis address"
            ) from None
        raise


def _version(text: str) -> int:
    try:
        version = json.loads(text)["v"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return 0
    return version if isinstance(version, int) else 0
