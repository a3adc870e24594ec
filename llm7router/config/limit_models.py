"""Limits, wherever router.yaml has them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from llm7router.config.base import NotNegative, Strict
from llm7router.types import Counts, Period, Unit


class LimitConfig(Strict):
    """One limit. `concurrent` has no window; every other unit needs one."""

    unit: Unit = Field(description="What is counted. `usd` needs `list_cost`, `neurons` needs `neurons_per_mtok`.")
    window: Period | None = Field(default=None, description="Length of the window.")
    max: NotNegative = Field(description="Most that fits into one window, in the unit.")
    kind: Literal["rolling", "calendar"] = Field(
        default="rolling", description="rolling: any stretch of that length; calendar: since midnight or the 1st."
    )
    tz: str = Field(default="UTC", description="Time zone of a calendar window, such as America/Los_Angeles.")
    scope: str | None = Field(
        default=None, description="For people: account, organization, project, key or ip; `model+` before it."
    )
    safety: Annotated[float, Field(gt=0, le=1)] = Field(default=1.0, description="Use only this share of `max`.")
    header: str | None = Field(
        default=None,
        description="The answer's header with what is left, such as x-ratelimit-remaining-tokens.",
    )
    counts: Counts | None = Field(default=None, description="Overrides the provider's `counts` for this limit.")
    note: str | None = Field(default=None, description="For people.")
    source: str | None = Field(default=None, description="Where the figure was read.")
    checked: date | None = Field(default=None, description="When it was read, YYYY-MM-DD.")
