"""Programs that tests start run this checkout, and not an llm7router that happens to be installed."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).parents[1]


def install() -> None:
    """For every program that gets this process's environment."""
    os.environ["PYTHONPATH"] = _path(os.environ.get("PYTHONPATH", ""))


def environment(**more: str) -> dict[str, str]:
    """For a program that gets nothing else of it than PATH and HOME."""
    home = os.environ.get("HOME", "/")
    return {"PYTHONPATH": _path(""), "PATH": os.environ["PATH"], "HOME": home, **more}


def _path(before: str) -> str:
    rest = [each for each in before.split(os.pathsep) if each not in ("", str(ROOT))]
    return os.pathsep.join([str(ROOT), *rest])
