"""Keeps llama-cpp-python silent in the threads of local models, without a trace anywhere else.

With `verbose=False` it still prints errors to stderr, and it silences the loading of a model by pointing the
process's stdout and stderr at nothing: what other threads print at that time would be lost. Both are replaced
here by versions that look at which thread they are in, so that a host's own use of the library is unchanged.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

from llama_cpp import _internals, _logger, _utils, llama, llama_chat_format, llama_cpp

_quiet_threads: set[int] = set()
_errors: deque[str] = deque(maxlen=20)
_LEVEL_ERROR = 4  # GGML_LOG_LEVEL_ERROR; the table in _logger.py is one off


def enter() -> None:
    """From now on the current thread is silent."""
    _install()
    _quiet_threads.add(threading.get_ident())


def leave() -> None:
    """The current thread ends: its number may be given to another one."""
    _quiet_threads.discard(threading.get_ident())


def last_error() -> str:
    """The last line that the C library logged as an error in a silent thread, then forgotten."""
    lines = [line for line in _errors if line.strip()]
    _errors.clear()
    return lines[-1].strip()[:200] if lines else ""


class _ThreadAware(_utils.suppress_stdout_stderr):  # type: ignore[misc, unused-ignore]
    """Does nothing in silent threads."""

    def __init__(self, disable: bool = True) -> None:
        super().__init__(disable or threading.get_ident() in _quiet_threads)


@llama_cpp.llama_log_callback  # type: ignore[misc, untyped-decorator, unused-ignore]
def _log(level: int, text: bytes, user_data: Any) -> None:
    if threading.get_ident() not in _quiet_threads:
        _logger.llama_log_callback(level, text, user_data)
    elif level == _LEVEL_ERROR:
        _errors.append(text.decode("utf-8", "replace"))


def _install() -> None:
    for module in (llama, _internals, llama_chat_format):
        module.suppress_stdout_stderr = _ThreadAware  # type: ignore[misc, attr-defined, unused-ignore]
    llama_cpp.llama_log_set(_log, None)
