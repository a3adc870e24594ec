"""The part of router.yaml that says when somebody is told, and where."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from llm7router.config.base import Positive, Strict

Reached = Annotated[float, Field(gt=0, le=1)]
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=100)]


class WebhookConfig(Strict):
    """An address that each alert is posted to, as JSON without prompts, answers or keys."""

    url: str = Field(description="https, or http on this machine; redirects are not followed.", repr=False)
    secret_env: Variable = Field(
        description="Environment variable with a secret of 16 characters or more; requests are signed with it."
    )
    timeout_s: Positive = Field(default=5, description="Of one try, until the status has come.")
    tries: Annotated[int, Field(ge=1, le=10)] = Field(default=4, description="With a pause that doubles, from 1 s.")


class AlertsConfig(Strict):
    """What is worth telling somebody. It always goes to the log."""

    shares: list[Reached] = Field(
        default=[0.8, 1.0], description="Of a budget, and of any limit of a day or a month, that are told when reached."
    )
    webhook: WebhookConfig | None = Field(default=None, description="Where alerts are posted to; null: nowhere.")
