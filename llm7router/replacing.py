"""A new file in place of an old one: in one step, and whose it is and who may write it stays as it was."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path


def read_only(path: Path) -> str:
    """Its mode, as in `mode 444`, if nobody may write it; empty otherwise, or if there is none.

    Root may write anywhere, and a file can be exchanged in a directory that can be written to. But who took the right
    to write from all meant it.
    """
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return ""
    return "" if mode & 0o222 else f"mode {mode:o}"


def replace(path: Path, content: bytes, check: Callable[[Path], None] | None = None) -> None:
    """Put a file with this content in the place of `path`, whether that exists or not, so that nobody sees half of it.

    The new one is its owner's alone from the beginning; at the end it has the mode, the owner and the group of the old
    one. `check` looks at it before, and whatever it raises leaves the old one.

    Raises:
        OSError: it cannot be written, or the old one is somebody else's and this is not root.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name.lstrip('.')}.", suffix=".new")  # mode 600
    new = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if check is not None:
            check(new)
        if path.exists():
            _pass_on(path, new)
        os.replace(new, path)
    finally:
        with contextlib.suppress(OSError):
            new.unlink()


def _pass_on(path: Path, to: Path) -> None:
    """Give `to` the mode, the owner and the group of `path`."""
    was, now = path.stat(), to.stat()
    if (was.st_uid, was.st_gid) != (now.st_uid, now.st_gid):
        os.chown(to, was.st_uid, was.st_gid)  # on Windows both are 0
    shutil.copymode(path, to)
