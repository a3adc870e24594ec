"""Checks of alerts: where they go, and what they are signed with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from llm7router.config.addresses import base_url_fault
from llm7router.config.faults import Problem
from llm7router.config.keys import Owners
from llm7router.config.raw import mapping, text

SECRET_LENGTH = 16  # characters, at least


def alert_problems(data: Any, env: Mapping[str, str], owners: Callable[[], Owners]) -> Iterator[Problem]:
    """What is wrong with the webhook. The message repeats neither its address nor its secret."""
    where = ("alerts", "webhook")
    webhook = mapping(mapping(mapping(data).get("alerts")).get("webhook"))
    url, variable = text(webhook.get("url")), text(webhook.get("secret_env"))
    if url is not None and (message := base_url_fault(url)):
        yield Problem((*where, "url"), message)
    if variable is None:
        return
    if variable in owners():
        yield Problem((*where, "secret_env"), f"{variable} is a provider's key; use a variable of its own")
    elif len(env.get(variable, "")) < SECRET_LENGTH:
        wrong = "is too short" if env.get(variable) else "is not set"
        advice = f"set it to {SECRET_LENGTH} random characters or more"
        yield Problem((*where, "secret_env"), f"{variable} {wrong}; {advice}")
