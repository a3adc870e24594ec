"""The shape of router.yaml. Names are decided here; `llm7router config schema` prints it for editors.

Every model forbids unknown keys. Strings that hold `${VAR}` are replaced before validation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from llm7router.types import Capability, Period, TaskType, Unit

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=64)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Stars = Annotated[float, Field(ge=1, le=5)]
Task = Literal["chat", "reasoning", "code", "summarize", "extract", "translate", "creative"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LimitConfig(_Strict):
    """One limit. `concurrent` has no window; every other unit needs one."""

    unit: Unit
    window: Period | None = None
    max: NotNegative
    kind: Literal["rolling", "calendar"] = "rolling"
    tz: str = "UTC"  # of calendar windows
    scope: str | None = None  # for people: account, organization, project, key, ip; `model+` before it
    safety: Annotated[float, Field(gt=0, le=1)] = 1.0  # use only this share
    note: str | None = None
    source: str | None = None
    checked: date | None = None


class PriceConfig(_Strict):
    """Per million tokens."""

    input: NotNegative
    output: NotNegative


class LatencyConfig(_Strict):
    """What to expect until it is measured."""

    first_token_s: Positive | None = None
    tokens_per_s: Positive | None = None


class DataConfig(_Strict):
    """What becomes of prompts. `maybe` and `depends_on_host` count as yes for `allow_training: false`."""

    trains_on_prompts: bool | Literal["maybe", "depends_on_host", "some_models"] = "maybe"
    opt_out_url: str | None = None
    note: str | None = None


class ModelConfig(_Strict):
    """One model of a provider: a deployment."""

    id: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    enabled: bool = True
    title: str | None = None
    litellm_model: str | None = None  # what LiteLLM is given after the prefix, if not the id
    path: str | None = None  # llama_cpp: a file, or package:MODULE/FILE
    context_window: Annotated[int, Field(gt=0)] = 8192
    max_output: Annotated[int, Field(gt=0)] | None = None
    capabilities: list[Capability] = []
    cost: PriceConfig | None = None
    list_cost: PriceConfig | None = None
    neurons_per_mtok: PriceConfig | None = None
    latency: LatencyConfig = LatencyConfig()
    quality: dict[Task, Stars] = {}
    pool: str | None = None
    limits: list[LimitConfig] = []
    unsupported_params: list[str] = []
    data: DataConfig | None = None
    source: str | None = None
    checked: date | None = None
    note: str | None = None


class ProviderConfig(_Strict):
    """A service under one account."""

    title: str | None = None
    kind: Literal["openai", "llama_cpp"] = "openai"  # how it is called: an HTTP endpoint, or a file on this machine
    enabled: bool = True
    base_url: str | None = None
    litellm_provider: str = "hosted_vllm"
    api_key_env: str | None = None
    api_key: str | None = None  # literal; used when the variable is not set
    send_authorization: bool = True
    signup_url: str | None = None
    limits: list[LimitConfig] = []
    limits_per_model: list[LimitConfig] = []
    limits_without_key: list[LimitConfig] | None = None
    pools: dict[Name, list[LimitConfig]] = {}
    environments: dict[str, Share] | None = None
    unsupported_params: list[str] = []
    data: DataConfig = DataConfig()
    models: list[ModelConfig] = []
    source: str | None = None
    checked: date | None = None
    terms: str | None = None
    note: str | None = None


class ScoringConfig(BaseModel):
    """Weights in points, and each factor's parameters under its own name (hence extra keys: checked by the registry)."""

    model_config = ConfigDict(extra="allow", frozen=True)

    weights: dict[str, Annotated[float, Field(ge=0, le=1000)]] = {
        "cost": 30, "health": 30, "latency": 10, "task_match": 15, "environment": 20, "capabilities": 10,
    }  # fmt: skip
    rate_limits: Literal["block"] = "block"  # the seventh factor is a gate

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Parameters by factor name, unchecked."""
        return self.model_extra or {}


class BudgetConfig(_Strict):
    """Most that may be spent, in USD. 0: what could cost anything is never called."""

    usd_per_request: NotNegative = 0
    usd_per_day: NotNegative = 0
    usd_per_month: NotNegative | None = None


class TimeoutsConfig(_Strict):
    """In seconds."""

    first_token_s: Positive = 15
    between_tokens_s: Positive = 20
    attempt_s: Positive = 40
    total_s: Positive = 120


class StateConfig(_Strict):
    """Where health and quotas are kept: `disk`, `memory`, or a `redis://` address."""

    store: str = "disk"
    path: str | None = None  # directory of the disk store; None: the user's own


class Config(_Strict):
    """The whole of router.yaml."""

    version: Literal[1]
    environment: str = "production"
    scoring: ScoringConfig = ScoringConfig()
    budget: BudgetConfig = BudgetConfig()
    timeouts: TimeoutsConfig = TimeoutsConfig()
    state: StateConfig = StateConfig()
    providers: dict[Name, ProviderConfig] = {}


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
