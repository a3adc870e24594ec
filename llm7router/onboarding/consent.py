"""Waits for the code of a PKCE flow from the browser and from the terminal at once, whichever comes first.

Over SSH the browser runs on another machine and cannot come back here. Its address bar then holds the code.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from llm7router.config.models import ProviderConfig
from llm7router.onboarding import terminal
from llm7router.onboarding.callback import Callback
from llm7router.onboarding.pkce import ConsentError, Pkce, exchange
from llm7router.proxies import DIRECT, Proxy

WITHIN_S = 600.0  # the provider's codes live as long
KEY_INSTEAD = "k"


async def key_by_consent(
    config: ProviderConfig, show: Callable[[str], None], say: Callable[[str], None], proxy: Proxy = DIRECT
) -> str | None:
    """The key that the provider gives once the person agreed; None if they would rather paste one.

    `show` is given the address to open, `say` what to tell the person meanwhile.

    Raises:
        ConsentError: there is no key.
        InputEndedError: the terminal was closed.
    """
    pkce = Pkce()
    async with Callback(pkce) as callback:
        with terminal.hidden() as fd:  # before the address is shown: who sees it may paste at once
            # In a thread: a browser that is waited for waits for the callback.
            await asyncio.to_thread(show, pkce.address(config, callback.port))
            try:
                async with asyncio.timeout(WITHIN_S):
                    code = await _first(callback, pkce, fd, say)
            except TimeoutError:
                raise ConsentError(f"nothing came within {WITHIN_S / 60:.0f} minutes") from None
    return None if code is None else await exchange(config, code, pkce.verifier, proxy)


async def _first(callback: Callback, pkce: Pkce, fd: int, say: Callable[[str], None]) -> str | None:
    """The code from the browser or the terminal. What is pasted and wrong is told, and the wait goes on."""
    loop, pasted = asyncio.get_running_loop(), asyncio.Queue[bytes | None]()

    def read() -> None:
        try:
            pasted.put_nowait(terminal.read_paste(fd))
        except terminal.InputEndedError:
            loop.remove_reader(fd)
            pasted.put_nowait(None)

    if fd < 0:  # Windows: only the browser can answer
        return await callback.code
    loop.add_reader(fd, read)
    try:
        while True:
            line = await _either(callback.code, pasted)
            if callback.code.done():
                return await callback.code
            if line is None:
                raise terminal.InputEndedError
            text = line.decode("utf-8", "replace").strip()
            if text.lower() == KEY_INSTEAD:
                return None
            if text:
                try:
                    return pkce.code_of(text)
                except ConsentError as error:
                    say(f"That was not it: {error}. Still waiting.")
    finally:
        loop.remove_reader(fd)


async def _either(code: asyncio.Future[str], pasted: asyncio.Queue[bytes | None]) -> bytes | None:
    """Return when there is a code or a line; the line, if it is that."""
    line = asyncio.ensure_future(pasted.get())
    try:
        waited: tuple[asyncio.Future[Any], ...] = (code, line)
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        return line.result() if line.done() else None
    finally:
        line.cancel()
