"""The part of router.yaml that describes one model of a provider."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from llm7router.config.base import NotNegative, Positive, Stars, Strict, Task, Tokens, Trains
from llm7router.config.limit_models import LimitConfig
from llm7router.types import Capability


class PriceConfig(Strict):
    """Per million tokens."""

    input: NotNegative = Field(description="Per million prompt tokens.")
    output: NotNegative = Field(description="Per million tokens of the answer.")


class LatencyConfig(Strict):
    """What to expect until it is measured."""

    first_token_s: Positive | None = Field(default=None, description="Seconds until the first token.")
    tokens_per_s: Positive | None = Field(default=None, description="Tokens a second after that; absent: instant.")


class DataConfig(Strict):
    """What becomes of prompts."""

    trains_on_prompts: Trains = Field(
        default="maybe", description="Whatever is not `false` counts as yes for requests with `allow_training: false`."
    )
    opt_out_url: str | None = Field(default=None, description="Where the account can refuse it.")
    note: str | None = Field(default=None, description="For people.")


class ModelConfig(Strict):
    """One model of a provider: a deployment."""

    id: Annotated[str, StringConstraints(min_length=1, max_length=200)] = Field(
        description="The provider's own name of the model."
    )
    enabled: bool = Field(default=True, description="`false` keeps it listed and unused.")
    title: str | None = Field(default=None, description="As listings show it.")
    litellm_model: str | None = Field(default=None, description="What LiteLLM calls it, if not by its id.")
    path: str | None = Field(
        default=None, description="llama_cpp: a GGUF file, package:MODULE/FILE, or hf:OWNER/REPO/FILE."
    )
    context_window: Tokens = Field(default=8192, description="Tokens, prompt and answer together.")
    max_output: Tokens | None = Field(default=None, description="Most tokens of one answer.")
    capabilities: list[Capability] = Field(default=[], description="What it can do beyond answering plain text.")
    cost: PriceConfig | None = Field(
        default=None, description="What you pay, in USD per million tokens. Absent means unknown, which is not free."
    )
    list_cost: PriceConfig | None = Field(
        default=None, description="The provider's list price, in USD per million tokens; only feeds `usd` limits."
    )
    neurons_per_mtok: PriceConfig | None = Field(
        default=None, description="Cloudflare's neurons per million tokens; only feeds `neurons` limits."
    )
    latency: LatencyConfig = Field(default=LatencyConfig(), description="Expected until it is measured.")
    quality: dict[Task, Stars] = Field(default={}, description="1 to 5 by task, in place of `strengths`.")
    pool: str | None = Field(default=None, description="One of the provider's `pools`, shared with other models.")
    limits: list[LimitConfig] = Field(default=[], description="Of this model, beside those of the provider.")
    unsupported_params: list[str] = Field(default=[], description="Parameters to strip before a call.")
    resume: Literal["prefix"] | None = Field(
        default=None,
        description="prefix: it can go on with a plain text that another model began and broke off.",
    )
    cache: bool | None = Field(default=None, description="If it differs from the provider's.")
    data: DataConfig | None = Field(default=None, description="If it differs from the provider's.")
    source: str | None = Field(default=None, description="Where these facts were read.")
    checked: date | None = Field(default=None, description="When they were read, YYYY-MM-DD.")
    note: str | None = Field(default=None, description="For people.")
