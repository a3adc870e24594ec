"""What can never be called as things are, found out without calling, importing or creating anything."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING

from llm7router.types import Kind, Off

if TYPE_CHECKING:
    from llm7router.config.models import BudgetConfig, StateConfig
    from llm7router.types import Decision, Deployment

DATABASE = "cache.db"  # of the disk store


def never_called(deployment: Deployment, budget: BudgetConfig) -> Off | None:
    """Why it will never be called, and what to do about it."""
    if deployment.off is not None:
        return deployment.off
    if deployment.cost is None:
        return Off("cost unknown: never called", "set `cost` in router.yaml")
    allowed = (budget.usd_per_request, budget.usd_per_day, budget.usd_per_month)
    if not deployment.free and 0 in allowed:
        return Off("over the budget (0 USD allowed)", "see `budget` in router.yaml")
    return local_fault(deployment)


def local_fault(deployment: Deployment) -> Off | None:
    """Why a model of this machine cannot run: no engine, no file, a wrong file. No engine is imported."""
    from llm7router.calls.local import engines, paths
    from llm7router.calls.local.errors import LocalModelError

    if deployment.kind is not Kind.LLAMA_CPP:
        return None
    try:
        paths.resolve(deployment.path or "")
        wanted = engines.candidates()
    except LocalModelError as error:
        return Off(f"cannot run: {error.message}", error.advice)
    if not any(importlib.util.find_spec(name) for name in wanted):
        advice = f"install it, or unset {engines.VARIABLE}"
        return Off(f"cannot run: {engines.VARIABLE}={wanted[0]} is not installed", advice)
    return None


def without_broken(decision: Decision) -> Decision:
    """The decision with models of this machine that cannot run among the rejected ones."""
    from llm7router.decision import explain
    from llm7router.types import Rejection

    found = {s.deployment.id: local_fault(s.deployment) for s in (*decision.ranking, *decision.last_resort)}
    rejections = {id: Rejection("off", off.reason, advice=off.advice) for id, off in found.items() if off is not None}
    return explain.without(decision, rejections)


def disk_trouble(config: StateConfig) -> str | None:
    """Why state could not be kept on disk, if so. Creates nothing."""
    from llm7router.errors import StoreError
    from llm7router.state.store import state_directory
    from llm7router.state.store.disk import prepare

    directory = state_directory(config)
    try:
        nearest = next(path for path in (directory, *directory.absolute().parents) if path.exists())
        if not nearest.is_dir():
            return _unusable(directory, f"{nearest} is not a directory")
        if nearest == directory:
            prepare(directory)  # makes nothing of what is there, and knows what else can be wrong with it
        database = directory / DATABASE
        if not os.access(nearest, os.W_OK | os.X_OK) or (database.exists() and not os.access(database, os.W_OK)):
            return _unusable(directory, "no permission to write")
    except StoreError as error:
        return str(error)
    except OSError as error:
        return _unusable(directory, error.strerror or str(error))
    return None


def _unusable(directory: Path, why: str) -> str:
    advice = "" if "state.path" in why or "chmod" in why else "; set state.path to a directory of your own"
    return f"{directory}: the state cannot be kept there ({why}){advice}"
