"""Whose a file is and who may write it, which a new file in its place must not change."""

from __future__ import annotations

import os
import shutil
import stat
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


def passed_on(path: Path, to: Path) -> None:
    """Give `to` the mode, the owner and the group of `path`.

    Raises:
        OSError: it is somebody else's, and this is not root.
    """
    was, now = path.stat(), to.stat()
    if (was.st_uid, was.st_gid) != (now.st_uid, now.st_gid):
        os.chown(to, was.st_uid, was.st_gid)  # on Windows both are 0
    shutil.copymode(path, to)
