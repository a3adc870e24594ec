"""Clients' keys: who may ask, for what, and how many requests at a time.

Only hashes are kept. A key is 256 random bits, so one SHA-256 is enough: there is nothing to guess.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from llm7router.config.check import OWN
from llm7router.config.server_models import ServerConfig
from llm7router.errors import ConfigError

PREFIX = "sk-llm7-"
FILE = "gateway.key"


@dataclass(slots=True, eq=False)
class Client:
    """A key's holder. `models` empty: anything may be asked for. `running` counts requests under way."""

    name: str
    digest: bytes
    models: frozenset[str] = frozenset()
    in_flight: int = 64
    owner: bool = False  # runs the gateway, and may see what others do
    running: int = 0

    def may_ask_for(self, model: str) -> bool:
        """Whether a name as clients give it is allowed; `auto` allows `auto:TASK`."""
        tasks = "auto" in self.models and model.startswith("auto:")
        return not self.models or tasks or model in self.models


class Keyring:
    """All keys of a gateway."""

    def __init__(self, clients: Iterable[Client]) -> None:
        self._clients = tuple(clients)

    def holder(self, key: str) -> Client | None:
        """Whose key it is. Every digest is compared, each in constant time, whichever it is."""
        digest = digest_of(key)
        found = None
        for client in self._clients:
            if hmac.compare_digest(client.digest, digest):
                found = client
        return found

    def replaced_by(self, clients: Iterable[Client]) -> Keyring:
        """A new keyring, in which who is in this one, too, keeps the count of requests under way."""
        known = {(client.name, client.digest): client for client in self._clients}
        kept = []
        for client in clients:
            if before := known.get((client.name, client.digest)):
                before.models, before.in_flight = client.models, client.in_flight
            kept.append(before or client)
        return Keyring(kept)


def digest_of(key: str) -> bytes:
    """SHA-256 of the key."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


def clients_of(config: ServerConfig, own_key: str | None) -> list[Client]:
    """Who has a key: those of the configuration, and the owner if the generated one is given."""
    clients = [
        Client(key.name, bytes.fromhex(key.sha256), frozenset(key.models), key.in_flight or config.in_flight)
        for key in config.keys
    ]
    if own_key is not None:
        clients.append(Client(OWN, digest_of(own_key), in_flight=config.in_flight, owner=True))
    return clients


def new_key() -> str:
    """A new key."""
    return PREFIX + secrets.token_urlsafe(32)


def key_file() -> Path:
    """Where the generated key is kept: in the user's configuration directory."""
    import click

    return Path(click.get_app_dir("llm7router")) / FILE


def own_key(path: Path) -> str:
    """The key in `path`, made if there is none. The file is for its owner alone from the start.

    Raises:
        ConfigError: the file cannot be made or read, others may read it, or it holds no key.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError), open(path, "x", opener=_private, encoding="ascii") as file:
            file.write(new_key() + "\n")
        if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise ConfigError(f"{path}: others can read the gateway's key; `chmod 600` it, or remove it for a new one")
        key = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {getattr(error, 'strerror', None) or 'not a key'}; make it writable or name another"
                          " with --key-file") from None  # fmt: skip
    if len(key) < 20:
        raise ConfigError(f"{path}: holds no key of at least 20 characters; remove it for a new one")
    return key


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
