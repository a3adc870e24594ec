"""HTTP clients for LiteLLM: one per event loop and `proxy`, following no redirects, with a guarded transport.

LiteLLM's own clients follow redirects and resend the prompt to the new host, take the proxies of the environment, and
are shared with the rest of the process, so that closing them would break calls that are not ours.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Mapping
from typing import Any

import aiohttp
import httpx
from litellm.llms.custom_httpx.aiohttp_transport import LiteLLMAiohttpTransport
from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler
from openai import AsyncOpenAI

from llm7router import certificates, proxied
from llm7router.calls.base import Call
from llm7router.calls.transport import GuardedTransport
from llm7router.calls.tunnel import TunnelTransport
from llm7router.proxies import Proxy

Handlers = dict[tuple[asyncio.AbstractEventLoop, Proxy], AsyncHTTPHandler]


class Clients:
    """Makes and keeps the clients of one backend."""

    def __init__(self) -> None:
        self._handlers: Handlers = {}
        # Sessions that nobody closed complain on stderr when they are collected, so they are closed before that.
        self._finalizer = weakref.finalize(self, _let_go, self._handlers)

    def for_call(self, call: Call, given: Mapping[str, Any]) -> Any:
        """What `acompletion(**given)` takes as `client`, or None for a prefix that must bring its own."""
        if given["model"].startswith("hosted_vllm/"):
            return self._handler(call.proxy)
        if given["model"].startswith("openai/"):
            url, http = call.deployment.base_url, self._handler(call.proxy).client
            return AsyncOpenAI(api_key=given["api_key"], base_url=url, http_client=http, max_retries=0)
        return None

    async def aclose(self) -> None:
        """Close the connections of the running loop, and let go of those of loops that have ended."""
        running = asyncio.get_running_loop()
        for key in [key for key in self._handlers if key[0] is running]:
            await self._handlers.pop(key).client.aclose()
        _let_go_of_ended(self._handlers)

    def _handler(self, proxy: Proxy) -> AsyncHTTPHandler:
        key = asyncio.get_running_loop(), proxy
        handler = self._handlers.get(key)
        if handler is None:
            _let_go_of_ended(self._handlers)
            handler = AsyncHTTPHandler(transport=GuardedTransport(_transport(proxy)), follow_redirects=False)
            self._handlers[key] = handler
        return handler


def _transport(proxy: Proxy) -> httpx.AsyncBaseTransport:
    """Of the kind that LiteLLM would take, but of ours: its own asks the environment where to connect."""
    trusted = certificates.context()
    made = AsyncHTTPHandler.create_async_transport(ssl_context=trusted)
    if isinstance(made, LiteLLMAiohttpTransport):
        return TunnelTransport(made, trusted, proxy)
    return proxied.AsyncTransport(proxy, local_address="0.0.0.0" if made is not None else None)  # noqa: S104  IPv4 only


def _let_go_of_ended(handlers: Handlers) -> None:
    for key in list(handlers):
        if key[0].is_closed():
            _dispose(handlers.pop(key, None))


def _let_go(handlers: Handlers) -> None:
    """Of all, each in the thread of its loop if that runs."""
    for key in list(handlers):
        loop, handler = key[0], handlers.pop(key, None)
        if loop.is_running() and loop is not asyncio._get_running_loop():
            loop.call_soon_threadsafe(_dispose, handler)
        else:
            _dispose(handler)


def _dispose(handler: AsyncHTTPHandler | None) -> None:
    """Close without awaiting: the loop of these connections has ended, or nobody is left to wait."""
    transport = handler.transport if handler is not None else None
    session = getattr(getattr(transport, "inner", None), "client", None)
    if isinstance(session, aiohttp.ClientSession) and not session.closed and session.connector is not None:
        session.connector._close()
