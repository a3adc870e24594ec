"""Everything but the answers: models, dry runs, health, metrics, and the dashboard."""

from __future__ import annotations

from contextlib import aclosing
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from llm7router.decision.describe import as_dict
from llm7router.ending import nothing_available
from llm7router.hooks.prometheus import Metrics
from llm7router.router import LLMRouter
from llm7router.server import usage
from llm7router.server.body import read_json
from llm7router.server.dialects.chat import CHAT
from llm7router.server.errors import ApiError
from llm7router.server.exchange import check_count, context_of, in_flight, send_piece, while_connected
from llm7router.server.guard import Receive, Scope, Send, Visit
from llm7router.server.live import Live, finite
from llm7router.server.respond import SAFE, send_bytes

PAGE = Path(__file__).with_name("dashboard.html")
# The page is one file with everything in it; it may talk to where it came from, and to nobody else.
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def routes(router: LLMRouter, live: Live, metrics: Metrics) -> APIRouter:
    """The routes of one gateway."""
    api = APIRouter()

    @api.get("/v1/models", tags=["models"])
    @api.get("/models", include_in_schema=False)
    async def models() -> dict[str, Any]:
        """What can be asked for as `model`."""
        return {"object": "list", "data": [_model(router, name) for name in router.model_names]}

    @api.get("/v1/models/{name:path}", tags=["models"])
    @api.get("/models/{name:path}", include_in_schema=False)
    async def model(name: str) -> Response:
        """One of them."""
        router.context_for(name)
        return JSONResponse(_model(router, name))

    @api.post("/v1/route", tags=["router"])
    async def route(request: Request) -> Response:
        """A dry run: who would answer a chat completion with this body, and why. Calls nobody."""
        visit: Visit = request.scope["llm7router"]
        assert visit.client is not None, "the guard lets nobody in without a key"
        with in_flight(visit.client):
            body = await read_json(visit, request.receive, router.server_config)
            if "prompt" in body and "messages" not in body:
                body = {**body, "messages": [{"role": "user", "content": body["prompt"]}]}
            asked = CHAT.read(body, "dry-run", 0)
            check_count(asked, router.server_config)
            context = context_of(router, visit, asked.model, asked.said)
            await router.refresh()
            decision = router.decide(asked.messages, context, **asked.parameters)
        described = finite(as_dict(decision))
        return JSONResponse(described if decision.best else described | {"message": nothing_available(decision)})

    # The first route of an address, of which `Allow` tells, is the decorator that is nearest.
    @api.head("/healthz", include_in_schema=False)
    @api.head("/livez", include_in_schema=False)
    @api.get("/healthz", tags=["health"])
    @api.get("/livez", include_in_schema=False)
    async def healthz() -> dict[str, str]:
        """The process answers."""
        return {"status": "ok"}

    @api.head("/readyz", include_in_schema=False)
    @api.get("/readyz", tags=["health"])
    async def readyz() -> JSONResponse:
        """Something could serve a request now. Nobody is called to find out."""
        await router.refresh()
        ready = any(d.state in ("available", "probing") for d in router.stats().deployments)
        return JSONResponse({"status": "ok" if ready else "nothing can serve"}, 200 if ready else 503)

    @api.get("/stats", tags=["router"])
    async def stats() -> dict[str, Any]:
        """State, limits, health and latency of every deployment."""
        await router.refresh()
        return finite(router.stats().to_dict())  # type: ignore[no-any-return]

    @api.get("/history", tags=["router"])
    async def history(request: Request) -> dict[str, Any]:
        """Usage of the last `hours` (168) by `by` (provider, model, task, caller): sums, and bars over time."""
        check_owner(request.scope)
        return await usage.view(router.history, request.query_params)

    @api.get("/metrics", tags=["router"])
    async def prometheus(request: Request) -> Response:
        """For Prometheus."""
        await router.refresh()
        body, kind = metrics.render(request.headers.get("accept", ""))
        return Response(body, media_type=kind)

    api.add_route("/events", Events(live), methods=["GET"], include_in_schema=False)  # type: ignore[arg-type]
    api.add_route("/", Page(), methods=["GET"], include_in_schema=False)  # type: ignore[arg-type]
    return api


class Events:
    """The dashboard's stream of events."""

    def __init__(self, live: Live) -> None:
        self._live = live

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Until the reader leaves. Only for the gateway's own key, since it tells of everybody's requests."""
        check_owner(scope)
        events = self._live.events()
        async with aclosing(events):  # type: ignore[type-var]
            with while_connected(scope, receive):
                first = await anext(events)
                fields = [(b"content-type", b"text/event-stream"), (b"x-accel-buffering", b"no"), *SAFE]
                await send({"type": "http.response.start", "status": 200, "headers": fields})
                await send_piece(send, first)
                async for data in events:
                    await send_piece(send, data)


def check_owner(scope: Scope) -> None:
    """Raise ApiError (403) for everybody's key but the gateway's own."""
    client = scope["llm7router"].client
    if client is None or not client.owner:
        raise ApiError(403, "this needs the gateway's own key, which `llm7router serve` names",
                       type="permission_error", code="owner_only")  # fmt: skip


class Page:
    """The dashboard: one file, without data. Its script asks for the key."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The page."""
        headers = {"content-security-policy": POLICY, "referrer-policy": "no-referrer", "x-frame-options": "DENY"}
        await send_bytes(send, 200, _page(), "text/html; charset=utf-8", headers)


@cache
def _page() -> bytes:
    return PAGE.read_bytes()


def _model(router: LLMRouter, name: str) -> dict[str, Any]:
    """OpenAI's shape, and what is known of a deployment beside it."""
    entry: dict[str, Any] = {"id": name, "object": "model", "created": 0, "owned_by": "llm7router"}
    found = next((d for d in router.deployments if d.id == name), None)
    if found is None:
        return entry
    return entry | {
        "owned_by": found.provider,
        "context_window": found.context_window,
        "capabilities": sorted(found.capabilities),
    }
