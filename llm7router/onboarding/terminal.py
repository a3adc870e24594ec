"""Questions to a person at a terminal. Hidden ones survive pastes of several lines."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any

from llm7router.errors import Llm7RouterError

try:
    import termios
except ImportError:  # Windows
    termios = None  # type: ignore[assignment]

READ_BYTES = 65536
MORE_DS = 1  # tenths of a second to wait for the rest of a paste


class InputEndedError(Llm7RouterError):
    """The terminal was closed, or Ctrl-D was pressed."""

    def __init__(self) -> None:
        super().__init__("the input ended; nothing more was stored")


def ask(question: str) -> str:
    """What the person types, without white space around it.

    Raises:
        InputEndedError: there is nobody.
    """
    try:
        return input(question).strip()
    except KeyboardInterrupt:
        print()  # noqa: T201 - the shell's prompt begins on a line of its own
        raise
    except (EOFError, OSError):
        raise InputEndedError from None
    except UnicodeDecodeError:
        return ""


def agrees(question: str) -> bool:
    """Whether the person says yes; anything else is no."""
    return ask(f"{question} (y/N) ").lower() in ("y", "yes")


def ask_hidden(question: str) -> str:
    """What the person types or pastes, all of it, without showing it.

    A paste may have several lines. What came after the first is returned too, in place of being taken for the answer
    to the next question, or by the shell for a command.

    Raises:
        InputEndedError: there is nobody.
    """
    if termios is None:
        import getpass

        try:
            return getpass.getpass(question)
        except (EOFError, OSError):
            raise InputEndedError from None
    with hidden() as fd:  # before the question: who sees it may paste at once
        termios.tcflush(fd, termios.TCIFLUSH)  # an Enter too many behind the last paste would be the answer to this
        sys.stdout.write(question)
        sys.stdout.flush()
        return read_paste(fd).decode("utf-8", "replace")


@contextlib.contextmanager
def hidden() -> Iterator[int]:
    """Nothing that is typed is shown; yields the terminal's file descriptor. What was not read is dropped.

    On Windows it does nothing, and yields -1.
    """
    if termios is None:
        yield -1
        return
    fd = sys.stdin.fileno()
    before = termios.tcgetattr(fd)
    _set(fd, before, off=termios.ECHO)
    try:
        yield fd
    finally:
        with contextlib.suppress(termios.error, OSError):  # the terminal was closed
            termios.tcsetattr(fd, termios.TCSAFLUSH, before)
        with contextlib.suppress(OSError):
            sys.stdout.write("\n")
            sys.stdout.flush()


def read_paste(fd: int) -> bytes:
    """A line of a hidden terminal, and whatever was pasted with it, ended or not.

    Raises:
        InputEndedError: there is nobody.
    """
    try:
        text = os.read(fd, READ_BYTES)
        before = termios.tcgetattr(fd)
        _set(fd, before, off=termios.ICANON, wait_ds=MORE_DS)  # else the terminal keeps a line that has no end
        try:
            while (more := os.read(fd, READ_BYTES)) and len(text) < READ_BYTES:
                text += more
        finally:
            termios.tcsetattr(fd, termios.TCSANOW, before)
    except (OSError, termios.error):
        raise InputEndedError from None
    if not text:
        raise InputEndedError
    return text


def _set(fd: int, attributes: list[Any], *, off: int, wait_ds: int | None = None) -> None:
    changed = [*attributes[:6], list(attributes[6])]
    changed[3] &= ~off
    if wait_ds is not None:
        changed[6][termios.VMIN], changed[6][termios.VTIME] = 0, wait_ds
    termios.tcsetattr(fd, termios.TCSANOW, changed)
