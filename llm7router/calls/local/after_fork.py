"""What a forked child must not do with C++ libraries whose threads stayed behind in its parent."""

from __future__ import annotations

import ctypes


def keep_for_good(thing: object) -> None:
    """Never destroy it, not even when the interpreter ends: its destructor would wait for threads that are gone."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))


def skip_destructors_at_exit() -> None:
    """Let this process end without the destructors of C++ globals, for the same reason. Python's `atexit` is kept.

    glibc calls exit handlers with the exit status, last registered first; `_exit` itself serves as one. It needs
    no Python, which has ended by then. Without glibc nothing is done.
    """
    libc = ctypes.CDLL(None)
    if on_exit := getattr(libc, "on_exit", None):
        on_exit(ctypes.cast(libc._exit, ctypes.c_void_p), None)
        on_exit(ctypes.cast(libc.fcloseall, ctypes.c_void_p), None)  # what C code has printed; comes first
