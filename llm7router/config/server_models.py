"""The gateway's part of router.yaml: who may ask, from where, and how much."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from llm7router.config.base import Name, NotNegative, Positive, Strict, Task
from llm7router.config.limit_models import LimitConfig
from llm7router.types import Capability


class AliasConfig(Strict):
    """A name that clients may ask for as `model`."""

    use: list[str] = Field(
        default=[],
        description="Provider or deployment ids; empty: all of them. Of embeddings models, those with like vectors.",
    )
    task: Task | None = Field(default=None, description="What such requests are about; absent: the router tells.")
    requires: list[Capability] = Field(default=[], description="Capabilities beyond what the request implies.")
    requires_speed: bool = Field(default=False, description="Rank by speed in place of task match.")
    environment: str | None = Field(default=None, description="Overrides the configuration's.")
    allow_training: bool = Field(default=True, description="`false` keeps away from providers that may train.")


class KeyBudgetConfig(Strict):
    """Most that may be spent for one caller, in USD, within `budget`. 0: nothing that could cost is called for it."""

    usd_per_request: NotNegative | None = Field(default=None, description="Of one request; absent: as for everybody.")
    usd_per_day: NotNegative | None = Field(default=None, description="A UTC day; absent: no share of its own.")
    usd_per_month: NotNegative | None = Field(default=None, description="A UTC month; absent: no share of its own.")


class KeyConfig(Strict):
    """A client's key: only its hash is kept. `llm7router key NAME` makes one."""

    name: Name = Field(description="Who it belongs to; requests and figures carry it.")
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] = Field(description="Of the key, in hex.")
    models: list[str] = Field(
        default=[], description="What it may ask for: auto, aliases, provider or deployment ids; empty: anything."
    )
    limits: list[LimitConfig] = Field(default=[], description="Of this key, over all providers.")
    budget: KeyBudgetConfig = Field(
        default=KeyBudgetConfig(), description="Of this key, in USD; what is free stays usable when it is spent."
    )
    in_flight: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Requests at the same time; absent: as for all keys."
    )


class ServerConfig(Strict):
    """`llm7router serve`."""

    host: str = Field(default="127.0.0.1", description="Address to listen on; 0.0.0.0 opens it to the network.")
    port: Annotated[int, Field(ge=0, le=65535)] = Field(default=7707, description="0: any that is free.")
    hosts: list[str] = Field(
        default=["localhost", "127.0.0.1", "[::1]"],
        description="Names that a request's Host may have, without port; others get 421.",
    )
    origins: list[str] = Field(
        default=[], description="Web pages (scheme://host:port) that may call; the dashboard's own always may."
    )
    keys: list[KeyConfig] = Field(default=[], description="Clients' keys, beside the generated one.")
    in_flight: Annotated[int, Field(ge=1)] = Field(default=64, description="Requests of one key at the same time.")
    max_body_mb: Positive = Field(default=4, description="Longest request body, in megabytes.")
    max_messages: Annotated[int, Field(ge=1)] = Field(default=2000, description="Most messages of one request.")
    log: str | None = Field(default=None, description="File for a line of JSON a request; null: none.")
    log_content: bool = Field(default=False, description="Prompts and answers go into that file, too.")
