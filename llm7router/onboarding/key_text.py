"""What can be a key, and how it is shown. Pure; no message repeats what was given."""

from __future__ import annotations

LONGEST = 512  # characters; providers' keys have 20 to 170
PASTE_MARKS = ("\x1b[200~", "\x1b[201~")  # what a terminal in bracketed paste mode puts around a paste
TAIL = 4  # characters shown; 20 of the rest are left to guess in the shortest of providers' keys


class KeyTextError(ValueError):
    """What was given cannot be a key; the message says why, after "it"."""


def cleaned(text: str) -> str:
    """The key without white space around it.

    Raises:
        KeyTextError: it is empty, too long, or holds what no key holds.
    """
    for mark in PASTE_MARKS:
        text = text.replace(mark, "")
    text = text.strip()
    if not text:
        raise KeyTextError("is empty")
    if len(text) > LONGEST:
        raise KeyTextError(f"is longer than any key ({len(text)} characters, at most {LONGEST})")
    if len(text.splitlines()) > 1:
        raise KeyTextError("has more than one line")
    if any(character.isspace() for character in text):
        raise KeyTextError("has a space inside")
    if not (text.isascii() and text.isprintable()):
        raise KeyTextError("has a character that no key has")
    return text


def masked(key: str) -> str:
    """The last characters of a key, if enough others stay hidden."""
    return f"…{key[-TAIL:]}" if len(key) >= 4 * TAIL else "…"
