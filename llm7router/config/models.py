"""The shape of router.yaml. Names are decided here; `llm7router config schema` prints it for editors.

Every model forbids unknown keys. Strings that hold `${VAR}` are replaced before validation. Descriptions are what
an editor shows on hover, so they speak to the author of a router.yaml.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from llm7router.config.alert_models import AlertsConfig
from llm7router.config.base import (
    HostPath,
    Name,
    NotNegative,
    Phrase,
    Points,
    Positive,
    Share,
    Stars,
    Strict,
    Task,
)
from llm7router.config.deployment_models import DataConfig, ModelConfig
from llm7router.config.history_models import HistoryConfig
from llm7router.config.limit_models import LimitConfig
from llm7router.config.server_models import AliasConfig, ServerConfig
from llm7router.types import Counts, TaskType
from llm7router.watching import Signature


class KeyCheckConfig(Strict):
    """A page that tells whether a key is good without spending anything of its allowance."""

    path: HostPath = Field(description="At base_url's host; 401 or 403 mean a bad key.")
    header: str | None = Field(default=None, description="Header that carries the key; absent: Authorization, Bearer.")
    bad_key_status: int | None = Field(default=None, description="Status that means a bad key beside 401 and 403.")


class ModelsListConfig(Strict):
    """The provider's own list of its models; asking for it spends nothing."""

    path: HostPath = Field(description="At base_url's host; answers OpenAI's list: {data: [{id}]}.")
    key: bool = Field(default=False, description="It wants the key.")


class PkceConfig(Strict):
    """OAuth with PKCE, by which a person lets `llm7router setup` fetch a key."""

    authorize: HostPath = Field(description="At base_url's host: the page on which the person agrees.")
    exchange: HostPath = Field(description="At base_url's host: where the code is exchanged for a key.")


class ProviderConfig(Strict):
    """A service under one account."""

    title: str | None = Field(default=None, description="As listings show it.")
    kind: Literal["openai", "llama_cpp"] = Field(
        default="openai", description="How it is called: an OpenAI-compatible endpoint, or a GGUF file in this process."
    )
    enabled: bool = Field(default=True, description="`false` keeps it listed and unused.")
    base_url: str | None = Field(default=None, description="OpenAI-compatible: https, or http on this machine.")
    litellm_provider: str = Field(default="hosted_vllm", description="LiteLLM's prefix; the default suits most.")
    api_key_env: str | None = Field(
        default=None, description="Environment variable that holds the key; if it is not set, the provider is skipped."
    )
    api_key: str | None = Field(
        default=None, repr=False, description="The key itself, used when the variable is not set. Prefer the variable."
    )
    send_authorization: bool = Field(default=True, description="`false` if a bearer token is refused.")
    account_url: str | None = Field(
        None, description="Address at the same host that tells the account's own limits (OpenRouter's /key)."
    )
    signup_url: str | None = Field(default=None, description="Where a key is to be had.")
    signup_needs: list[Literal["phone", "card"]] = Field(default=[], description="What signing up asks for.")
    key_check: KeyCheckConfig | None = Field(
        default=None, description="How to check a key for free; absent: only a request can tell."
    )
    models_list: ModelsListConfig | None = Field(
        default=None, description="Where its models are listed; `doctor` and `providers update` read it."
    )
    pkce: PkceConfig | None = Field(default=None, description="How to get a key without copying one.")
    limits: list[LimitConfig] = Field(default=[], description="Of the whole provider, over all its models.")
    limits_per_model: list[LimitConfig] = Field(default=[], description="Of each of its models, counted apart.")
    limits_without_key: list[LimitConfig] | None = Field(
        default=None, description="Instead of `limits` while the variable of the key is not set."
    )
    pools: dict[Name, list[LimitConfig]] = Field(default={}, description="Limits that several models share, by name.")
    environments: dict[str, Share] | None = Field(
        default=None, description="How welcome, 0..1 by environment: 0 excludes, a missing name reads 0.5."
    )
    counts: Counts = Field(
        default=Counts.ACTUAL,
        description="What counts against token limits: actual use, what was reserved, or the prompt only.",
    )
    unsupported_params: list[str] = Field(default=[], description="Parameters to strip before a call.")
    cache: bool = Field(
        default=False,
        description="`true`: answers at temperature 0 may be stored and given again to the same request.",
    )
    data: DataConfig = Field(default=DataConfig(), description="What the provider does with prompts.")
    models: list[ModelConfig] = Field(default=[], description="What it serves.")
    source: str | None = Field(default=None, description="Where these facts were read.")
    checked: date | None = Field(default=None, description="When they were read, YYYY-MM-DD.")
    terms: str | None = Field(default=None, description="Conditions of use worth knowing.")
    note: str | None = Field(default=None, description="For people.")

    def data_of(self, model: ModelConfig | None = None) -> DataConfig:
        """What becomes of prompts. A model in this process keeps them, unless it is said otherwise."""
        if model is not None and model.data is not None:
            return model.data
        own = self.kind == "llama_cpp" and "data" not in self.model_fields_set
        return DataConfig(trains_on_prompts=False) if own else self.data


class ScoringConfig(BaseModel):
    """Weights in points, and each factor's parameters under its own name: extra keys, which the registry checks."""

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False, hide_input_in_errors=True)

    weights: dict[str, Points] = Field(
        default={"cost": 30, "health": 30, "latency": 10, "task_match": 15, "environment": 20, "capabilities": 10},
        description="Points that each factor can give.",
    )
    rate_limits: Literal["block"] = Field(default="block", description="The seventh factor is a gate.")

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Parameters by factor name, unchecked."""
        return self.model_extra or {}


class BudgetConfig(Strict):
    """Most that may be spent, in USD. 0: what could cost anything is never called."""

    usd_per_request: NotNegative = Field(default=0, description="A call that could cost more is not made.")
    usd_per_day: NotNegative = Field(default=0, description="Over all providers, a UTC day.")
    usd_per_month: NotNegative | None = Field(default=None, description="Over all providers, a UTC month.")


class TimeoutsConfig(Strict):
    """In seconds."""

    first_token_s: Positive = Field(default=15, description="Until something comes; then the next provider is tried.")
    between_tokens_s: Positive = Field(default=20, description="Longest pause inside an answer.")
    attempt_s: Positive = Field(default=40, description="One call to one provider.")
    total_s: Positive = Field(default=120, description="The whole request, all attempts together.")
    wait_s: NotNegative = Field(
        default=10, description="Wait this long for a limit to free up when nothing else can serve; 0: never."
    )


class StrengthConfig(Strict):
    """How good a model is, wherever it is served."""

    stars: dict[Task, Stars] = Field(min_length=1, description="1 to 5 by task; absent: the mean of the others.")
    source: str = Field(min_length=1, description="Where that was read, or whose judgement it is.")
    checked: date = Field(description="When, YYYY-MM-DD.")


class StateConfig(Strict):
    """Where health and quotas are kept between calls."""

    store: str = Field(default="disk", description="disk, memory, or redis://HOST:PORT/0 (rediss:// for TLS).")
    path: str | None = Field(default=None, description="Directory of what is kept on disk; null is the user's own.")


class CacheConfig(Strict):
    """Answers that are stored, for requests and deployments that say `cache: true`."""

    ttl_s: Positive = Field(default=86_400, description="Seconds for which an answer is given again.")
    max_mb: NotNegative = Field(default=64, description="Megabytes of answers, about; the oldest go. 0: none is kept.")
    store: Literal["disk", "memory"] | None = Field(
        default=None, description="null: memory if the state is there, else disk, in the state's directory."
    )
    across_callers: bool = Field(
        default=False, description="`true`: callers get each other's answers, and so can tell what others asked."
    )


class Config(Strict):
    """The whole of router.yaml."""

    version: Literal[1] = Field(description="Of this format.")
    environment: str = Field(default="production", description="Which of `environments` counts by default.")
    scoring: ScoringConfig = Field(default=ScoringConfig(), description="How deployments are ranked.")
    budget: BudgetConfig = Field(default=BudgetConfig(), description="Most that may be spent, in USD.")
    alerts: AlertsConfig = Field(default=AlertsConfig(), description="What is worth telling somebody, and where.")
    timeouts: TimeoutsConfig = Field(default=TimeoutsConfig(), description="How long to wait, in seconds.")
    proxy: str | None = Field(
        default=None,
        repr=False,
        description="What is not on this machine is asked through it: http://HOST:PORT, https://HOST:PORT, or "
        "`environment` to follow HTTPS_PROXY and NO_PROXY; null: none, whatever the environment says.",
    )
    state: StateConfig = Field(default=StateConfig(), description="Where health and used-up limits are kept.")
    cache: CacheConfig = Field(default=CacheConfig(), description="Answers that are given again.")
    history: HistoryConfig = Field(default=HistoryConfig(), description="Usage that `llm7router stats` shows.")
    server: ServerConfig = Field(default=ServerConfig(), description="The gateway, `llm7router serve`.")
    aliases: dict[Name, AliasConfig] = Field(
        default={}, description="More names that clients may ask for as `model`, such as gpt-4o-mini."
    )
    tasks: dict[Task, list[Phrase]] = Field(
        default={}, description="Words and phrases of your own that tell a task; they win over what is built in."
    )
    strengths: dict[str, StrengthConfig] = Field(
        default={},
        description="Stars by model: a part of its id, or a pattern with * and ?; the first that fits counts.",
    )
    providers: dict[Name, ProviderConfig] = Field(
        default={}, description="By a name of your choice; the earlier wins a tie."
    )


TASKS: tuple[TaskType, ...] = tuple(TaskType(name) for name in Task.__args__)  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class ProviderSpec:
    """A provider to register: its name, its configuration, and what YAML cannot say.

    `unset` names the `${VAR}`s without a default that were not set: the provider is skipped and says so.
    `target` is a model that the caller already loaded (`LocalProvider`).
    """

    name: str
    config: ProviderConfig
    unset: tuple[str, ...] = ()
    target: Callable[..., Any] | None = None


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """A configuration that passed every check, where it came from, and the environment that its keys are read from."""

    config: Config
    path: Path | None
    providers: tuple[ProviderSpec, ...]
    env: Mapping[str, str] = field(repr=False)
    seen: Signature | None = field(default=None, repr=False, compare=False)  # of its files, before they were read
