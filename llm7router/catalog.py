"""From a validated configuration to deployments: keys resolved, limits attached, state keys named."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase

from llm7router.config.deployment_models import ModelConfig, PriceConfig
from llm7router.config.limit_models import LimitConfig
from llm7router.config.models import BudgetConfig, ProviderSpec, StrengthConfig
from llm7router.config.server_models import KeyBudgetConfig, KeyConfig
from llm7router.decision.demand import MICRO
from llm7router.state.cells import BUDGET
from llm7router.types import (
    DISABLED,
    NO_MAX,
    Capability,
    Counts,
    Deployment,
    Kind,
    Limit,
    Off,
    Period,
    Price,
    Secret,
    TaskType,
    Unit,
)


def deployments(
    providers: Iterable[ProviderSpec],
    env: Mapping[str, str],
    budget: BudgetConfig,
    strengths: Mapping[str, StrengthConfig] | None = None,
) -> tuple[Deployment, ...]:
    """Every deployment of every provider, in order, usable or not; `off` says why not."""
    found: list[Deployment] = []
    for spec in providers:
        key, off = _key(spec, env)
        account = state_account(spec, key)
        found.extend(
            _deployment(spec, with_stars(model, strengths or {}), key, off, account, budget)
            for model in spec.config.models
        )
    return tuple(replace(deployment, order=index) for index, deployment in enumerate(found))


def with_stars(model: ModelConfig, strengths: Mapping[str, StrengthConfig]) -> ModelConfig:
    """The model with the stars of the first pattern that fits its id, unless it has its own."""
    if model.quality:
        return model
    id = model.id.lower()
    for pattern, strength in strengths.items():
        if fnmatchcase(id, f"*{pattern.lower()}*"):
            return model.model_copy(update={"quality": strength.stars})
    return model


def caller(key: KeyConfig) -> Deployment:
    """A client's key as what has limits, so that the ledger counts them as it counts a provider's.

    State is kept by the name: a new key for the same name does not bring a fresh allowance.
    """
    cell = f"caller/{key.name}"
    limits = tuple(_limit(limit, cell, Counts.ACTUAL, shared=False) for limit in key.limits)
    return Deployment(
        id=cell,
        provider="caller",
        model=key.name,
        cell=cell,
        provider_cell=cell,
        limits=limits,
        cost=Price(0, 0),
        context_window=10**9,  # what fits is for the deployments to say
    )


def state_account(spec: ProviderSpec, key: Secret | None) -> str:
    """Names the account whose state this is: `groq@1f0c...`.

    A fingerprint of base URL and key, salted with the provider's name: a corrected key starts afresh, and every
    machine with the same key finds the same state. Sixty-four bits of a hash of a random key reveal nothing of it.
    """
    secret = key.reveal() if key else ""
    text = f"{spec.name}\0{spec.config.base_url or ''}\0{secret}"
    return f"{spec.name}@{hashlib.sha256(b'llm7router' + text.encode()).hexdigest()[:16]}"


def _key(spec: ProviderSpec, env: Mapping[str, str]) -> tuple[Secret | None, Off | None]:
    """The provider's key, and why it cannot be used, if so. A key from the environment beats a literal one."""
    config = spec.config
    name = config.api_key_env
    value = env.get(name, "").strip() if name else ""
    key = Secret(value or config.api_key or "") if value or config.api_key else None
    if not config.enabled:
        return key, Off(DISABLED, f"set `enabled: true` under providers.{spec.name} in router.yaml")
    if spec.unset:
        names = ", ".join(spec.unset)
        return key, Off(f"{names} not set", f"set {names} in the environment or in .env")
    if name and key is None:
        where = f" (free key: {config.signup_url})" if config.signup_url else ""
        return None, Off("no key", f"set {name} in the environment or in .env{where}")
    return key, None


def _deployment(
    spec: ProviderSpec, model: ModelConfig, key: Secret | None, off: Off | None, account: str, budget: BudgetConfig
) -> Deployment:
    config = spec.config
    kind = Kind.CALLABLE if spec.target else Kind(config.kind)
    cost = _price(model.cost)
    data = config.data_of(model)
    shared = bool(config.limits or config.limits_without_key)
    pool = f"{account}#{model.pool}" if model.pool else account if shared else None
    free = cost is not None and cost.input == cost.output == 0
    cell = f"{account}/{model.id}"
    return Deployment(
        id=f"{spec.name}/{model.id}",
        provider=spec.name,
        model=model.id,
        kind=kind,
        title=config.title or spec.name,
        litellm_model=f"{config.litellm_provider}/{model.litellm_model or model.id}",
        base_url=config.base_url,
        api_key=key,
        key_name=config.api_key_env,
        send_authorization=config.send_authorization,
        account_url=config.account_url,
        path=model.path,
        target=spec.target,
        cell=cell,
        provider_cell=account,
        pool_cell=pool,
        limits=(*_limits(spec, model, key, account, cell), *(() if free else _budget(budget))),
        context_window=model.context_window,
        max_output=model.max_output,
        capabilities=frozenset(model.capabilities) | _implied(model),
        cost=cost,
        list_cost=_price(model.list_cost),
        neurons=_price(model.neurons_per_mtok),
        quality={TaskType(task): stars for task, stars in model.quality.items()},
        first_token_s=model.latency.first_token_s,
        tokens_per_s=model.latency.tokens_per_s,
        environments=config.environments,
        trains_on_prompts=data.trains_on_prompts is not False,
        unsupported_params=frozenset(config.unsupported_params) | frozenset(model.unsupported_params),
        resumes=model.resume == "prefix",
        cache=config.cache if model.cache is None else model.cache,
        off=off or (None if model.enabled else Off(DISABLED, "set `enabled: true` on the model in router.yaml")),
        signup_url=config.signup_url,
    )


def _implied(model: ModelConfig) -> frozenset[Capability]:
    """A model that follows a schema also writes plain JSON."""
    return frozenset({Capability.JSON_MODE}) if Capability.JSON_SCHEMA in model.capabilities else frozenset()


def _limits(spec: ProviderSpec, model: ModelConfig, key: Secret | None, account: str, cell: str) -> Iterable[Limit]:
    """The model's own limits, then those it shares: its pool's and its provider's."""
    config = spec.config
    for limit in (*config.limits_per_model, *model.limits):
        yield _limit(limit, cell, config.counts, shared=False)
    if model.pool:
        for limit in config.pools[model.pool]:
            yield _limit(limit, f"{account}#{model.pool}", config.counts, shared=True)
    keyless = config.limits_without_key is not None and (key is None or key.reveal() == config.api_key)
    for limit in (config.limits_without_key or []) if keyless else config.limits:
        yield _limit(limit, account, config.counts, shared=True)


def _limit(limit: LimitConfig, cell: str, counts: Counts, *, shared: bool) -> Limit:
    scale = MICRO if limit.unit is Unit.USD else 1
    window = f"/{limit.window.value}" if limit.window else ""
    return Limit(
        name=f"{limit.unit.value}{window}",
        cell=cell,
        unit=limit.unit,
        max=math.floor(limit.max * scale * limit.safety + 1e-9),
        period=limit.window,
        tz=limit.tz if limit.kind == "calendar" else None,
        shared=shared,
        header=limit.header.lower() if limit.header else None,
        counts=limit.counts or counts,
        source=limit.source,
        checked=limit.checked.isoformat() if limit.checked else None,
    )


def callers_budget(key: KeyConfig) -> tuple[Limit, ...]:
    """A caller's own budget as limits, which what is not free has for its requests, beside everybody's budget."""
    limits = tuple(_budget(key.budget, f"{BUDGET}/{key.name}", f" of {key.name}"))
    return () if all(limit.counts_only for limit in limits) else limits


def _budget(budget: BudgetConfig | KeyBudgetConfig, cell: str = BUDGET, whose: str = "") -> Iterable[Limit]:
    """The user's own money as limits, over UTC days and months. What has no budget is counted all the same, so that one
    that is given in the middle of a month knows what was spent before."""
    periods = ((Period.DAY, budget.usd_per_day), (Period.MONTH, budget.usd_per_month))
    for period, usd in periods:
        micro = NO_MAX if usd is None else min(math.floor(usd * MICRO + 1e-9), NO_MAX - 1)
        yield Limit(f"budget usd/{period.value}{whose}", cell, Unit.USD, micro, period, "UTC", shared=True)


def _price(price: PriceConfig | None) -> Price | None:
    return None if price is None else Price(price.input, price.output)
