"""HTTP clients for LiteLLM: one per event loop, following no redirects, with a guarded transport.

LiteLLM's own clients follow redirects and resend the prompt to the new host, and are shared with the rest of the
process, so that closing them would break calls that are not ours.
"""

from __future__ import annotations

import asyncio
import weakref
from typing import Any

import aiohttp
import httpx
from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler
from openai import AsyncOpenAI

from llm7router import certificates
from llm7router.calls.transport import GuardedTransport

Loops = dict[asyncio.AbstractEventLoop, AsyncHTTPHandler]


class Clients:
    """Makes and keeps the clients of one backend."""

    def __init__(self) -> None:
        self._by_loop: Loops = {}
        # Sessions that nobody closed complain on stderr when they are collected, so they are closed before that.
        self._finalizer = weakref.finalize(self, _let_go, self._by_loop)

    def for_model(self, litellm_model: str, base_url: str | None, api_key: str) -> Any:
        """What `acompletion` takes as `client` for a model, or None for a prefix that must bring its own."""
        if litellm_model.startswith("hosted_vllm/"):
            return self._handler()
        if litellm_model.startswith("openai/"):
            return AsyncOpenAI(api_key=api_key, base_url=base_url, http_client=self._handler().client, max_retries=0)
        return None

    async def aclose(self) -> None:
        """Close the connections of the running loop, and let go of those of loops that have ended."""
        handler = self._by_loop.pop(asyncio.get_running_loop(), None)
        if handler is not None:
            await handler.client.aclose()
        _let_go_of_ended(self._by_loop)

    def _handler(self) -> AsyncHTTPHandler:
        loop = asyncio.get_running_loop()
        handler = self._by_loop.get(loop)
        if handler is None:
            _let_go_of_ended(self._by_loop)
            trusted = certificates.context()
            inner = AsyncHTTPHandler.create_async_transport(ssl_context=trusted)
            inner = inner or httpx.AsyncHTTPTransport(verify=trusted)
            handler = AsyncHTTPHandler(transport=GuardedTransport(inner), follow_redirects=False)
            self._by_loop[loop] = handler
        return handler


def _let_go_of_ended(by_loop: Loops) -> None:
    for loop in list(by_loop):
        if loop.is_closed():
            _dispose(by_loop.pop(loop, None))


def _let_go(by_loop: Loops) -> None:
    """Of all, each in the thread of its loop if that runs."""
    for loop in list(by_loop):
        handler = by_loop.pop(loop, None)
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
