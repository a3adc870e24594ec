"""All that follows from one reading of router.yaml.

A request takes a `Routing` at its begin and keeps it to its end, so that an edit meanwhile changes nothing of what is
under way. State, connections and models are not part of it: those outlive every reading.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from typing import Any
from uuid import uuid4

from llm7router import catalog, naming
from llm7router.admission import Admission
from llm7router.budgets import Budgets
from llm7router.calls import params
from llm7router.calls.base import Backend
from llm7router.clock import Clock
from llm7router.config.models import Config, LoadedConfig, ProviderSpec
from llm7router.decision import embeddings, registry, request
from llm7router.decision.tasks import Detector
from llm7router.engine import Engine
from llm7router.errors import ConfigError
from llm7router.proxies import Proxy
from llm7router.state.ledger import Ledger
from llm7router.streaming import Streaming
from llm7router.types import Deployment, Limit, Message, Request, RequestContext, TaskType


@dataclass(frozen=True, slots=True)
class Routing:
    """Who can be called, by which rules, for whom. `specs` are the providers by name, those of code among them."""

    loaded: LoadedConfig
    specs: Mapping[str, ProviderSpec]
    deployments: tuple[Deployment, ...]
    detect: Detector
    budgets: Budgets
    engine: Engine
    admission: Admission
    streaming: Streaming
    proxy: Proxy

    @classmethod
    def of(
        cls, loaded: LoadedConfig, registered: Iterable[ProviderSpec], ledger: Ledger, backend: Backend, clock: Clock
    ) -> Routing:
        """The routing of a configuration. A provider that was `registered` replaces the file's of the same name.

        Raises:
            ConfigError: a factor cannot be used.
        """
        config = loaded.config
        specs = {spec.name: spec for spec in (*loaded.providers, *registered)}
        factors = registry.bind(config.scoring.weights, config.scoring.parameters)
        budgets = Budgets(config.server.keys, config.budget.usd_per_request)
        proxy = Proxy(config.proxy)
        engine = Engine(ledger, backend, factors, config.timeouts, clock, budgets, proxy)
        callers = {key.name: catalog.caller(key) for key in config.server.keys if key.limits}
        return cls(
            loaded=loaded,
            specs=specs,
            deployments=catalog.deployments(specs.values(), loaded.env, config.budget, config.strengths),
            detect=Detector({TaskType(task): said for task, said in config.tasks.items()}),
            budgets=budgets,
            engine=engine,
            admission=Admission(ledger, callers),
            streaming=Streaming(engine, ledger, clock),
            proxy=proxy,
        )

    @property
    def limits(self) -> list[Limit]:
        """Of callers, beside those of deployments."""
        own = (limit for caller in self.admission.callers.values() for limit in caller.limits)
        return [*own, *self.budgets.limits]

    def request(
        self, messages: Sequence[Message], context: RequestContext | None, parameters: Mapping[str, Any]
    ) -> Request:
        """A request for an answer. Raises what `LLMRouter.complete` says of its arguments."""
        params.check(parameters)
        build = partial(request.build, detect=self.detect)
        return self._checked(build, messages, context or RequestContext(), parameters)

    def embedding_request(
        self, texts: Sequence[str], context: RequestContext | None, parameters: Mapping[str, Any]
    ) -> Request:
        """A request for vectors. Raises what `LLMRouter.embed` says of its arguments."""
        params.check(parameters, params.EMBEDDINGS)
        context = context or RequestContext()
        built = self._checked(embeddings.build, texts, context, parameters)
        embeddings.check_one_model(built, self.deployments, interchangeable=context.interchangeable)
        return built

    def context_for(self, model: str, context: RequestContext) -> RequestContext:
        """The context of a request for `model` as clients name it. Raises ModelNotFoundError."""
        return naming.context_for(model, context, self.loaded.config.aliases, self.deployments)

    def check_ids(self, ids: Iterable[str]) -> None:
        """Raise ConfigError for an id that is neither a provider nor a deployment: a typo would do nothing."""
        given_ids = tuple(ids)
        known = {d.id for d in self.deployments} | set(self.specs) if given_ids else set()
        for given in given_ids:
            if given not in known:
                close = get_close_matches(given, sorted(known), n=1)
                hint = f"did you mean {close[0]!r}?" if close else "see `llm7router providers --all`"
                raise ConfigError(f"no provider or deployment {given[:80]!r}; {hint}")

    def _checked(
        self,
        build: Callable[..., Request],
        content: Sequence[Message] | Sequence[str],
        context: RequestContext,
        parameters: Mapping[str, Any],
    ) -> Request:
        config = self.loaded.config
        request.check_context(context)
        built = build(
            content,
            parameters,
            context,
            id=context.request_id or uuid4().hex,
            environment=config.environment,
            max_usd=self.budgets.usd_per_request(context.caller),
            total_s=config.timeouts.total_s,
        )
        self.check_ids((*built.providers, *built.exclude))
        return built


def at_next_start(started: Config, edited: Config) -> str:
    """The parts that only a start makes use of and that are not what it was `started` with; perhaps none."""
    server = ("host", "port", "log", "log_content")
    changed = [f"server.{name}" for name in server if getattr(started.server, name) != getattr(edited.server, name)]
    changed += ["state"] if started.state != edited.state else []
    changed += ["history.enabled"] if started.history.enabled != edited.history.enabled else []
    return ", ".join(changed)
