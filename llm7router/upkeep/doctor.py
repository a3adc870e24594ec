"""`llm7router doctor`: every check, in one list of findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from llm7router.clock import Clock
from llm7router.config.models import BudgetConfig, LoadedConfig, ProviderSpec
from llm7router.errors import ConfigError
from llm7router.proxies import Proxy
from llm7router.types import Deployment, Kind, Off
from llm7router.upkeep.asking import ask_all, key_fault, key_of
from llm7router.upkeep.checks import packages, providers, settings, store
from llm7router.upkeep.findings import Area, Finding, Level, parted, worst

ASK_S = 4.0  # most that asking the providers takes, since all are asked at once


@dataclass(frozen=True, slots=True)
class Options:
    """What is looked at beyond what costs nothing."""

    probe: bool = False  # one request to each provider
    local: bool = True  # a short answer of a model on this machine


async def examine(path: str | Path | None, options: Options, clock: Clock) -> list[Finding]:
    """Everything that is found, in the order of `Area`; faults of the configuration leave little else to look at."""
    from llm7router.config.load import load

    found = [packages.python(), packages.litellm(), *packages.startup_code()]
    try:
        loaded = load(path)
    except ConfigError as error:
        return [*_faulty(error), *found]
    sound = worst(found) is not Level.FAULT  # else LiteLLM must not be imported
    return _sorted([*found, *await _examine(loaded, options, clock, sound)])


def _faulty(error: ConfigError) -> list[Finding]:
    texts = [str(fault) for fault in error.faults] or [str(error)]
    return [Finding(Area.CONFIGURATION, Level.FAULT, *parted(text)) for text in texts]


async def _examine(loaded: LoadedConfig, options: Options, clock: Clock, sound: bool) -> list[Finding]:
    from llm7router.catalog import deployments
    from llm7router.cli.usable import never_called

    budget: BudgetConfig = loaded.config.budget
    all_ = [(d, never_called(d, budget)) for d in deployments(loaded.providers, loaded.env, budget)]
    usable = [deployment for deployment, off in all_ if off is None]
    names = dict.fromkeys(deployment.provider for deployment in usable)
    specs = {spec.name: spec for spec in loaded.providers if spec.name in names}
    hosted = {name: spec for name, spec in specs.items() if spec.config.kind == "openai"}
    asked = [spec for spec in hosted.values() if not key_fault(key_of(spec, loaded.env))]
    found = [*settings.configuration(loaded, all_), *settings.keys(loaded)]
    found += [*settings.facts(hosted.values(), clock.now()), *settings.data_policy(hosted.values())]
    proxy = Proxy(loaded.config.proxy)
    heard = await ask_all(asked, loaded.env, clock, within_s=ASK_S, keys=True, proxy=proxy)
    found += [*providers.reachable(heard, hosted, loaded.env, proxy), *providers.models(heard, hosted)]
    found += providers.clock(heard.values())
    found += await store.store(loaded.config.state, clock)
    return found + await _called(loaded, all_, asked, options, sound)


async def _called(
    loaded: LoadedConfig,
    found: Sequence[tuple[Deployment, Off | None]],
    asked: Sequence[ProviderSpec],
    options: Options,
    sound: bool,
) -> list[Finding]:
    """What takes a call: the local model's speed, and with `probe` an answer of each provider."""
    models = [(d, off) for d, off in found if d.kind is Kind.LLAMA_CPP]
    broken = [Finding(Area.LOCAL, Level.WARNING, f"{d.id}: {off.reason}", off.advice) for d, off in models if off]
    able = [d for d, off in models if off is None]
    if not models:
        fix = "see `local` in the router.yaml that ships"
        broken.append(Finding(Area.LOCAL, Level.WARNING, "no model on this machine: nothing answers offline", fix))
    wanted = options.probe or (able and options.local)
    if wanted and not sound:
        message = "nothing is called, because of the fault among the packages"
        broken.append(Finding(Area.LOCAL, Level.WARNING, message, "put that right first"))
    if not wanted or not sound:
        return broken
    from llm7router.calls import litellm_api
    from llm7router.router import LLMRouter
    from llm7router.upkeep.checks import calls

    await litellm_api.load()  # takes seconds, which are not the model's
    async with LLMRouter(loaded) as router:
        router.hooks.remove(router.alerts)  # what it would tell is what is looked for here
        probes = await calls.probe(router, [spec.name for spec in asked] if options.probe else [])
        measured = [await calls.local_speed(router, d) for d in able[:1] if options.local]  # each takes its memory
        others = [Finding(Area.LOCAL, Level.OK, f"{d.id}: its file is there; not measured") for d in able[1:]]
        return [*broken, *probes, *measured, *others]


def _sorted(found: Sequence[Finding]) -> list[Finding]:
    order = list(Area)
    return sorted(found, key=lambda finding: order.index(finding.area))
