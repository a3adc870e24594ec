"""Puts keys where `config.load` finds them: the system's keyring, or a `.env`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from llm7router.config import system_keyring
from llm7router.onboarding import env_file

Store = Literal["keyring", "env"]


def chosen(wanted: Store | None, config: Path, name: str) -> Store:
    """Where a key goes: as the person wants, else to a `.env` that sets it already, else to a keyring that works.

    Raises:
        KeyringError: a keyring is wanted, and there is none that works.
    """
    if wanted == "env" or (wanted is None and env_file.holder(config, name)):
        return "env"
    if (trouble := system_keyring.unusable()) is None:
        return "keyring"
    if wanted == "keyring":
        raise system_keyring.KeyringError(f"{trouble}; use --store env")
    return "env"


def origin(config: Path, name: str) -> str | None:
    """Where the value of a variable comes from, as `config.load` finds it: the first that sets it."""
    if name in os.environ:
        return "the environment"
    if path := env_file.holder(config, name):
        return str(path)
    return "the keyring" if name in system_keyring.names() else None


def check(wanted: Store | None, config: Path, name: str) -> None:
    """Whether `keep` will store a value, as far as that can be told before there is one.

    Raises:
        KeyringError, EnvFileError: it will not.
    """
    if chosen(wanted, config, name) == "env":
        env_file.check(env_file.place(config, name))


def keep(wanted: Store | None, config: Path, name: str, value: str) -> list[str]:
    """Store a value; returns where it is and what else the person should know.

    Raises:
        KeyringError, EnvFileError: it was not stored.
    """
    notes = []
    if chosen(wanted, config, name) == "keyring":
        try:
            system_keyring.store(name, value)
            return ["the system's keyring"]
        except system_keyring.KeyringError as error:
            if wanted == "keyring":
                raise
            notes = [f"{error}, so a file is used"]
    path = env_file.place(config, name)
    return [f"{path} (only you can read it)", *notes, *env_file.store(path, name, value)]
