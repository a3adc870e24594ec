"""Every local model of this process. Routers that use the same one share it."""

from __future__ import annotations

import asyncio
import itertools
import os
import re
import threading
import weakref
from collections.abc import Hashable
from dataclasses import dataclass, field
from pathlib import Path
from types import MethodType
from typing import Any

from llm7router.calls.local import engine_callable, engines, paths
from llm7router.calls.local.errors import LocalFailedError, LocalModelError
from llm7router.calls.local.worker import Worker
from llm7router.types import Deployment, Kind


@dataclass(slots=True, eq=False)
class _Entry:
    """A model, the handle it is called by, and who uses it."""

    handle: str
    worker: Worker
    owners: weakref.WeakSet[Any] = field(default_factory=weakref.WeakSet)

    def give_up(self, owner: object) -> bool:
        """True if `owner` was the last."""
        if owner not in self.owners:
            return False
        self.owners.discard(owner)
        return not self.owners


class _Registry:
    """Models by what makes them the same: the file and its context, or the callable."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.by_key: dict[Hashable, _Entry] = {}
        self.by_handle: dict[str, Worker] = {}
        self.files: dict[str, Path] = {}  # by `path`; looking for a package takes longer than all the rest of a call
        self.numbers = itertools.count(1)


_registry = _Registry()


def ensure(deployment: Deployment, owner: object | None = None) -> str:
    """The handle under which the model of `deployment` is called, as `llm7router_local/HANDLE`. Loads nothing yet.

    `owner`, if given, keeps the model open until its own `close`. Cheap enough to call before each request.
    Raises LocalModelError if the model cannot be used, and LocalBusyError if its queue is full.
    """
    key = _key(deployment)
    with _registry.lock:
        entry = _registry.by_key.get(key)
        if entry is None:
            entry = _registry.by_key[key] = _new(deployment, key)
            _registry.by_handle[entry.handle] = entry.worker
        if owner is not None:
            entry.owners.add(owner)
    entry.worker.check()
    return entry.handle


def worker(handle: str) -> Worker:
    """The model behind a handle. Raises LocalFailedError if it was closed meanwhile."""
    with _registry.lock:
        found = _registry.by_handle.get(handle)
    if found is None:
        raise LocalFailedError(f"{handle}: the local model was closed")
    return found


def close(owner: object | None = None) -> None:
    """Close the models that only `owner` uses, or every model. All can be used again afterwards. May block."""
    for entry in _release(owner):
        entry.worker.close()


async def aclose(owner: object | None = None) -> None:
    """`close` without blocking the event loop."""
    if released := _release(owner):
        await asyncio.gather(*(asyncio.to_thread(entry.worker.close) for entry in released))


def _release(owner: object | None) -> list[_Entry]:
    """Take the models to close out of the registry."""
    with _registry.lock:
        released = [entry for entry in _registry.by_key.values() if owner is None or entry.give_up(owner)]
        _registry.by_key = {key: entry for key, entry in _registry.by_key.items() if entry not in released}
        _registry.files.clear()
        _registry.by_handle = {entry.handle: entry.worker for entry in _registry.by_key.values()}
    return released


def _key(deployment: Deployment) -> Hashable:
    if deployment.kind is Kind.CALLABLE:
        target = deployment.target
        if target is None:
            raise LocalModelError(f"{deployment.id}: no callable was given", "pass model_callable=...")
        if isinstance(target, MethodType):  # a new object each time it is looked up
            return "callable", id(target.__self__), id(target.__func__)
        return "callable", id(target)
    if not deployment.path:
        raise LocalModelError(f"{deployment.id}: no path was given", "give the path of a GGUF file")
    file = _registry.files.get(deployment.path)
    if file is None:
        file = _registry.files[deployment.path] = paths.resolve(deployment.path)
    return "file", file, deployment.context_window


def _new(deployment: Deployment, key: Any) -> _Entry:
    handle = f"{re.sub(r'[^A-Za-z0-9._-]+', '-', deployment.model)}.{next(_registry.numbers)}"
    target = deployment.target
    if deployment.kind is Kind.CALLABLE and target is not None:
        return _Entry(handle, Worker(deployment.id, lambda: engine_callable.CallableEngine(target)))
    _, file, context = key
    engines.candidates()  # a missing engine is a fault to tell now, not at the first request
    return _Entry(handle, Worker(deployment.id, lambda: engines.create(file, context)))


def _forget() -> None:
    """In a forked child: the threads and perhaps the holder of the lock are gone, so start anew."""
    global _registry
    _registry = _Registry()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
