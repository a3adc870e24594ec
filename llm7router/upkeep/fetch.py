"""Pages of vendors, fetched with care: bounded in size and time, never redirected, and one clear line if it fails."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from llm7router import __version__
from llm7router.clock import Clock
from llm7router.config.addresses import host_of
from llm7router.proxies import DIRECT, Proxy

if TYPE_CHECKING:
    import httpx

MAX_BYTES = 8_000_000  # models.dev's file has some 3 MB, OpenRouter's list 1 MB
# Named, since bare clients of Python are refused by some; uncompressed, so that a small answer cannot grow huge.
HEADERS = {"user-agent": f"llm7router/{__version__}", "accept": "application/json", "accept-encoding": "identity"}
_WORDS = (  # what a failed connection says, and what it means
    ("[Rr]efused", "refuses connections"),
    ("CERTIFICATE_VERIFY_FAILED", "has a certificate that is not trusted; name its authority's in SSL_CERT_FILE"),
    ("CERTIFICATE|SSL|TLS", "does not speak TLS as it should; a proxy may stand between"),
    ("resolution|Name or service|nodename|getaddrinfo|No address", "is a name that cannot be looked up"),
)


class FetchError(Exception):
    """A page that did not come, or is not what it should be. The message begins with the host and holds no secret."""


@dataclass(frozen=True, slots=True)
class Page:
    """An answer, whatever its status."""

    host: str
    status: int
    body: bytes
    content_type: str
    location: str
    date: float | None  # the server's clock, in epoch seconds, whole
    at: float  # our clock when it came

    @property
    def is_page(self) -> bool:
        """It is a web page: of a firewall, a proxy or a hotel's log-in, and not of the provider's API."""
        return "html" in self.content_type or self.body.lstrip()[:1] == b"<"

    def data(self) -> Any:
        """The JSON of a good answer.

        Raises:
            FetchError: it is a redirect, an error, HTML, or no JSON.
        """
        if 300 <= self.status < 400:
            to = host_of(self.location) or self.host
            raise FetchError(f"{self.host} redirects to {_plain(to)}, which is not followed; correct base_url")
        if self.status != 200:
            raise FetchError(f"{self.host} answers {self.status}")
        if self.is_page:
            raise FetchError(f"{self.host} answers with a web page in place of JSON; a proxy may stand between")
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise FetchError(f"{self.host} answers with what is not JSON") from None


def client(proxy: Proxy = DIRECT) -> httpx.AsyncClient:
    """A client for `get`, which has a time limit for everything."""
    from llm7router import proxied

    return proxied.client(proxy, headers=HEADERS, timeout=None)


async def get(
    http: httpx.AsyncClient,
    url: str,
    clock: Clock,
    *,
    within_s: float,
    headers: Mapping[str, str] | None = None,
    proxy: Proxy = DIRECT,
) -> Page:
    """The page at `url`, at most `MAX_BYTES` of it, within so many seconds for everything. `proxy` is the client's.

    Raises:
        FetchError: nobody answered, it took too long, or it is too large.
    """
    import httpx

    from llm7router.proxied import ProxyFailedError

    host = _plain(urlsplit(url).netloc)
    try:
        async with asyncio.timeout(within_s):
            await look_up_for(url, proxy)
            async with http.stream("GET", url, headers=dict(headers or {})) as answer:
                return await _page(host, answer, clock)
    except TimeoutError:
        raise FetchError(f"{host} does not answer within {within_s:g} s") from None
    except ProxyFailedError as error:
        raise FetchError(f"{host} cannot be reached: {error}") from None
    except (httpx.ConnectError, OSError) as error:
        means = next((words for pattern, words in _WORDS if re.search(pattern, _causes(error))), "cannot be reached")
        raise FetchError(f"{host} {means}") from None
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):  # no message of theirs: it may quote a header
        raise FetchError(f"{host} breaks off its answer") from None


async def look_up_for(url: str, proxy: Proxy) -> None:
    """Look up the host that is connected to for `url`: a proxy looks up the others itself.

    Raises:
        ProxyFailedError: the proxy has no such name, or none that can be used.
        OSError: the host of `url` has none.
    """
    from llm7router.proxied import ProxyFailedError, usable

    hop = usable(proxy, url)
    try:
        await look_up(hop.host if hop else urlsplit(url).hostname or "")
    except OSError:
        if hop is None:
            raise
        raise ProxyFailedError(hop, "has a name that cannot be looked up") from None


async def look_up(name: str) -> None:
    """Look the name up in a thread that nobody waits for.

    asyncio's own threads are waited for when a program ends, and a look-up without a network can take half a minute.

    Raises:
        OSError: there is no such name, or nobody to ask for it.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def tell(error: OSError | UnicodeError | None) -> None:
        if not done.done():
            done.set_exception(OSError(str(error))) if error else done.set_result(None)

    def work() -> None:
        error = None
        try:
            socket.getaddrinfo(name, None)
        except (OSError, UnicodeError) as caught:
            error = caught
        with contextlib.suppress(RuntimeError):  # the loop is closed, nobody waits any more
            loop.call_soon_threadsafe(tell, error)

    threading.Thread(target=work, name="llm7router look-up", daemon=True).start()
    await done


async def _page(host: str, answer: httpx.Response, clock: Clock) -> Page:
    if answer.headers.get("content-encoding", "identity") != "identity":
        raise FetchError(f"{host} compresses its answer though asked not to")
    at, body = clock.now(), bytearray()
    async for piece in answer.aiter_raw():
        body += piece
        if len(body) > MAX_BYTES:
            raise FetchError(f"{host} sends more than {MAX_BYTES // 1_000_000} MB")
    headers = answer.headers
    kind, location = headers.get("content-type", "").lower(), headers.get("location", "")
    return Page(host, answer.status_code, bytes(body), kind, location, _date(headers.get("date", "")), at)


def _causes(error: BaseException) -> str:
    """What an exception and those behind it say."""
    said, found = [], []
    cause: BaseException | None = error
    while cause is not None and cause not in found:
        found.append(cause)
        said.append(f"{type(cause).__name__} {cause}")
        cause = cause.__cause__ or cause.__context__
    return " ".join(said)


def _date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


def _plain(text: str) -> str:
    """What a terminal may show of an address."""
    return re.sub(r"[^\w.:\[\]-]", "", text, flags=re.ASCII)[:100]
