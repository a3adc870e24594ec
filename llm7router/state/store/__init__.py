"""Stores: where cells are kept. `open_store` chooses by `state.store` of router.yaml."""

from __future__ import annotations

from pathlib import Path

from llm7router.config.models import StateConfig
from llm7router.errors import ConfigError
from llm7router.state.store.base import Store
from llm7router.state.store.memory import MemoryStore


def open_store(config: StateConfig) -> Store:
    """The store that the configuration names. Nothing is created before the first write.

    Raises:
        ConfigError: a kind of store that this installation does not have.
    """
    if config.store == "memory":
        return MemoryStore()
    if config.store == "disk":
        from llm7router.state.store.disk import DiskStore

        return DiskStore(state_directory(config))
    raise ConfigError(f"state.store: {config.store.split('://')[0]} is not available yet; use `disk` or `memory`")


def state_directory(config: StateConfig) -> Path:
    """Where the disk store lives: `state.path`, or `state` in the user's own directory of this program."""
    if config.path:
        return Path(config.path).expanduser()
    import click

    return Path(click.get_app_dir("llm7router")) / "state"


__all__ = ["Store", "open_store", "state_directory"]
