"""One question to a provider, with its key: bounded in time and size, and never sent on to another host."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from llm7router.calls.redact import redact
from llm7router.proxies import DIRECT, Proxy
from llm7router.upkeep.fetch import look_up_for

TIMEOUT_S = 10.0
MOST_BYTES = 1 << 20  # the longest models list seen has a quarter of that


class Answer(NamedTuple):
    """`body` is the JSON it holds, None if it holds none."""

    status: int
    body: Any


class NoAnswerError(Exception):
    """There was none, or none that is of use; the message says why, and holds no secret."""


async def fetch(
    url: str, *, headers: Mapping[str, str] | None = None, post: Any = None, proxy: Proxy = DIRECT
) -> Answer:
    """The answer to a GET, or to a POST of JSON.

    Raises:
        NoAnswerError: the host cannot be reached, is too slow, redirects, or says too much.
    """
    import httpx

    from llm7router import __version__, proxied

    own = {
        "User-Agent": f"llm7router/{__version__}",  # some providers block the bare ones of HTTP libraries
        "Accept": "application/json",
        "Accept-Encoding": "identity",  # so that a small answer cannot become a large one here
    }
    request = {"headers": {**own, **(headers or {})}, **({"json": post} if post is not None else {})}
    try:
        async with asyncio.timeout(TIMEOUT_S):
            await _looked_up(url, proxy)
            async with (
                proxied.client(proxy, timeout=TIMEOUT_S) as client,
                client.stream("POST" if post is not None else "GET", url, **request) as response,
            ):
                if response.is_redirect:
                    raise NoAnswerError(f"it redirects (status {response.status_code})")
                return Answer(response.status_code, _parsed(await _body(response)))
    except TimeoutError:
        raise NoAnswerError(f"it did not answer within {TIMEOUT_S:g} s") from None
    except proxied.ProxyFailedError as error:
        raise NoAnswerError(f"it cannot be reached: {error}") from None
    except httpx.ConnectError as error:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            raise NoAnswerError("its certificate is not trusted; name its authority's in SSL_CERT_FILE") from None
        raise NoAnswerError(_hinted(f"it cannot be reached ({type(error).__name__})", url, proxy)) from None
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise NoAnswerError(f"it cannot be reached ({type(error).__name__})") from None


async def _looked_up(url: str, proxy: Proxy) -> None:
    """Look the host up first, so that neither the time limit nor Ctrl-C waits for a name server."""
    try:
        await look_up_for(url, proxy)
    except OSError:
        raise NoAnswerError(_hinted("its name cannot be looked up; check the network", url, proxy)) from None


def _hinted(text: str, url: str, proxy: Proxy) -> str:
    return f"{text}; {hint}" if (hint := proxy.ignored(url)) else text


async def _body(response: Any) -> bytes:
    body = b""
    async for piece in response.aiter_raw():
        body += piece
        if len(body) > MOST_BYTES:
            raise NoAnswerError(f"its answer is longer than {MOST_BYTES:,} bytes")
    return body


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def words_of(answer: Answer, *secrets: str) -> str:
    """`400: API key not valid`: the status and what the provider says of it, without the secrets."""
    said = _message(answer.body)
    for secret in secrets:
        said = said.replace(secret, "***")
    return f"{answer.status}: {redact(said)}" if said else str(answer.status)


def _message(body: Any) -> str:
    """`error.message`, `errors[0].message`, `error` or `message`, whichever there is."""
    body = body[0] if isinstance(body, list) and body else body
    for key in ("error", "errors", "message", "detail"):
        found = body.get(key) if isinstance(body, dict) else None
        found = found[0] if isinstance(found, list) and found else found
        found = found.get("message") if isinstance(found, dict) else found
        if isinstance(found, str):
            return found
    return ""
