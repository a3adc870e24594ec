"""Alerts: shares of budgets and daily limits, open breakers, rejected keys, and nobody left to answer.

`alerts` in router.yaml says which and where; they always go to the log (`llm7router`, as warnings). In a program:

    router.alerts.add(lambda alert: print(alert.kind, alert.text))

Each is told once a window, or once until it is over, by one of all processes that share a store; a process that is
killed at that moment takes it along. A webhook gets JSON,
{"id", "kind", "subject", "text", "at", "limit", "share", "used", "max"}, signed as `llm7router.alerts.verify` says.
"""

from llm7router.alerts.alert import Alert, Kind
from llm7router.alerts.signature import sign, verify
from llm7router.alerts.watch import Alerts

__all__ = ["Alert", "Alerts", "Kind", "sign", "verify"]
