"""Alerts by HTTP: one after the other, signed, a bounded number of tries each, and nobody waits for them."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING
from uuid import uuid4

from llm7router.alerts.alert import Alert
from llm7router.alerts.signature import SIGNATURE, TIMESTAMP, sign
from llm7router.config.alert_models import WebhookConfig
from llm7router.proxies import DIRECT, Proxy

if TYPE_CHECKING:
    import httpx

    from llm7router.clock import Clock

log = logging.getLogger("llm7router")

MOST_WAITING = 100
PAUSE_S = 1.0  # before the second try; it doubles
DRAIN_S = 3.0  # at the end, for what is still to be sent
AGAIN = (408, 425, 429)  # of the statuses below 500, those that another try may change
Post = Callable[[dict[str, str], bytes], Awaitable[int]]
"""Sends headers and a body, and tells the status; it raises OSError for what did not arrive."""


class Webhook:
    """Posts alerts to an address. `dropped` counts those that nobody got."""

    def __init__(
        self, config: WebhookConfig, secret: str, clock: Clock, post: Post | None = None, proxy: Proxy = DIRECT
    ) -> None:
        self._config, self._secret, self._clock = config, secret, clock
        self._post, self._proxy = post, proxy
        self._waiting: deque[bytes] = deque()
        self._worker: asyncio.Task[None] | None = None
        self.dropped = 0

    def put(self, alert: Alert) -> None:
        """Send it soon. It is dropped if too many wait already."""
        if len(self._waiting) >= MOST_WAITING:
            self._drop(f"{MOST_WAITING} wait already")
            return
        # The id tells a receiver that it has had an alert before: a try may arrive and its answer be lost.
        self._waiting.append(json.dumps({"id": uuid4().hex, **asdict(alert)}).encode())
        if self._worker is None or self._worker.done() or self._worker.get_loop() is not asyncio.get_running_loop():
            self._worker = asyncio.get_running_loop().create_task(self._work())

    @property
    def idle(self) -> bool:
        """Nothing is to be sent."""
        return not self._waiting and (self._worker is None or self._worker.done())

    async def aclose(self) -> None:
        """Wait at most some seconds for what is still to be sent; the rest is dropped."""
        worker, self._worker = self._worker, None
        if worker is not None and worker.get_loop() is asyncio.get_running_loop():
            await asyncio.wait((worker,), timeout=DRAIN_S)
            worker.cancel()
            await asyncio.wait((worker,))
        if self._waiting:
            self._drop("the router was closed", len(self._waiting))
            self._waiting.clear()

    async def _work(self) -> None:
        async with self._posting() as post:
            while self._waiting:
                body = self._waiting.popleft()  # first, since another event loop may have a worker, too
                try:
                    why = await self._deliver(post, body)
                except BaseException:  # whoever sends next begins with it
                    self._waiting.appendleft(body)
                    raise
                if why:
                    self._drop(why)

    async def _deliver(self, post: Post, body: bytes) -> str | None:
        """Why it could not be delivered, or None."""
        why = ""
        for attempt in range(self._config.tries):
            if attempt:
                await asyncio.sleep(PAUSE_S * 2 ** (attempt - 1))
            timestamp = str(int(self._clock.now()))
            signature = sign(self._secret, timestamp, body)
            headers = {"Content-Type": "application/json", TIMESTAMP: timestamp, SIGNATURE: signature}
            try:
                async with asyncio.timeout(self._config.timeout_s):
                    status = await post(headers, body)
            except TimeoutError:
                why = f"no answer within {self._config.timeout_s:g} s"
            except OSError as error:
                why = str(error)
            else:
                if 200 <= status < 300:
                    return None
                why = f"status {status}"
                if status < 500 and status not in AGAIN:  # a redirect, too: the address is to be corrected
                    return why
        return f"{why}, {self._config.tries} times"

    def _drop(self, why: str, count: int = 1) -> None:
        """It is in the log already; the address is not repeated, since it may hold a secret."""
        self.dropped += count
        log.error("alerts: the webhook did not get %d (%s); %d dropped so far", count, why, self.dropped)

    @asynccontextmanager
    async def _posting(self) -> AsyncIterator[Post]:
        if self._post is not None:
            yield self._post
            return
        # In a thread: importing httpx and reading certificates take many milliseconds, and nobody should wait for it.
        transport = await asyncio.to_thread(_transport, self._proxy)
        async with transport:
            yield lambda headers, body: _posted(transport, self._config.url, headers, body)


def _transport(proxy: Proxy = DIRECT) -> httpx.AsyncBaseTransport:
    from llm7router import certificates, proxied

    certificates.context()  # the first connection would read them
    # No redirects and no proxies of the environment: alerts go to that address or nowhere. And no client, which would
    # log the address with each request.
    return proxied.AsyncTransport(proxy)


async def _posted(transport: httpx.AsyncBaseTransport, url: str, headers: dict[str, str], body: bytes) -> int:
    import httpx

    from llm7router.proxied import ProxyFailedError

    try:
        response = await transport.handle_async_request(httpx.Request("POST", url, headers=headers, content=body))
        await response.aclose()  # what else it says is not read
        return response.status_code
    except ProxyFailedError as error:
        raise OSError(str(error)) from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise OSError(type(error).__name__) from None  # its words may hold the address
