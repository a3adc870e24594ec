"""Keys in the operating system's keyring, through the `keyring` package (the extra `manage`).

A small file in the user's directory lists the names of the variables that were stored. Without it the keyring is not
looked at, so whoever does not use it pays nothing, and no program is kept waiting by one that is locked.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from llm7router.errors import Llm7RouterError

T = TypeVar("T")

SERVICE = "llm7router"
NAMES = "keyring-names"
MOST_NAMES = 100
READ_WITHIN_S = 10.0  # a person may have to unlock it; a program that starts by itself cannot wait longer
WRITE_WITHIN_S = 60.0


class KeyringError(Llm7RouterError):
    """The keyring cannot be used; the message says why, and holds no secret."""


def unusable() -> str | None:
    """Why there is no keyring that keeps secrets, or None. The stand-ins that fail or forget do not count."""
    try:
        backend = _within(READ_WITHIN_S, lambda: _backend())
        works = backend.priority >= 1  # as `keyring` itself judges: 0 fails, -1 forgets, 0.5 writes them in clear
    except KeyringError as error:
        return str(error)
    return None if works else "this machine has no keyring that works"


def store(name: str, value: str) -> None:
    """Keep a value under the name of its variable.

    Raises:
        KeyringError: it was not kept.
    """

    def put() -> str | None:
        backend = _backend()
        backend.set_password(SERVICE, name, value)
        kept: str | None = backend.get_password(SERVICE, name)
        return kept

    if _within(WRITE_WITHIN_S, put) != value:
        raise KeyringError("the keyring did not keep the key")
    _remember(name)


def names() -> tuple[str, ...]:
    """Which variables were stored."""
    try:
        lines = _file().read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError):
        return ()
    return tuple(dict.fromkeys(lines))[:MOST_NAMES]


def fill(env: Mapping[str, str]) -> dict[str, str]:
    """`env` and what the keyring holds for names that are not set in it. Waits 10 s at most, with a warning."""
    missing = [name for name in names() if name not in env]
    if not missing:
        return dict(env)
    try:
        found = _within(READ_WITHIN_S, lambda: _read(missing))
    except KeyringError as error:
        log = logging.getLogger("llm7router")
        advice = "unlock it, or store them anew with `llm7router setup`"
        log.warning("%s, so the keys it holds are not used (%s); %s", error, _some(missing), advice)
        return dict(env)
    return {**env, **found}


def _read(wanted: list[str]) -> dict[str, str]:
    backend = _backend()
    found = {name: backend.get_password(SERVICE, name) for name in wanted}
    return {name: value for name, value in found.items() if value}


def _backend() -> Any:
    import keyring

    return keyring.get_keyring()


def _within(seconds: float, work: Callable[[], T]) -> T:
    """What `work` returns. It goes on in its thread if it takes longer: a locked keyring asks the person.

    Raises:
        KeyringError: it failed, or took longer.
    """
    outcome: list[T] = []
    trouble = ["the keyring does not answer"]

    def run() -> None:
        try:
            outcome.append(work())
        except ImportError:
            trouble[0] = "the package `keyring` is not installed (pip install 'llm7router[manage]')"
        except Exception as error:  # whatever a backend raises; its message may hold anything
            trouble[0] = f"the keyring cannot be used ({type(error).__name__})"

    thread = threading.Thread(target=run, name="llm7router-keyring", daemon=True)
    thread.start()
    thread.join(seconds)
    if not outcome:
        raise KeyringError(trouble[0])
    return outcome[0]


def _remember(name: str) -> None:
    from llm7router.replacing import replace  # imports what only who writes needs

    if name in (known := names()):
        return
    path = _file()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace(path, ("\n".join([*known, name]) + "\n").encode())
    except OSError as error:
        raise KeyringError(f"{path}: cannot be written ({error.strerror})") from None


def _file() -> Path:
    import click

    return Path(click.get_app_dir("llm7router")) / NAMES


def _some(wanted: list[str]) -> str:
    return ", ".join(wanted[:3]) + ("..." if len(wanted) > 3 else "")
