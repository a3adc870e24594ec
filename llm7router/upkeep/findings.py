"""What `llm7router doctor` finds: values, whatever prints them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is. A fault is what somebody set up and does not work, or what is dangerous."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


class Area(StrEnum):
    """What a finding is about, in the order in which they are shown."""

    CONFIGURATION = "configuration"
    KEYS = "keys"
    PROVIDERS = "providers"
    MODELS = "models"
    FACTS = "facts"
    DATA = "data policy"
    CLOCK = "clock"
    STORE = "state"
    LOCAL = "local models"
    PACKAGES = "packages"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what holds, and what to do about it, empty where nothing is to be done. Neither has secrets."""

    area: Area
    level: Level
    message: str
    fix: str = ""


def parted(text: str) -> tuple[str, str]:
    """Message and fix of this package's error messages, which end in `; what to do`."""
    message, _, fix = text.rpartition("; ")
    return (message, fix) if message else (text, "")


def worst(findings: Iterable[Finding]) -> Level:
    """The worst level among them."""
    order = list(Level)
    return max((finding.level for finding in findings), key=order.index, default=Level.OK)
