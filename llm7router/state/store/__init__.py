"""Stores: where cells are kept. `open_store` chooses by `state.store` of router.yaml."""

from __future__ import annotations

from pathlib import Path

from llm7router.config.models import StateConfig
from llm7router.errors import ConfigError
from llm7router.state.store.base import Store
from llm7router.state.store.memory import MemoryStore
from llm7router.state.store.mounts import network_mount


def open_store(config: StateConfig) -> Store:
    """The store that the configuration names. Nothing is created before the first write.

    Raises:
        ConfigError: no such kind of store, or one that this installation does not have.
    """
    if config.store == "memory":
        return MemoryStore()
    if config.store == "disk":
        from llm7router.state.store.disk import DiskStore

        return DiskStore(state_directory(config))
    if config.store.startswith(("redis://", "rediss://", "unix://")):
        from llm7router.state.store.redis import RedisStore

        return RedisStore(config.store)
    raise ConfigError("state.store: no such store; use disk, memory or redis://HOST:PORT/0")


def state_directory(config: StateConfig) -> Path:
    """Where the disk store lives: `state.path`, or `state` in the user's own directory of this program."""
    if config.path:
        return Path(config.path).expanduser()
    import click

    return Path(click.get_app_dir("llm7router")) / "state"


__all__ = ["Store", "network_mount", "open_store", "state_directory"]
