"""One thread per model: it loads the model, answers one request after the other, and can be stopped."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import threading
import weakref
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import Any

from llm7router.calls.local.after_fork import keep_for_good
from llm7router.calls.local.engines import Chunk, Engine
from llm7router.calls.local.errors import LocalBusyError, LocalError, LocalFailedError

MAX_WAITING = 4  # requests; at the speed of a small model the fifth would wait for the best part of a minute
_JOIN_S = 10.0  # a batch of a long prompt takes a second or two; a hung callable never ends

Messages = Sequence[Mapping[str, Any]]


class _Job:
    """One request, and the way its chunks take from the model's thread to the event loop that waits."""

    def __init__(self, messages: Messages, parameters: Mapping[str, Any]) -> None:
        self.messages = messages
        self.parameters = parameters
        self.stopped = False  # written by one side, read by the other: an attribute is atomic
        self._loop = asyncio.get_running_loop()
        self._arrived: asyncio.Queue[Chunk | Exception | None] = asyncio.Queue()

    def emit(self, chunk: Chunk | None) -> bool:
        """Deliver a chunk; True when nobody waits for more. From the model's thread."""
        if chunk is not None and not self.stopped:
            self.deliver(chunk)
        return self.stopped

    def deliver(self, item: Chunk | Exception | None) -> None:
        """Put an item in the queue, from any thread: an exception or None ends it."""
        try:
            self._loop.call_soon_threadsafe(self._arrived.put_nowait, item)
        except RuntimeError:  # the loop was closed: nobody waits
            self.stopped = True

    async def next(self) -> Chunk | None:
        """The next chunk, None at the end. Raises what the generation raised."""
        item = await self._arrived.get()
        if isinstance(item, Exception):
            raise item
        return item


class Worker:
    """A model in a thread of its own, started and loaded at first use and kept until `close`.

    Usable from any number of event loops. At most `max_waiting` requests wait while one is answered.
    """

    def __init__(self, name: str, make: Callable[[], Engine], max_waiting: int = MAX_WAITING) -> None:
        self.name = name
        self._make = make
        self._max_waiting = max_waiting
        self._changed = threading.Condition()
        self._waiting: deque[_Job] = deque()
        self._running: _Job | None = None
        self._closed = False
        self._engine: Engine | None = None
        self._thread: threading.Thread | None = None
        _workers.add(self)

    @property
    def depth(self) -> int:
        """Requests that wait or are being answered."""
        with self._changed:
            return len(self._waiting) + (self._running is not None)

    def check(self) -> None:
        """Raise LocalBusyError if another request would be refused."""
        if self.depth > self._max_waiting:
            raise LocalBusyError(f"{self.name}: {self._max_waiting} requests wait for this model already")

    async def chunks(self, messages: Messages, parameters: Mapping[str, Any]) -> AsyncGenerator[Chunk, None]:
        """The answer as chunks of an OpenAI stream, each as soon as it exists.

        Leaving early, by cancellation or `aclose()`, stops the generation. Raises a LocalError.
        """
        job = self._submit(_Job(messages, parameters))
        try:
            while (chunk := await job.next()) is not None:
                yield chunk
        finally:
            self._abandon(job)

    def close(self, wait_s: float = _JOIN_S) -> None:
        """Stop the running answer, refuse the waiting ones and free the model. May block for `wait_s` seconds."""
        with self._changed:
            self._closed = True
            thread, running, refused = self._thread, self._running, [*self._waiting]
            self._waiting.clear()
            if running:
                running.stopped = True
            self._changed.notify()
        for job in refused:
            job.deliver(LocalFailedError(f"{self.name}: the local model was closed"))
        if thread and thread is not threading.current_thread():
            thread.join(wait_s)

    def _submit(self, job: _Job) -> _Job:
        with self._changed:
            if self._closed:
                raise LocalFailedError(f"{self.name}: the local model was closed")
            self.check()
            self._waiting.append(job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name=f"llm7router {self.name}", daemon=True)
                self._thread.start()
            self._changed.notify()
        return job

    def _abandon(self, job: _Job) -> None:
        job.stopped = True
        with self._changed, contextlib.suppress(ValueError):
            self._waiting.remove(job)

    def _serve(self) -> None:
        """The thread: one job after the other until closed."""
        while job := self._next_job():
            end: Exception | None = None
            try:
                self._answer(job)
            except LocalError as error:
                end = error
            except BaseException as error:  # also a SystemExit: it would end this thread, and the model with it
                end = LocalFailedError(f"{self.name}: {type(error).__name__}: {error}"[:300])
            with self._changed:
                self._running = None
                if end is None and job.stopped and self._closed:
                    end = LocalFailedError(f"{self.name}: the local model was closed")
            job.deliver(end)
            del job, end  # else the last answer would be kept until the next request
        if self._engine:
            self._engine.close()

    def _next_job(self) -> _Job | None:
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            self._running = None if self._closed else self._waiting.popleft()
            return self._running

    def _answer(self, job: _Job) -> None:
        if self._engine is None:
            engine = self._make()
            try:
                engine.load()
            except BaseException:
                engine.close()
                raise
            self._engine = engine
        if not job.stopped:
            self._engine.generate(job.messages, job.parameters, job.emit)


_workers: weakref.WeakSet[Worker] = weakref.WeakSet()


def _close_all() -> None:
    for worker in [*_workers]:
        worker.close()


def _forget_all() -> None:
    """In a forked child: the threads of the models are gone, so that none can be used or closed there."""
    for worker in [*_workers]:
        keep_for_good(worker._engine)
    _workers.clear()


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
