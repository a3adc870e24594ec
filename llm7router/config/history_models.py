"""The part of router.yaml about usage history."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field, StringConstraints

from llm7router.config.base import NotNegative, Strict


class ReferenceConfig(Strict):
    """A paid model that answers are compared with, to say what was saved. Prices in USD per million tokens."""

    model: Annotated[str, StringConstraints(min_length=1, max_length=100)] = Field(description="Its name, for people.")
    input: NotNegative = Field(description="Per million prompt tokens.")
    output: NotNegative = Field(description="Per million tokens of the answer.")
    source: str | None = Field(default=None, description="Where the prices were read.")
    checked: date | None = Field(default=None, description="When they were read, YYYY-MM-DD.")


# That one would have paid for this model, and not for a dearer or a cheaper one, is judgement.
REFERENCE = ReferenceConfig(
    model="gpt-4o-mini",
    input=0.15,
    output=0.60,
    source="developers.openai.com/api/docs/pricing, as in the price map of LiteLLM 1.106.2",
    checked=date(2026, 11, 23),
)


class HistoryConfig(Strict):
    """What is kept of requests: counts, tokens, cost and latency by the hour. Never prompts or answers."""

    enabled: bool = Field(default=True, description="`false`: nothing is kept, and `llm7router stats` is empty.")
    days: Annotated[int, Field(ge=1, le=3650)] = Field(default=90, description="How long it is kept.")
    reference: ReferenceConfig = Field(default=REFERENCE, description="What the saving is measured against.")
