"""What a local model must do, and which llama.cpp does it."""

from __future__ import annotations

import importlib
import importlib.util
import logging
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from llm7router.calls.local.errors import LocalModelError

Chunk = dict[str, Any]
"""A chunk of an OpenAI stream."""

Emit = Callable[[Chunk | None], bool]
"""Takes a chunk, or None for a mere question. True means: nobody wants the rest, return at once."""

PARAMETERS = frozenset({  # what the llama.cpp engines know. Not `n`: they give one answer, and one refuses any other
    "temperature", "top_p", "top_k", "min_p", "typical_p", "max_tokens", "stop", "seed", "presence_penalty",
    "frequency_penalty", "repeat_penalty", "response_format", "logit_bias", "tools", "tool_choice",
})  # fmt: skip

VARIABLE = "LLM7ROUTER_LOCAL_ENGINE"
_MODULES = {  # engine, and the module to load it from; the first is the reference
    "llama_cpp": "llm7router.calls.local.engine_llama_cpp",
    "xllamacpp": "llm7router.calls.local.engine_xllamacpp",
}

log = logging.getLogger("llm7router.local")
log.addHandler(logging.NullHandler())  # so that a library never writes to stderr unasked


class Engine(Protocol):
    """One loaded model. Every method is called from the same thread, which it may block."""

    def load(self) -> None:
        """Get ready. Raises LocalModelError."""

    def generate(self, messages: Sequence[Mapping[str, Any]], parameters: Mapping[str, Any], emit: Emit) -> None:
        """Emit the chunks of one answer: deltas, one chunk with a finish reason, and one with `usage`, if known.

        Parameters the engine does not know are ignored. Raises a LocalError.
        """

    def close(self) -> None:
        """Free memory. Never raises; may be called when `load` failed."""


def known(parameters: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    """Those parameters that an engine knows and that say something; OpenAI's newer name of `max_tokens` is one."""
    older = {"max_tokens": parameters.get("max_completion_tokens")} | dict(parameters)
    return {name: value for name, value in older.items() if name in names and value is not None}


def threads() -> int:
    """Threads that write an answer: half the processors, since memory limits it more than they do.

    With all of them each token takes many times longer as soon as anything else runs: the threads wait for each
    other by spinning. Reading a prompt is left to the engines, which use all.
    """
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, usable // 2)


def candidates() -> list[str]:
    """The engines to try, best first: the one of the environment variable, or those installed.

    Raises LocalModelError if there is none.
    """
    if wanted := os.environ.get(VARIABLE, "").strip():
        if wanted not in _MODULES:
            raise LocalModelError(f"{VARIABLE}={wanted}: no such engine", f"use {' or '.join(_MODULES)}")
        return [wanted]
    if installed := [name for name in _MODULES if importlib.util.find_spec(name)]:
        return installed
    raise LocalModelError(
        "no llama.cpp engine is installed",
        "pip install 'llm7router[fast-local]' (seconds) or 'llm7router[local]' (compiles for minutes)",
    )


def create(file: Path, context: int) -> Engine:
    """An engine for `file` with a context of so many tokens, imported but not loaded.

    An installed engine that cannot be imported is logged, and the next one is tried. Raises LocalModelError.
    """
    broken = []
    for name in candidates():
        try:
            importlib.import_module(name)
            engine: Engine = importlib.import_module(_MODULES[name]).create(file, context)
        except Exception as error:  # a missing shared library is an OSError or a RuntimeError, by platform
            broken.append(f"{name}: {error}"[:200])
            log.warning("llama.cpp engine %s is installed but cannot be imported: %s", name, error)
        else:
            return engine
    raise LocalModelError(
        f"no llama.cpp engine can be imported ({'; '.join(broken)})",
        "repair it: pip install --force-reinstall 'llm7router[fast-local]'",
    )
