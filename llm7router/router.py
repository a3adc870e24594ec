"""`LLMRouter`: the public face. What happens to a request is in `engine`.

Everything that could be a policy lives elsewhere: what may be used in `decision.filters`, what is preferred in
`decision.factors`, what follows from a failure in `decision.failures`, the order of attempts in `decision.plan`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

from llm7router import catalog, ending, naming, result
from llm7router.admission import Admission
from llm7router.calls import params
from llm7router.calls.base import Backend
from llm7router.clock import Clock, SystemClock
from llm7router.config.load import from_data, load
from llm7router.config.models import Config, LoadedConfig
from llm7router.config.server_models import ServerConfig
from llm7router.decision import embeddings, registry, request
from llm7router.decision.tasks import Detector
from llm7router.engine import Engine
from llm7router.errors import ConfigError
from llm7router.events import Hook, Hooks, Watch
from llm7router.presets import Provider, spec_of
from llm7router.state.ledger import Ledger
from llm7router.state.stats import Stats, deployment_stats
from llm7router.state.store import Store, open_store
from llm7router.streaming import Streaming
from llm7router.sync import LOOP
from llm7router.types import (
    CompletionResult,
    Decision,
    Deployment,
    EmbeddingResult,
    Message,
    Request,
    RequestContext,
    StreamChunk,
    TaskType,
)


class LLMRouter:
    """Routes requests over free tiers by `router.yaml`.

    Args:
        config: a path, a mapping of router.yaml's shape, a loaded configuration, or None for the usual search
            (`$LLM7ROUTER_CONFIG`, `./router.yaml`, the user's, the packaged one).
        env: where keys are read from; None is the process's environment over `.env`.
        store, backend, clock: replace the configured store, LiteLLM, and time.
        hooks: called with a `RequestEvent` when a request has ended; `hooks.add` adds more.

    Raises:
        ConfigError: the configuration has faults; all of them are listed.
    """

    def __init__(
        self,
        config: str | Path | Mapping[str, Any] | LoadedConfig | None = None,
        *,
        env: Mapping[str, str] | None = None,
        store: Store | None = None,
        backend: Backend | None = None,
        clock: Clock | None = None,
        hooks: Sequence[Hook] = (),
    ) -> None:
        self._loaded = _load(config, env)
        self._settings: Config = self._loaded.config
        self._clock = clock or SystemClock()
        self.hooks = Hooks(self._clock, hooks)
        self._specs = {spec.name: spec for spec in self._loaded.providers}
        factors = registry.bind(self._settings.scoring.weights, self._settings.scoring.parameters)
        callers = {key.name: catalog.caller(key) for key in self._settings.server.keys if key.limits}
        self._ledger = Ledger(store or open_store(self._settings.state), self._clock, callers=callers.values())
        self._backend = backend or _backend()
        self._engine = Engine(self._ledger, self._backend, factors, self._settings.timeouts, self._clock)
        self._detect = Detector({TaskType(task): said for task, said in self._settings.tasks.items()})
        self._admission = Admission(self._ledger, callers)
        self._streaming = Streaming(self._engine, self._ledger, self._clock)
        self._read_providers()

    async def complete(
        self, messages: Sequence[Message], context: RequestContext | None = None, **parameters: Any
    ) -> CompletionResult:
        """A whole answer from the best deployment that gives one.

        `parameters` are OpenAI's chat-completion parameters (`temperature`, `tools`, `response_format`, ...); one
        that a provider does not know is dropped for that provider.

        Raises:
            NoProviderAvailableError: nothing could be tried.
            AllProvidersExhaustedError: everything that could be tried failed, or the deadline passed.
            RequestRejectedError: providers said that the request itself is at fault: two of them, or one and nobody
                else answered, or one because of its content policy.
            ConfigError: an id, a task or a capability that does not exist, or a number out of range.
            TypeError: the messages, the context or a parameter are not of the right shape.
        """
        async with self._serving(self._watch(messages, context, parameters, stream=False)) as watch:
            served = await self._engine.serve(self._deployments, parameters, watch)
            outcome, attempt = served.ending.answer, served.ending.attempt
            if outcome is None or attempt is None or served.reservation is None:
                raise ending.error(served.ending, served.decision, watch.records) from None
            answer = result.Answer.of(outcome.response)
            latency = self._clock.monotonic() - watch.began
            watch.result = result.build(answer, outcome, attempt, served.decision, watch.records, latency)
            return watch.result

    async def stream(
        self, messages: Sequence[Message], context: RequestContext | None = None, **parameters: Any
    ) -> AsyncGenerator[StreamChunk, None]:
        """The answer as it arrives; the last chunk carries the whole `CompletionResult`.

        Until the first content, failover is silent. Raises as `complete` does, and `StreamInterruptedError` when
        the answer breaks off after its first content.
        """
        async with (
            self._serving(self._watch(messages, context, parameters, stream=True)) as watch,
            aclosing(self._streaming.run(self._deployments, parameters, watch)) as chunks,
        ):
            async for chunk in chunks:
                yield chunk

    def stream_sync(
        self, messages: Sequence[Message], context: RequestContext | None = None, **parameters: Any
    ) -> Generator[StreamChunk, None, None]:
        """`stream` for code that is not async. Each step blocks; closing the generator ends the call upstream."""
        return LOOP.iterate(self.stream(messages, context, **parameters))

    async def embed(
        self, inputs: str | Sequence[str], context: RequestContext | None = None, **parameters: Any
    ) -> EmbeddingResult:
        """A vector for each text, from the one model that `context.providers` names, wherever it is served.

        Vectors of different models cannot be compared, so failover is among the providers of one model. `parameters`
        are `dimensions`, `encoding_format` (float or base64) and `user`. Raises as `complete` does.

        Raises:
            ConfigError: no embeddings model was named, or several that are not `context.interchangeable`.
        """
        began = self._clock.monotonic()
        texts = embeddings.texts_of(inputs)
        asked = self._embedding_request(texts, context, parameters)
        async with self._serving(Watch(asked, (), stream=False, began=began, inputs=texts)) as watch:
            served = await self._engine.serve(self._deployments, parameters, watch)
            outcome, attempt = served.ending.answer, served.ending.attempt
            if outcome is None or attempt is None or served.reservation is None:
                raise ending.error(served.ending, served.decision, watch.records) from None
            latency, base64 = self._clock.monotonic() - watch.began, parameters.get("encoding_format") == "base64"
            watch.result = result.build_embedding(
                outcome, attempt, served.decision, watch.records, latency, base64=base64
            )
            return watch.result

    def embed_sync(
        self, inputs: str | Sequence[str], context: RequestContext | None = None, **parameters: Any
    ) -> EmbeddingResult:
        """`embed` for code that is not async. It blocks, as `complete_sync` does."""
        return LOOP.run(self.embed(inputs, context, **parameters))

    def complete_sync(
        self, messages: Sequence[Message], context: RequestContext | None = None, **parameters: Any
    ) -> CompletionResult:
        """`complete` for code that is not async. It blocks, also when the calling thread has a running event loop."""
        return LOOP.run(self.complete(messages, context, **parameters))

    def decide(
        self,
        messages: Sequence[Message],
        context: RequestContext | None = None,
        **parameters: Any,
    ) -> Decision:
        """Who would serve the request and why: a dry run that calls nothing and writes nothing."""
        built = self._request(messages, context, parameters)
        return self._engine.decide(built, self._ledger.snapshot_now(self._deployments))

    def context_for(self, model: str, context: RequestContext | None = None) -> RequestContext:
        """The context of a request for `model` as clients name it: auto, auto:TASK, an alias, a provider or a model.

        Raises:
            ModelNotFoundError: nothing has that name.
        """
        return naming.context_for(model, context or RequestContext(), self._settings.aliases, self._deployments)

    @property
    def model_names(self) -> list[str]:
        """Every name that `context_for` takes and that is worth listing."""
        return naming.names(self._settings.aliases, self._deployments)

    @property
    def deployments(self) -> tuple[Deployment, ...]:
        """Everything that is configured, usable or not."""
        return self._deployments

    @property
    def server_config(self) -> ServerConfig:
        """The gateway's part of the configuration."""
        return self._settings.server

    def register_provider(self, provider: Provider, name: str | None = None) -> None:
        """Add a provider, or replace the one of the same name.

        Args:
            provider: a name of the catalogue, a preset such as `GroqProvider()`, or a `ProviderConfig` with `name`.

        Raises:
            ConfigError: the catalogue has no such provider, or the name is missing.
        """
        spec = spec_of(provider, name, self._loaded.env)
        self._specs[spec.name] = spec
        self._read_providers()

    def check_ids(self, ids: Iterable[str]) -> None:
        """Raise ConfigError for an id that is neither a provider nor a deployment: a typo would do nothing."""
        given_ids = tuple(ids)
        known = {d.id for d in self._deployments} | set(self._specs) if given_ids else set()
        for given in given_ids:
            if given not in known:
                close = get_close_matches(given, sorted(known), n=1)
                hint = f"did you mean {close[0]!r}?" if close else "see `llm7router providers --all`"
                raise ConfigError(f"no provider or deployment {given[:80]!r}; {hint}")

    async def refresh(self) -> None:
        """Read the store if what is known of it is old, so that `decide` and `stats` right after do not block."""
        await self._ledger.snapshot(self._deployments)

    def stats(self) -> Stats:
        """State, limits, health and latency of every deployment at this instant."""
        snapshot = self._ledger.snapshot_now(self._deployments)
        deployments = tuple(deployment_stats(snapshot, d) for d in self._deployments)
        return Stats(snapshot.now, self._ledger.store, self._ledger.trouble, self._settings.environment, deployments)

    async def aclose(self) -> None:
        """Release models, connections and the store. The router may be used again."""
        await self._backend.aclose()
        await self._ledger.aclose()

    def close(self) -> None:
        """`aclose` for code that is not async."""
        LOOP.run(self.aclose())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _watch(
        self,
        messages: Sequence[Message],
        context: RequestContext | None,
        parameters: Mapping[str, Any],
        *,
        stream: bool,
    ) -> Watch:
        began = self._clock.monotonic()
        return Watch(self._request(messages, context, parameters), messages, stream, began)

    @asynccontextmanager
    async def _serving(self, watch: Watch) -> AsyncIterator[Watch]:
        """Around a request: its caller's limits, and the hooks that hear of its end."""
        with self.hooks.watching(watch):
            async with self._admission.of(watch):
                yield watch

    def _read_providers(self) -> None:
        self._deployments = catalog.deployments(
            self._specs.values(), self._loaded.env, self._settings.budget, self._settings.strengths
        )

    def _request(
        self,
        messages: Sequence[Message],
        context: RequestContext | None,
        parameters: Mapping[str, Any],
    ) -> Request:
        params.check(parameters)
        context = RequestContext() if context is None else context
        request.check_context(context)
        built = request.build(
            messages,
            parameters,
            context,
            id=context.request_id or uuid4().hex,
            environment=self._settings.environment,
            max_usd=self._settings.budget.usd_per_request,
            total_s=self._settings.timeouts.total_s,
            detect=self._detect,
        )
        self.check_ids((*built.providers, *built.exclude))
        return built

    def _embedding_request(
        self, texts: Sequence[str], context: RequestContext | None, parameters: Mapping[str, Any]
    ) -> Request:
        params.check(parameters, params.EMBEDDINGS)
        context = RequestContext() if context is None else context
        request.check_context(context)
        built = embeddings.build(
            texts,
            parameters,
            context,
            id=context.request_id or uuid4().hex,
            environment=self._settings.environment,
            max_usd=self._settings.budget.usd_per_request,
            total_s=self._settings.timeouts.total_s,
        )
        self.check_ids((*built.providers, *built.exclude))
        embeddings.check_one_model(built, self._deployments, interchangeable=context.interchangeable)
        return built


def _load(config: str | Path | Mapping[str, Any] | LoadedConfig | None, env: Mapping[str, str] | None) -> LoadedConfig:
    if isinstance(config, LoadedConfig):
        return config
    if isinstance(config, Mapping):
        return from_data(dict(config), env=env)
    return load(config, env=env)


def _backend() -> Backend:
    from llm7router.calls.backend import LiteLLMBackend

    return LiteLLMBackend()
