"""What a provider tells of the account behind a key, when asked: limits that depend on it, such as credits ever bought.

Asked beside a call, at most every ten minutes for each key, and never waited for: the answer goes with a later outcome.
OpenRouter's `GET /api/v1/key` costs no quota; its answer is up to a minute old.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from llm7router.calls.answers import count
from llm7router.proxies import DIRECT, Proxy
from llm7router.types import AccountLimit, Axis, Deployment, Period, Unit

if TYPE_CHECKING:
    from llm7router.clock import Clock

AGAIN_S = 600.0
TIMEOUT_S = 5.0
BODY_BYTES = 65536


def read(body: Any) -> AccountLimit | None:
    """`data.free_model_daily_requests{used, limit}` of OpenRouter's answer, or None: it is as hostile as any other."""
    data = body.get("data") if isinstance(body, dict) else None
    daily = data.get("free_model_daily_requests") if isinstance(data, dict) else None
    if not isinstance(daily, dict):
        return None
    used, most = count(daily.get("used")), count(daily.get("limit"))
    return AccountLimit(Axis(Unit.REQUESTS, Period.DAY), used, most) if most and used is not None else None


class Accounts:
    """Asks, remembers when it asked, and keeps what was told until somebody takes it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._asked_at: dict[str, float] = {}
        self._told: dict[str, AccountLimit] = {}
        self._asking: set[asyncio.Task[None]] = set()

    def ask(self, deployment: Deployment, proxy: Proxy = DIRECT) -> None:
        """Begin to ask, if it is time."""
        account, now = deployment.provider_cell, self._clock.monotonic()
        if not deployment.account_url or now - self._asked_at.get(account, float("-inf")) < AGAIN_S:
            return
        self._asked_at[account] = now
        task = asyncio.ensure_future(self._ask(deployment, proxy))
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    def take(self, deployment: Deployment) -> AccountLimit | None:
        """What was told since somebody last took it."""
        return self._told.pop(deployment.provider_cell, None)

    async def aclose(self) -> None:
        """Give up what is still asked."""
        for task in tuple(self._asking):
            task.cancel()
        await asyncio.gather(*self._asking, return_exceptions=True)

    async def _ask(self, deployment: Deployment, proxy: Proxy) -> None:
        import httpx

        from llm7router import proxied

        assert deployment.account_url is not None
        key = deployment.api_key.reveal() if deployment.api_key else ""
        try:
            async with proxied.client(proxy, timeout=TIMEOUT_S) as client:
                answer = await client.get(deployment.account_url, headers={"Authorization": f"Bearer {key}"})
            if answer.status_code == 200 and len(answer.content) <= BODY_BYTES:
                told = read(answer.json())
                if told is not None:
                    self._told[deployment.provider_cell] = told
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, RecursionError):
            return  # the configured limits stay
