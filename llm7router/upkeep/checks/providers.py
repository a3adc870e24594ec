"""Providers as they answer now: reachable, key good, models still there, their clock against ours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from statistics import median

from llm7router.config.deployment_models import ModelConfig
from llm7router.config.models import ProviderSpec
from llm7router.proxies import DIRECT, Proxy
from llm7router.upkeep.asking import Heard
from llm7router.upkeep.findings import Area, Finding, Level

SKEW_WARNING_S, SKEW_FAULT_S = 10.0, 60.0  # a minute off, and windows and days begin at the wrong time


def reachable(
    heard: Mapping[str, Heard], specs: Mapping[str, ProviderSpec], env: Mapping[str, str], proxy: Proxy = DIRECT
) -> Iterator[Finding]:
    """Who answers, and whether keys are good. If nobody is reached, that is one fault and not one for each."""
    if heard and all(answer.page is None for answer in heard.values()):
        names, why = ", ".join(heard), next(iter(heard.values())).fault
        ignored = next(filter(None, (_ignored(specs[name], proxy) for name in heard)), "")
        fix = "check the network, DNS, and whether a proxy or firewall stands between; local models still answer"
        fix = f"{ignored}; or {fix}" if ignored else fix
        yield Finding(Area.PROVIDERS, Level.FAULT, f"no provider can be reached ({names}): {why}", fix)
        return
    for name, answer in heard.items():
        variable = specs[name].config.api_key_env
        keyed = bool(variable and env.get(variable, "").strip())
        yield _answered(name, answer, specs[name], keyed, _ignored(specs[name], proxy))


def _ignored(spec: ProviderSpec, proxy: Proxy) -> str:
    return proxy.ignored(spec.config.base_url or "")


def _answered(name: str, heard: Heard, spec: ProviderSpec, keyed: bool, ignored: str) -> Finding:
    if heard.key_good is False:
        variable = spec.config.api_key_env or "its key"
        fix = f"correct {variable}, or get a new key: `llm7router setup {name}`"
        return Finding(Area.PROVIDERS, Level.FAULT, f"{name}: reachable, but it rejects the key ({variable})", fix)
    if heard.page is None:
        fix = ignored or f"others answer meanwhile; if it stays so, set `enabled: false` under providers.{name}"
        return Finding(Area.PROVIDERS, Level.WARNING, f"{name}: {heard.fault}", fix)
    if heard.fault:
        fix = f"if it stays so, compare base_url and models_list of providers.{name} with its documentation"
        return Finding(Area.PROVIDERS, Level.WARNING, f"{name}: {heard.fault}", fix)
    if heard.page.status >= 500:
        fix = "try again later; others answer meanwhile"
        return Finding(Area.PROVIDERS, Level.WARNING, f"{name}: {heard.page.host} answers {heard.page.status}", fix)
    told = ", its key is good" if heard.key_good else ", its key not checked (only --probe can)" if keyed else ""
    return Finding(Area.PROVIDERS, Level.OK, f"{name}: reachable{told}")


def models(heard: Mapping[str, Heard], specs: Mapping[str, ProviderSpec]) -> Iterator[Finding]:
    """Models that their provider no longer lists, and those that it asks money for though router.yaml has them free."""
    looked_at, well = 0, True
    for name, answer in heard.items():
        listed = answer.listed
        if listed is None:
            continue
        enabled = [model for model in specs[name].config.models if model.enabled]
        looked_at += len(enabled)
        fix = f"`llm7router providers update {name} --apply`"
        gone = [model.id for model in enabled if listed.lacks(model.id)]
        paid = [model.id for model in enabled if _free(model) and listed.asks_money(model.id)]
        well = well and not gone and not paid
        if gone:
            yield Finding(Area.MODELS, Level.WARNING, f"{name} no longer lists {', '.join(gone)}", fix)
        if paid:
            message = f"{name} asks money for {', '.join(paid)}, which router.yaml calls free"
            yield Finding(Area.MODELS, Level.FAULT, message, fix)
    if looked_at and well:
        yield Finding(Area.MODELS, Level.OK, f"all {looked_at} models that could be looked up are still listed")


def _free(model: ModelConfig) -> bool:
    """Called as what costs nothing; with a list price it is an allowance that pays."""
    return model.cost is not None and model.cost.input == model.cost.output == 0 and model.list_cost is None


def clock(heard: Iterable[Heard]) -> Iterator[Finding]:
    """Our clock against theirs, as most of them have it. They tell whole seconds."""
    pages = (answer.page for answer in heard)
    skews = [page.at - page.date - 0.5 for page in pages if page is not None and page.date is not None]
    if not skews:
        return
    skew = median(skews)
    off = f"{abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} the providers'"
    fix = "set the clock, or let it be set: timedatectl set-ntp true"
    if abs(skew) > SKEW_FAULT_S:
        yield Finding(Area.CLOCK, Level.FAULT, f"the clock is {off}, so limits are counted in the wrong windows", fix)
    elif abs(skew) > SKEW_WARNING_S:
        yield Finding(Area.CLOCK, Level.WARNING, f"the clock is {off}", fix)
    else:
        yield Finding(Area.CLOCK, Level.OK, f"the clock agrees with the providers' within {SKEW_WARNING_S:.0f} s")
