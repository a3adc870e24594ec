"""The one field of our own in a request's body, whatever the API: `"llm7router": {"requires_speed": true, ...}`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llm7router.server.errors import ApiError

FIELD = "llm7router"
TEXTS = ("task_type", "environment")
LISTS = ("requires", "providers", "exclude")
FLAGS = ("requires_speed", "allow_training", "cache")
MOST = 10**9  # of any number
NUMBERS = ("max_usd", "deadline_s", "wait_s", "estimated_tokens")


def read_said(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the client says about its request: fields of a `RequestContext`, checked.

    Raises:
        ApiError: one is unknown, or its value is not of the right kind (400).
    """
    given = body.get(FIELD) or {}
    if not isinstance(given, Mapping):
        raise ApiError(400, f'{FIELD} must be an object, such as {{"requires_speed": true}}', param=FIELD)
    for name, value in given.items():
        if name not in (*TEXTS, *LISTS, *FLAGS, *NUMBERS):
            known = ", ".join((*TEXTS, *LISTS, *FLAGS, *NUMBERS))
            raise ApiError(400, f"{FIELD}.{name[:40]} is unknown; use {known}", param=FIELD)
        if not _fits(name, value):
            raise ApiError(400, f"{FIELD}.{name} is not of the right kind", param=f"{FIELD}.{name}")
    return given


def _fits(name: str, value: Any) -> bool:
    if name in LISTS:
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    if name in NUMBERS:
        return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= MOST
    return isinstance(value, bool) if name in FLAGS else isinstance(value, str)
