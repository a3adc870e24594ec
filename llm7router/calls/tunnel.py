"""LiteLLM's aiohttp transport, connecting as router.yaml's `proxy` says and not as the environment does."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp
import httpx
from litellm.llms.custom_httpx.aiohttp_transport import LiteLLMAiohttpTransport

from llm7router.proxied import ProxyFailedError, refusal, usable
from llm7router.proxies import Hop, Proxy


class TunnelTransport(LiteLLMAiohttpTransport):
    """Takes the sessions of the transport that LiteLLM made."""

    def __init__(self, made: LiteLLMAiohttpTransport, trusted: ssl.SSLContext, proxy: Proxy) -> None:
        super().__init__(client=_deaf(made._client_factory), ssl_verify=trusted)
        self._proxy = proxy

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request. Raises ProxyFailedError if the proxy is at fault, otherwise as LiteLLM's own does."""
        hop = usable(self._proxy, str(request.url))
        if hop is not None:
            request.extensions = {**request.extensions, "timeout": _bounded(request.extensions.get("timeout") or {})}
        try:
            return await super().handle_async_request(request)
        except Exception as error:
            if hop is None or (failed := _blamed(hop, error)) is None:
                raise
        raise failed  # here, so that it has no context: that may hold the credentials

    async def _get_proxy_settings(self, request: httpx.Request) -> None:
        """LiteLLM would read the environment here."""

    async def _make_aiohttp_request(
        self, client_session: aiohttp.ClientSession, request: httpx.Request, *more: Any, **named: Any
    ) -> aiohttp.ClientResponse:
        hop = usable(self._proxy, str(request.url))
        session: Any = client_session if hop is None else _Through(client_session, hop)
        return await super()._make_aiohttp_request(session, request, *more, **named)


class _Through:
    """A session whose requests go through a proxy. Credentials travel in a header: addresses end up in logs."""

    def __init__(self, session: aiohttp.ClientSession, hop: Hop) -> None:
        self._session, self._hop = session, hop

    def request(self, *given: Any, **named: Any) -> Any:
        return self._session.request(
            *given, **{**named, "proxy": self._hop.address, "proxy_headers": dict(self._hop.headers)}
        )


def _deaf(make: Callable[[], aiohttp.ClientSession]) -> Callable[[], aiohttp.ClientSession]:
    """Sessions that take neither proxies nor, from ~/.netrc, keys of the environment, also with AIOHTTP_TRUST_ENV."""

    def made() -> aiohttp.ClientSession:
        session = make()
        session._trust_env = False
        return session

    return made


def _bounded(timeouts: Mapping[str, float | None]) -> dict[str, float | None]:
    """Also the proxy's answer is waited for as for a connection; aiohttp bounds it by the time for `pool` only."""
    connect_s = timeouts.get("connect")
    return {**timeouts, "pool": timeouts.get("pool") if connect_s is None else 2 * connect_s}


def _blamed(hop: Hop, error: Exception) -> ProxyFailedError | None:
    """What the proxy did, if it was the proxy. TLS fails with the host behind it, which is not to blame on it."""
    cause = error.__cause__
    if isinstance(cause, aiohttp.ClientHttpProxyError):
        return ProxyFailedError(hop, refusal(cause.status))
    if isinstance(cause, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError):
        return None
    if isinstance(cause, aiohttp.ClientConnectorError):
        return ProxyFailedError(hop, "cannot be reached")
    if isinstance(error, httpx.ConnectTimeout):
        return ProxyFailedError(hop, "does not answer in time")
    if not isinstance(error, httpx.TransportError):
        return ProxyFailedError(hop, f"cannot be used ({type(cause or error).__name__})")
    return None
