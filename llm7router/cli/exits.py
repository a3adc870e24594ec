"""Exit codes of every command, and the way out after Ctrl-C."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import NoReturn

EXIT_FAULT, EXIT_USAGE, EXIT_NOTHING_SERVES, EXIT_INTERRUPTED = 1, 2, 3, 130


def leave() -> NoReturn:
    """End the process now, with the exit code of an interrupt.

    `sys.exit` would first wait for every thread. One of them may be importing LiteLLM, which takes seconds and cannot
    be stopped, and another Ctrl-C meanwhile would print a traceback of the interpreter's own.
    """
    with contextlib.suppress(Exception):
        if sys.stderr.isatty():
            sys.stderr.write("\x1b[?25h")  # the spinner hides the cursor
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(EXIT_INTERRUPTED)
