"""`LLMRouter`: the public face. What happens to a request is in `engine`; what a configuration means, in `routing`.

Everything that could be a policy lives elsewhere: what may be used in `decision.filters`, what is preferred in
`decision.factors`, what follows from a failure in `decision.failures`, the order of attempts in `decision.plan`.
"""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any, Self

from llm7router import ending, naming, result
from llm7router.admission import Allowance
from llm7router.alerts import Alerts
from llm7router.cache.response_cache import ResponseCache
from llm7router.cache.shelves import open_shelf
from llm7router.calls.base import Backend
from llm7router.clock import Clock, SystemClock
from llm7router.config.load import from_data, load
from llm7router.config.models import Config, LoadedConfig, ProviderSpec
from llm7router.config.server_models import ServerConfig
from llm7router.decision import embeddings
from llm7router.errors import ConfigError
from llm7router.events import Hook, Hooks, Watch
from llm7router.history import History, open_history
from llm7router.presets import Provider, spec_of
from llm7router.routing import Routing, at_next_start
from llm7router.state.ledger import Ledger
from llm7router.state.stats import Stats, deployment_stats
from llm7router.state.store import Store, open_store
from llm7router.sync import LOOP
from llm7router.types import (
    CompletionResult,
    Decision,
    Deployment,
    EmbeddingResult,
    Message,
    RequestContext,
    StreamChunk,
)
from llm7router.watching import Watcher, files_of, reloading

log = logging.getLogger("llm7router")


class LLMRouter:
    """Routes requests over free tiers by `router.yaml`.

    Args:
        config: a path, a mapping of router.yaml's shape, a loaded configuration, or None for the usual search
            (`$LLM7ROUTER_CONFIG`, `./router.yaml`, the user's, the packaged one).
        env: where keys are read from; None is the process's environment over `.env`.
        store, backend, clock: replace the configured store, LiteLLM, and time.
        hooks: called with a `RequestEvent` when a request has ended; `hooks.add` adds more, and `alerts.add` what is
            called with each `llm7router.alerts.Alert`.
        reload: notice when the file, or a `.env` beside it, is edited, and use it within a second. One with
            faults is logged and changes nothing. For what lives long; it takes a thread, until the router is closed.

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
        reload: bool = False,
    ) -> None:
        loaded, self._env = _load(config, env), env
        self._started = loaded.config
        self._file = loaded.path.absolute() if loaded.path else None  # a service may change its directory
        self._clock = clock or SystemClock()
        self.hooks = Hooks(self._clock, hooks)
        self._registered: dict[str, ProviderSpec] = {}
        self._reloaded: list[Callable[[], None]] = []
        self._changing = threading.Lock()  # an edit must not undo what is registered meanwhile, nor the other way round
        store = store or open_store(loaded.config.state)
        self._history = open_history(loaded.config, store, self._clock)
        if self._history is not None:
            self.hooks.add(self._history)
        self._ledger = Ledger(store, self._clock)
        self._backend = backend or _backend()
        self._cache = self._answers(loaded.config)
        self.alerts = Alerts(self._ledger, self._clock, lambda: self._routing.deployments)
        self.hooks.add(self.alerts)
        self._use(loaded)
        self._watcher = self._watched(loaded) if reload else None

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
            ArgumentError: the messages, the context or a parameter are not of the right shape; it is a TypeError.
        """
        routing = self._routing
        async with self._serving(routing, self._watch(routing, messages, context, parameters, stream=False)) as watch:
            slot = self._cache.slot(watch, parameters, routing.deployments)
            if slot is not None and (stored := await slot.find()) is not None:
                return stored
            served = await routing.engine.serve(routing.deployments, parameters, watch)
            outcome, attempt = served.ending.answer, served.ending.attempt
            if outcome is None or attempt is None or served.reservation is None:
                raise ending.error(served.ending, served.decision, watch.records, served.after) from None
            answer = result.Answer.of(outcome.response)
            latency = self._clock.monotonic() - watch.began
            watch.result = result.build(answer, outcome, attempt, served.decision, watch.records, latency)
            if slot is not None:
                await slot.keep(watch.result)
            return watch.result

    async def stream(
        self, messages: Sequence[Message], context: RequestContext | None = None, **parameters: Any
    ) -> AsyncGenerator[StreamChunk, None]:
        """The answer as it arrives; the last chunk carries the whole `CompletionResult`.

        Until the first content, failover is silent. Raises as `complete` does, and `StreamInterruptedError` when
        the answer breaks off after its first content.
        """
        routing = self._routing
        async with (
            self._serving(routing, self._watch(routing, messages, context, parameters, stream=True)) as watch,
            aclosing(self._chunks(routing, parameters, watch)) as chunks,
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
        routing, began = self._routing, self._clock.monotonic()
        texts = embeddings.texts_of(inputs)
        asked = routing.embedding_request(texts, context, parameters)
        async with self._serving(routing, Watch(asked, (), stream=False, began=began, inputs=texts)) as watch:
            served = await routing.engine.serve(routing.deployments, parameters, watch)
            outcome, attempt = served.ending.answer, served.ending.attempt
            if outcome is None or attempt is None or served.reservation is None:
                raise ending.error(served.ending, served.decision, watch.records, served.after) from None
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
        routing = self._routing
        built = routing.request(messages, context, parameters)
        return routing.engine.decide(built, self._ledger.snapshot_now(routing.deployments))

    def context_for(self, model: str, context: RequestContext | None = None) -> RequestContext:
        """The context of a request for `model` as clients name it: auto, auto:TASK, an alias, a provider or a model.

        Raises:
            ModelNotFoundError: nothing has that name.
        """
        return self._routing.context_for(model, context or RequestContext())

    @property
    def model_names(self) -> list[str]:
        """Every name that `context_for` takes and that is worth listing."""
        return naming.names(self._routing.loaded.config.aliases, self._routing.deployments)

    @property
    def deployments(self) -> tuple[Deployment, ...]:
        """Everything that is configured, usable or not."""
        return self._routing.deployments

    @property
    def server_config(self) -> ServerConfig:
        """The gateway's part of the configuration."""
        return self._routing.loaded.config.server

    def allowances(self, caller: str | None) -> list[Allowance]:
        """What is left of a caller's own limits, one for each; nothing is read from the store."""
        return self._routing.admission.allowances(caller)

    @property
    def history(self) -> History | None:
        """Usage by the hour, kept for days; None if it is switched off."""
        return self._history

    def register_provider(self, provider: Provider, name: str | None = None) -> None:
        """Add a provider, or replace the one of the same name.

        Args:
            provider: a name of the catalogue, a preset such as `GroqProvider()`, or a `ProviderConfig` with `name`.

        Raises:
            ConfigError: the catalogue has no such provider, or the name is missing.
        """
        with self._changing:
            loaded = self._routing.loaded
            spec = spec_of(provider, name, loaded.env)
            self._registered[spec.name] = spec
            self._use(loaded)

    def reload(self) -> None:
        """Read the file again, with keys from the environment, and use it from the next request on.

        All state is kept, and so is what was registered in code. `state`, `history.enabled` and `server.host`,
        `.port`, `.log` and `.log_content` take effect at the next start only.

        Raises:
            ConfigError: it has faults, and what was read before stays in use; or the configuration is of no file.
        """
        with self._changing:
            before = self._routing.loaded
            if self._file is None:
                raise ConfigError("the configuration came from no file, so there is nothing to read again")
            loaded = load(self._file, env=self._env)
            self._use(loaded)
            if loaded.config.cache != before.config.cache:
                former, self._cache = self._cache, self._answers(loaded.config)
                former.close()  # a request under way opens it once more; the files go with the last of these
            if self._history is not None:
                self._history.config = loaded.config.history
        if late := at_next_start(self._started, loaded.config):
            log.warning("%s: %s takes effect at the next start only", loaded.path, late)
        for tell in self._reloaded:
            tell()

    def when_reloaded(self, tell: Callable[[], None]) -> None:
        """Call `tell` after each `reload` that went well, in the thread that reloads."""
        self._reloaded.append(tell)

    def check_ids(self, ids: Iterable[str]) -> None:
        """Raise ConfigError for an id that is neither a provider nor a deployment: a typo would do nothing."""
        self._routing.check_ids(ids)

    async def refresh(self) -> None:
        """Read the store if what is known of it is old, so that `decide` and `stats` right after do not block."""
        await self._ledger.snapshot(self._routing.deployments)

    def stats(self) -> Stats:
        """State, limits, health and latency of every deployment at this instant."""
        routing = self._routing
        snapshot = self._ledger.snapshot_now(routing.deployments)
        deployments = tuple(deployment_stats(snapshot, d) for d in routing.deployments)
        environment = routing.loaded.config.environment
        return Stats(snapshot.now, self._ledger.store, self._ledger.trouble, environment, deployments)

    async def aclose(self) -> None:
        """Release models, connections and the store. The router may be used again, but notices no more edits."""
        if self._watcher is not None:
            self._watcher.stop()
        await self.alerts.aclose()
        await self._backend.aclose()
        self._cache.close()
        await self._ledger.aclose()
        if self._history is not None:
            self._history.close()  # milliseconds, like the store's

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
        routing: Routing,
        messages: Sequence[Message],
        context: RequestContext | None,
        parameters: Mapping[str, Any],
        *,
        stream: bool,
    ) -> Watch:
        began = self._clock.monotonic()
        return Watch(routing.request(messages, context, parameters), messages, stream, began)

    @asynccontextmanager
    async def _serving(self, routing: Routing, watch: Watch) -> AsyncIterator[Watch]:
        """Around a request: its caller's limits, and the hooks that hear of its end."""
        with self.hooks.watching(watch):
            async with routing.admission.of(watch):
                yield watch

    def _chunks(
        self, routing: Routing, parameters: Mapping[str, Any], watch: Watch
    ) -> AsyncGenerator[StreamChunk, None]:
        live = routing.streaming.run(routing.deployments, parameters, watch)
        return self._cache.over(live, watch, parameters, routing.deployments)

    def _answers(self, config: Config) -> ResponseCache:
        return ResponseCache(config.cache, open_shelf(config.cache, config.state, self._ledger.store), self._clock)

    def _use(self, loaded: LoadedConfig) -> None:
        routing = Routing.of(loaded, self._registered.values(), self._ledger, self._backend, self._clock)
        self.alerts.configure(loaded.config.alerts, routing.admission.callers, loaded.env, routing.proxy)
        self._ledger.count_for(routing.limits)
        self._routing = routing

    def _watched(self, loaded: LoadedConfig) -> Watcher:
        if (path := self._file) is None:
            raise ConfigError("reload: the configuration comes from no file that could be watched")
        again = weakref.WeakMethod(self.reload)  # a router that nobody holds any more need not be closed
        called = reloading(lambda: method() if (method := again()) else None, path)
        watcher = Watcher(files_of(path), called, loaded.seen)
        watcher.start()
        weakref.finalize(self, watcher.stop)
        return watcher


def _load(config: str | Path | Mapping[str, Any] | LoadedConfig | None, env: Mapping[str, str] | None) -> LoadedConfig:
    if isinstance(config, LoadedConfig):
        return config
    if isinstance(config, Mapping):
        return from_data(dict(config), env=env)
    return load(config, env=env)


def _backend() -> Backend:
    from llm7router.calls.backend import LiteLLMBackend

    return LiteLLMBackend()
