"""The hook that tells alerts: after each request it looks at what was tried, and at nothing else."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence

from llm7router.alerts.alert import Alert
from llm7router.alerts.detect import ALERTS, Found, Seen, claim, detect
from llm7router.alerts.webhook import Webhook
from llm7router.clock import Clock
from llm7router.config.alert_models import AlertsConfig
from llm7router.events import RequestEvent
from llm7router.proxies import DIRECT, Proxy
from llm7router.state.cells import EMPTY, Cell
from llm7router.state.ledger import Ledger
from llm7router.types import Deployment

log = logging.getLogger("llm7router")

Listener = Callable[[Alert], None]


class Alerts:
    """Tells the log, the webhook and every listener. What was told is kept in the store, so that it is told once."""

    def __init__(self, ledger: Ledger, clock: Clock, deployments: Callable[[], tuple[Deployment, ...]]) -> None:
        self._ledger, self._clock, self._deployments = ledger, clock, deployments
        self._shares: Sequence[float] = ()
        self._callers: Mapping[str, Deployment] = {}
        self._address: tuple[object, ...] | None = None  # of the webhook, with its secret and the proxy
        self._webhook: Webhook | None = None
        self._former: list[Webhook] = []  # that still have something to send
        self._dropped = 0  # by those before them
        self._listeners: list[Listener] = []
        self._claims: set[asyncio.Task[None]] = set()
        self._own: dict[str, float] = {}  # what was told while the store could not be used

    @property
    def dropped(self) -> int:
        """Alerts that the webhook did not get."""
        return self._dropped + sum(webhook.dropped for webhook in self._webhooks)

    @property
    def _webhooks(self) -> list[Webhook]:
        return [*self._former, *([self._webhook] if self._webhook else [])]

    def configure(
        self,
        config: AlertsConfig,
        callers: Mapping[str, Deployment],
        env: Mapping[str, str],
        proxy: Proxy = DIRECT,
    ) -> None:
        """Go by a configuration, the first or an edited one. What waits for a former webhook is still sent there."""
        self._shares, self._callers = config.shares, callers
        hook = config.webhook
        address = (hook, env[hook.secret_env], proxy) if hook else None
        if address == self._address:
            return
        former = self._webhooks
        self._former = [webhook for webhook in former if not webhook.idle]
        self._dropped += sum(webhook.dropped for webhook in former if webhook not in self._former)
        self._address = address
        self._webhook = Webhook(hook, env[hook.secret_env], self._clock, proxy=proxy) if hook else None

    def add(self, listener: Listener) -> None:
        """Call it with each `Alert`. It runs in the event loop, so it must be quick; what it raises is logged."""
        self._listeners.append(listener)

    def __call__(self, event: RequestEvent) -> None:
        """Look at a request that has ended. Nothing is waited for."""
        snapshot = self._ledger.known(self._deployments())
        found, over = detect(self._seen(event), snapshot, self._shares)
        if found or over:
            task = asyncio.get_running_loop().create_task(self._claim(found, over))
            self._claims.add(task)
            task.add_done_callback(self._claims.discard)

    async def aclose(self) -> None:
        """Tell what was found, and wait some seconds at most for the webhook."""
        loop = asyncio.get_running_loop()
        await asyncio.gather(*(c for c in self._claims if c.get_loop() is loop), return_exceptions=True)
        await asyncio.gather(*(webhook.aclose() for webhook in self._webhooks))

    def _seen(self, event: RequestEvent) -> Seen:
        caller = self._callers.get(event.request.caller or "")
        callers = (caller,) if caller is not None else ()
        if not event.attempts:
            return Seen((), callers)
        decision, names = event.decision, {attempt.deployment for attempt in event.attempts}
        scored = (*decision.ranking, *decision.last_resort) if decision else ()
        known = {s.deployment.id: s.deployment for s in scored if s.deployment.id in names}  # with the caller's budget
        if len(known) < len(names):  # somebody else went on with a text that broke off
            known |= {d.id: d for d in self._deployments() if d.id in names - set(known)}
        tried = [(known[a.deployment], a.failure) for a in event.attempts if a.deployment in known]
        return Seen(tried, callers)

    async def _claim(self, found: list[Found], over: list[str]) -> None:
        """Tell what nobody else has told: who writes it into the store first does."""
        now = self._ledger.now()

        def change(cells: Mapping[str, Cell]) -> tuple[list[Alert], dict[str, Cell]]:
            cell = cells.get(ALERTS, EMPTY)
            told, leases = claim({**self._own, **cell.leases}, found, over, now)
            return told, {ALERTS: cell._replace(leases=leases)}

        told = await self._ledger.write((ALERTS,), change)
        if told is None:
            told, self._own = claim(self._own, found, over, now)
        else:
            self._own = {}
        for alert in told:
            self._tell(alert)

    def _tell(self, alert: Alert) -> None:
        log.warning("alert: %s", alert.text)
        for listener in (*self._listeners, *([self._webhook.put] if self._webhook else [])):
            try:
                listener(alert)
            except Exception as fault:  # whoever is told must not harm what is told
                name = getattr(listener, "__qualname__", type(listener).__name__)
                log.error("the listener %s failed: %s", name, type(fault).__name__)
