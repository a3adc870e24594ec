"""The wait for a code, with a terminal in this process."""

from __future__ import annotations

import os
import pty
import sys
from collections.abc import Iterator

import pytest

from llm7router.config.load import load, packaged
from llm7router.config.models import ProviderConfig
from llm7router.onboarding import consent
from llm7router.onboarding.pkce import ConsentError
from llm7router.onboarding.terminal import InputEndedError

CONFIG: ProviderConfig = next(spec.config for spec in load(packaged(), env={}).providers if spec.name == "openrouter")


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Where a person types; the test reads what is shown."""
    keys, screen = pty.openpty()
    with os.fdopen(screen, "r") as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield keys
    os.close(keys)


async def test_a_wait_that_nobody_answers_has_an_end(keyboard: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consent, "WITHIN_S", 0.05)
    with pytest.raises(ConsentError, match=r"nothing came within"):
        await consent.key_by_consent(CONFIG, lambda _: None, lambda _: None)


async def test_what_is_typed_is_not_shown_and_the_terminal_shows_again_afterwards(keyboard: int) -> None:
    os.write(keyboard, b"k\n")  # before the wait began
    os.read(keyboard, 100)  # shown: the kernel does that in its own time, and not at all once echo is off
    assert await consent.key_by_consent(CONFIG, lambda _: None, lambda _: None) is None
    os.write(keyboard, b"visible")
    assert os.read(keyboard, 100) == b"visible"


async def test_a_terminal_that_ends_ends_the_wait(keyboard: int) -> None:
    os.write(keyboard, b"\x04")
    with pytest.raises(InputEndedError):
        await consent.key_by_consent(CONFIG, lambda _: None, lambda _: None)
