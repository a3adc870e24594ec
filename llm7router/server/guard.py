"""What every request passes before anything else looks at it: where it comes from, whose it is, and what is behind it.

A browser can be made to send requests to this machine by any page (DNS rebinding, forms), so the Host must be one of
ours, an Origin must be allowed, and bodies must be declared as JSON, which a form cannot do. There are no CORS headers.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import suppress
from secrets import token_hex
from typing import Any, NamedTuple

from llm7router.config.server_models import ServerConfig
from llm7router.server import errors
from llm7router.server.departure import DEPARTURE
from llm7router.server.errors import ApiError
from llm7router.server.keys import Client, Keyring
from llm7router.server.respond import send_error

log = logging.getLogger("llm7router")

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

OPEN = frozenset({"/", "/healthz", "/livez", "/readyz"})  # no key: the page holds no data, the others one word
FAILURES, FAILURES_S = 20, 60.0  # wrong keys of one address in so many seconds, then it has to wait
ADDRESSES = 1024  # remembered at most
LAST_S = 1.0  # for a client to take the last word of a server that stops
LONGEST_HEADERS = 16 * 1024  # bytes, names and values


def place_of(scope: Scope) -> str:
    """The path within the gateway, wherever it is mounted."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", "")) or "/"


class ClientLeftError(Exception):
    """Nobody is there any more to answer."""


class Visit(NamedTuple):
    """What the guard found out of a request; `scope["llm7router"]` of the app behind it."""

    id: str
    client: Client | None
    headers: Mapping[str, str]


class Guard:
    """Wraps an ASGI app."""

    def __init__(self, app: App, config: ServerConfig, keys: Keyring) -> None:
        self._app = app
        self._failures: OrderedDict[str, list[float]] = OrderedDict()
        self.obey(config, keys)

    def obey(self, config: ServerConfig, keys: Keyring) -> None:
        """From the next request on, let in who these say."""
        self.keys = keys
        self._hosts = frozenset(host.lower() for host in config.hosts)
        self._any_host = "*" in self._hosts
        self._origins = frozenset(config.origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or answer it; every failure behind becomes an answer, too."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        id, started = new_id(), False
        shown = (b"x-request-id", id.encode())

        async def named(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), shown]
                started = True
            await send(message)

        try:
            if sum(len(name) + len(value) for name, value in scope["headers"]) > LONGEST_HEADERS:
                raise headers_too_long()
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
            if len(headers) < len(scope["headers"]) and [name for name, _ in scope["headers"]].count(b"host") > 1:
                raise ApiError(400, "there is more than one Host; send one", code="invalid_http")
            scope["llm7router"] = Visit(id, self._judge(scope, headers), headers)
            await self._app(scope, receive, named)
        except ClientLeftError:
            return
        except asyncio.CancelledError:
            if DEPARTURE not in scope:
                raise
            # Our own server cancels only when it stops; of what is raised then, it would print a traceback.
            if not started:
                await last_word(send_error(named, place_of(scope), errors.stopping()))
        except Exception as error:
            answer = errors.of(error)
            if answer.status == 500:
                # No message and no traceback: both may hold a key or a prompt.
                log.error("request %s failed in the gateway: %s", id, type(error).__name__)
            if not started:  # otherwise the server cuts the connection, which is all that can still be said
                await send_error(named, place_of(scope), answer)

    def _judge(self, scope: Scope, headers: Mapping[str, str]) -> Client | None:
        self._place(headers)
        return None if place_of(scope) in OPEN else self._holder(scope, headers)

    def _place(self, headers: Mapping[str, str]) -> None:
        host = headers.get("host", "").lower()
        if not self._any_host and _without_port(host) not in self._hosts:
            advice = "add it to server.hosts in router.yaml if it is yours"
            raise ApiError(421, f"this gateway is not {host[:100]!r}; {advice}", code="misdirected_request")
        origin = headers.get("origin")
        if origin is None or origin in self._origins or origin.lower() in (f"http://{host}", f"https://{host}"):
            return
        advice = "add it to server.origins in router.yaml if it is yours"
        raise ApiError(403, f"no requests from {origin[:100]!r}; {advice}", type="permission_error", code="origin")

    def _holder(self, scope: Scope, headers: Mapping[str, str]) -> Client:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        key = token.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")
        if client := self.keys.holder(key) if key else None:
            return client
        what = "send the gateway's key as `Authorization: Bearer KEY`"
        if key:
            self._count_failure((scope.get("client") or ("",))[0])
            what = "this key is not known here; send the gateway's own, or one that was made for you"
        raise ApiError(401, f"{what}; `llm7router serve` says where its own is",
                       type="authentication_error", code="invalid_api_key")  # fmt: skip

    def _count_failure(self, address: str) -> None:
        """Raises ApiError (429) after too many. The right key always passes: others may share its address."""
        now = time.monotonic()
        recent = [at for at in self._failures.get(address, ()) if now - at < FAILURES_S]
        if len(recent) >= FAILURES:
            wait = FAILURES_S - (now - recent[0])
            raise ApiError(429, "too many wrong keys", type="rate_limit_error", code="wrong_keys", retry_after_s=wait)
        self._remember(address, [*recent, now])

    def _remember(self, address: str, failures: list[float]) -> None:
        self._failures[address] = failures
        self._failures.move_to_end(address)
        if len(self._failures) > ADDRESSES:
            self._failures.popitem(last=False)


async def last_word(sending: Awaitable[None]) -> None:
    """Wait until the client has it, but no longer than `LAST_S`."""
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(LAST_S):
            await sending


def new_id() -> str:
    """Of a request; every answer carries it."""
    return f"req_{token_hex(16)}"


def headers_too_long() -> ApiError:
    """The answer to a head that is too long."""
    return ApiError(431, f"the headers are longer than {LONGEST_HEADERS} bytes; send fewer", code="too_large")


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host
