"""The gateway as an ASGI app: any program that speaks the OpenAI API gets the router by changing its base URL."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from functools import cached_property

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from llm7router import __version__
from llm7router.hooks import traces_from_environment
from llm7router.hooks.prometheus import Metrics
from llm7router.hooks.request_log import RequestLog
from llm7router.router import LLMRouter
from llm7router.server import document, errors, pages
from llm7router.server.counting import Counting
from llm7router.server.dialects import COUNT, PATHS
from llm7router.server.errors import ApiError
from llm7router.server.exchange import Embeddings, Exchange
from llm7router.server.guard import App, Guard, Receive, Scope, Send, place_of
from llm7router.server.keys import Keyring, clients_of, key_file
from llm7router.server.keys import own_key as read_own_key
from llm7router.server.live import Live
from llm7router.server.respond import send_error


def create_app(router: LLMRouter, *, own_key: str | None = None) -> FastAPI:
    """The gateway over a router, to be served, or mounted in an app of your own.

    Args:
        router: closed when the app shuts down. Mounted in another app, whose server does not tell this one of that, so
            run `gateway.router.lifespan_context(gateway)` in the other's own lifespan.
        own_key: the key of whoever runs it; None is the one in the user's configuration directory, made if need be.
            Clients' keys are `server.keys` of router.yaml.

    Raises:
        ConfigError: the key's file or the log cannot be used, or OTEL_ variables ask for what is not there.
    """
    config = router.server_config
    own_key = read_own_key(key_file()) if own_key is None else own_key
    keys = Keyring(clients_of(config, own_key))
    live, metrics = Live(router), Metrics(router)
    log = RequestLog(config.log, content=config.log_content) if config.log else None
    traces = traces_from_environment()
    observers = [hook for hook in (live, metrics, log, traces) if hook is not None]
    for hook in observers:
        router.hooks.add(hook)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        for hook in observers:
            router.hooks.remove(hook)
        await router.aclose()
        if log is not None:
            log.close()
        if traces is not None:
            await asyncio.to_thread(traces.close)  # sends what is left, which takes a while

    app = Gateway(title="llm7router", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _fault)
    for path in PATHS:
        app.answer(path, Exchange(router, path))
    app.answer(COUNT, Counting(router))
    app.answer("/embeddings", Embeddings(router))
    app.include_router(pages.routes(router, live, metrics))
    app.guarded = guard = Guard(app.behind, config, keys)

    def obey_again() -> None:
        edited = router.server_config
        guard.obey(edited, guard.keys.replaced_by(clients_of(edited, own_key)))

    router.when_reloaded(obey_again)
    app.openapi = lambda: document.openapi(app)  # type: ignore[method-assign]
    return app


class Gateway(FastAPI):
    """FastAPI with the guard before everything, and with answers found without its middleware and routing.

    These take as long as everything else of ours that a request passes.
    """

    guarded: App

    def answer(self, path: str, app: App) -> None:
        """Serve `path`, with and without `/v1`. Routes are there for other methods, and for where this is mounted."""
        for place in (f"/v1{path}", path):
            self._answers[place] = app
            self.router.routes.append(Route(place, app, methods=["POST"]))

    @cached_property
    def _answers(self) -> dict[str, App]:
        return {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Everything that comes in."""
        await self.guarded(scope, receive, send)

    async def behind(self, scope: Scope, receive: Receive, send: Send) -> None:
        """What the guard let through."""
        app = self._answers.get(place_of(scope)) if scope["type"] == "http" and scope["method"] == "POST" else None
        await (app or super().__call__)(scope, receive, send)


async def _http_error(request: Request, error: Exception) -> Response:
    """What no route took."""
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        answer = ApiError(404, f"there is no {request.url.path[:100]!r} here; see /openapi.json", code="unknown_url")
    elif error.status_code == 405:
        answer = ApiError(405, f"{request.method} is not for {request.url.path[:100]!r}", code="method_not_allowed")
    else:
        answer = ApiError(error.status_code, str(error.detail)[:300])
    return _Error(request.url.path, answer, error.headers)


async def _fault(request: Request, error: Exception) -> Response:
    """What a page could not do. The guard hears of it, too, and logs what is a fault of ours."""
    return _Error(request.url.path, errors.of(error), None)


class _Error(Response):
    def __init__(self, path: str, error: ApiError, headers: Mapping[str, str] | None) -> None:
        super().__init__(status_code=error.status)
        self._path, self._error, self._more = path, error, headers or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send_error(send, self._path, self._error, self._more)
