"""What somebody is told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What happened."""

    SHARE = "share"  # of a budget, or of a limit of a day or a month, is used
    BREAKER = "breaker"  # a deployment failed so often that it is left alone for a while
    KEY = "key"  # a provider rejected the key
    DOWN = "down"  # no hosted deployment can answer


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing worth telling somebody, without prompts, answers or keys.

    `at` is the instant in epoch seconds. `subject` is a deployment, a provider, `caller/NAME`, or `budget`. A share has
    `limit`, the limit's name, `share`, the one of router.yaml that was reached, and `used` of `max` in the limit's unit
    (USD for money). What is reserved for calls under way counts as used.
    """

    kind: Kind
    subject: str
    text: str
    at: float
    limit: str | None = None
    share: float | None = None
    used: float | None = None
    max: float | None = None
