"""llama.cpp through xllamacpp, whose wheels are prebuilt: its HTTP server's core, called directly."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import xllamacpp

from llm7router.calls.local import memory
from llm7router.calls.local.after_fork import keep_for_good, skip_destructors_at_exit
from llm7router.calls.local.conversation import plain
from llm7router.calls.local.engines import PARAMETERS, Chunk, Emit, Engine, known, threads
from llm7router.calls.local.errors import (
    LocalContextError,
    LocalError,
    LocalFailedError,
    LocalModelError,
    LocalRequestError,
)

_BATCH_TOKENS = 256  # between two batches of a prompt it can be stopped: 0.8 s; no slower than its default of 2048


class XllamacppEngine:
    """One model in one slot. It can be stopped between tokens, and between batches of the prompt."""

    def __init__(self, file: Path, context: int) -> None:
        self._file = file
        self._context = context
        self._server: Any = None

    def load(self) -> None:
        """Read the model. Raises LocalModelError."""
        memory.check(self._file)
        # It opens a keyless HTTP port unless given a socket. Nobody needs that either: with its directory
        # gone at once, nobody can connect and nothing is left behind when the process is killed.
        private = tempfile.mkdtemp(prefix="llm7router-")
        _Fork.used = True
        try:
            self._server = xllamacpp.Server(self._params(private))
            # Closing a server whose loop has not begun waits for ever: a token shows that it has.
            failed = "error" in self._server.handle_completions({"prompt": "a", "n_predict": 1})
        except (RuntimeError, ValueError):
            failed = True
        finally:
            shutil.rmtree(private, ignore_errors=True)
        if failed:
            raise LocalModelError(f"{self._file}: llama.cpp cannot load this model", _ADVICE)

    def _params(self, private: str) -> Any:
        params = xllamacpp.CommonParams()
        params.model.path = str(self._file)
        params.n_ctx = self._context
        params.n_batch = _BATCH_TOKENS
        params.n_parallel = 1
        params.cpuparams.n_threads = threads()
        params.hostnames = [f"{private}/s.sock"]
        params.verbosity = -1
        params.use_jinja = True
        params.warmup = False
        return params

    def generate(self, messages: Sequence[Mapping[str, Any]], parameters: Mapping[str, Any], emit: Emit) -> None:
        """Emit the chunks of one answer; see `Engine`."""
        request = known(parameters, PARAMETERS)
        request |= {"stream": True, "stream_options": {"include_usage": True}, "return_progress": True}
        problems: list[Exception] = []

        def callback(chunk: Chunk) -> bool:
            try:  # the library swallows what is raised in here
                if "error" in chunk:
                    raise _translated(chunk["error"])
                return emit(None if "prompt_progress" in chunk else chunk)
            except Exception as error:
                problems.append(error)
                return True

        try:
            self._server.handle_chat_completions({**request, "messages": plain(messages)}, callback)
        except (RuntimeError, ValueError) as error:  # refused before it began: the template or a schema
            raise LocalRequestError(f"llama.cpp refused the request: {error}"[:300]) from None
        if problems:
            raise problems[0]

    def close(self) -> None:
        """Free the model; in a forked child of a process that had loaded one, only the child's end does."""
        if _Fork.inherited:
            keep_for_good(self._server)
        self._server = None


class _Fork:
    """Whether the library was in use before a fork.

    All models share one thread of the library. The child has not got it, and would wait for it for ever, or crash,
    when it closes a model or ends.
    """

    used = False
    inherited = False

    @classmethod
    def happened(cls) -> None:
        if cls.used and not cls.inherited:
            skip_destructors_at_exit()
            cls.inherited = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_Fork.happened)


_ADVICE = f"it may be damaged or need a newer llama.cpp; if memory is short, {memory.ADVICE}"


def _translated(error: Mapping[str, Any]) -> LocalError:
    text = str(error.get("message", "no reason given"))[:300]
    if error.get("type") == "exceed_context_size_error":
        return LocalContextError(f"the prompt of {error.get('n_prompt_tokens')} tokens exceeds the context of "
                                 f"{error.get('n_ctx')}", "shorten it, or raise context_window")  # fmt: skip
    if str(error.get("code", "")).startswith("4"):
        return LocalRequestError(f"llama.cpp refused the request: {text}")
    return LocalFailedError(f"llama.cpp failed: {text}")


def create(file: Path, context: int) -> Engine:
    """An engine that is not loaded yet."""
    return XllamacppEngine(file, context)
