"""The one door to LiteLLM. Importing this module does not import it: that takes 3 s and 150 MB.

Of LiteLLM's globals only two switches are set, both of which keep prompts and banners out of errors and of stdout,
and custom handlers are appended. A host that imported LiteLLM first keeps its environment and loggers as they are.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import sys
import threading
from concurrent.futures import Future
from types import ModuleType
from typing import Any

# Read by LiteLLM while it is imported: no download of its price list (it must be the word True), no loading of
# `.env` files into os.environ, no log lines on stdout.
ENVIRONMENT = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_MODE": "PRODUCTION",
    "LITELLM_LOG": "ERROR",
}
_lock = threading.Lock()
_loaded: ModuleType | None = None
_loading_lock = threading.Lock()
_loading: Future[ModuleType] | None = None


def load_now() -> ModuleType:
    """LiteLLM, imported on first use; blocks for seconds then. Safe to call from several threads."""
    global _loaded
    with _lock:
        if _loaded is None:
            _loaded = _import()
        return _loaded


async def load() -> ModuleType:
    """LiteLLM, imported in a thread on first use, so that the running loop goes on. Leaving does not stop the import.

    The thread is one for all who wait, and no daemon: a process that ended in the middle of an import would crash.
    """
    return _loaded if _loaded is not None else await asyncio.wrap_future(_begun())


def _begun() -> Future[ModuleType]:
    """The import that goes on, begun if there is none."""
    global _loading
    with _loading_lock:
        if _loading is None or _loading.done():
            _loading = Future()
            _loading.set_running_or_notify_cancel()  # so that one who gives up cannot cancel it for the others
            threading.Thread(target=_load_into, args=(_loading,), name="llm7router import").start()
        return _loading


def _load_into(future: Future[ModuleType]) -> None:
    try:
        future.set_result(load_now())
    except Exception as error:
        future.set_exception(error)
    except BaseException as error:  # a SystemExit would end the loop that waits
        future.set_exception(ImportError(repr(error)))


def is_loaded() -> bool:
    """Whether a call would not have to wait for the import."""
    return _loaded is not None


def register_handler(name: str, handler: Any) -> None:
    """Serve `name/<model>` from a `litellm.CustomLLM`. A later handler of the same name takes the place of an earlier.

    The list is changed, never replaced: the host may have handlers of its own in it.
    """
    providers = load_now().custom_provider_map
    with _lock:
        providers[:] = [entry for entry in providers if entry["provider"] != name]
        providers.append({"provider": name, "custom_handler": handler})


def _import() -> ModuleType:
    first = "litellm" not in sys.modules
    if first:
        for name, value in ENVIRONMENT.items():
            os.environ.setdefault(name, value)
    module = importlib.import_module("litellm")
    for logger in map(logging.getLogger, ("LiteLLM", "openai")):
        if first and logger.level == logging.NOTSET:
            logger.setLevel(logging.WARNING)  # their debug lines hold prompts, for whoever logs everything
    module.suppress_debug_info = True  # type: ignore[attr-defined]  # else each error prints two lines to stdout
    module.redact_messages_in_exceptions = True  # type: ignore[attr-defined]  # else each error carries the prompt
    return module
