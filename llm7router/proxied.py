"""httpx transports that connect as router.yaml's `proxy` says, whatever the environment says."""

from __future__ import annotations

from typing import Any

import httpx

from llm7router import certificates
from llm7router.proxies import Hop, Proxy


class ProxyFailedError(httpx.ConnectError):
    """The proxy is at fault: the request was never sent on. The message names its host, and no credentials."""

    def __init__(self, hop: Hop, what: str) -> None:
        super().__init__(hop.fault or f"the proxy {hop.shown} {what}")


class Transport(httpx.BaseTransport):
    """For blocking clients."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._by_hop: dict[Hop | None, httpx.HTTPTransport] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request. Raises ProxyFailedError, or what httpx raises."""
        hop = usable(self._proxy, str(request.url))
        if hop not in self._by_hop:
            self._by_hop[hop] = httpx.HTTPTransport(**_options(hop))
        try:
            return self._by_hop[hop].handle_request(request)
        except httpx.TransportError as error:
            if (failed := _blamed(hop, error)) is None:
                raise
        raise failed  # here, so that it has no context: that may hold the credentials

    def close(self) -> None:
        """Close every connection."""
        for transport in self._by_hop.values():
            transport.close()


class AsyncTransport(httpx.AsyncBaseTransport):
    """For clients of an event loop; `options` are those of httpx's own transport."""

    def __init__(self, proxy: Proxy, **options: Any) -> None:
        self._proxy, self._more = proxy, options
        self._by_hop: dict[Hop | None, httpx.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request. Raises ProxyFailedError, or what httpx raises."""
        hop = usable(self._proxy, str(request.url))
        if hop not in self._by_hop:
            self._by_hop[hop] = httpx.AsyncHTTPTransport(**_options(hop), **self._more)
        try:
            return await self._by_hop[hop].handle_async_request(request)
        except httpx.TransportError as error:
            if (failed := _blamed(hop, error)) is None:
                raise
        raise failed  # here, so that it has no context: that may hold the credentials

    async def aclose(self) -> None:
        """Close every connection."""
        for transport in self._by_hop.values():
            await transport.aclose()


def client(proxy: Proxy, **options: Any) -> httpx.AsyncClient:
    """A client that sends a key to the host it is meant for or nowhere: no redirects, and nothing of the environment.

    `options` are those of httpx's own.
    """
    return httpx.AsyncClient(follow_redirects=False, trust_env=False, transport=AsyncTransport(proxy), **options)


def refusal(status: str | int) -> str:
    """What a proxy does that answers the request for a tunnel with a status."""
    return f"answers {str(status)[:10]}" + (": it wants a user name and a password" if str(status) == "407" else "")


def usable(proxy: Proxy, url: str) -> Hop | None:
    """The proxy through which to ask for `url`, or None: directly. Raises ProxyFailedError if it is none."""
    hop = proxy.to(url)
    if hop is not None and hop.fault:
        raise ProxyFailedError(hop, "")
    return hop


def _options(hop: Hop | None) -> dict[str, Any]:
    trusted = certificates.context()
    if hop is None:
        return {"verify": trusted, "trust_env": False}
    tls = trusted if hop.address.startswith("https:") else None
    return {
        "verify": trusted,
        "trust_env": False,
        "proxy": httpx.Proxy(hop.address, auth=hop.auth, ssl_context=tls),
    }


def _blamed(hop: Hop | None, error: httpx.TransportError) -> ProxyFailedError | None:
    """What the proxy did, if it was the proxy. TLS fails with the host behind it, which is not to blame on it."""
    if hop is None:
        return None
    said = str(error)
    if isinstance(error, httpx.ProxyError):
        return ProxyFailedError(hop, refusal(said.partition(" ")[0]))
    if isinstance(error, httpx.ConnectTimeout):
        return ProxyFailedError(hop, "does not answer in time")
    if isinstance(error, httpx.ConnectError) and not any(word in said for word in ("SSL", "TLS", "CERTIFICATE")):
        return ProxyFailedError(hop, "cannot be reached")
    return None
