"""The only user of redis-py: an address of router.yaml turned into a connection, its errors into one line each.

No message holds user name or password: the client's own texts are never passed on, they choose a line of `ADVICE`.
"""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from llm7router.errors import ConfigError, StoreError

ANSWER_S = 0.25  # to connect, and for each answer
IDLE_CHECK_S = 15  # a connection idle for longer is tried before it is used
DEFAULT_NAME = "default"
NO_ADDRESS = "state.store: not a Redis address; write redis://HOST:PORT/0, with special characters of a password as %XX"

ADVICE = {  # by what redis-py says, first match; `{name}` is the router's
    r"WRONGPASS|NOAUTH|AuthenticationError|Authentication required|invalid (username|password)|without any password": (
        "it refuses the user name or password; correct them in the address (redis://USER:PASSWORD@HOST:PORT/0)"
    ),
    r"NOPERM|NoPermission|no permissions|can't access at least one|can't run this command": (
        "the user may not do what is needed; run: ACL SETUSER USER '~{{llm7router:{name}}}' "
        "+eval +evalsha +hget +hmget +hgetall +hset +hdel +time +ping +select"
    ),
    r"gaierror|Name or service not known|nodename nor servname|getaddrinfo": "no such host; correct the address",
    r"Connection refused": "nothing listens there; start Redis, or correct the address",
    r"MOVED|CLUSTERDOWN|CROSSSLOT": "it is one node of a cluster; give the address of a single Redis",
    r"READONLY|read only replica": "it is a read-only replica; give the address of the primary",
    r"\bOOM\b|maxmemory|OutOfMemory": "its memory is full; raise maxmemory, with maxmemory-policy noeviction",
    r"MISCONF": "it cannot save to its disk and refuses writes; free some space there",
    r"WRONGTYPE": "the key {{llm7router:{name}}} is of another program; give another ?name= in the address",
    r"LOADING": "it is still loading its data; wait a moment",
    r"DENIED": "it is in protected mode; set a password, and give it in the address",
    r"max number of clients": "it has too many clients; raise maxclients",
    r"DB index|out of range|Invalid Database": "it has no database of that number; correct the end of the address",
    r"NOSCRIPT|unknown command|BUSY ": "it does not run scripts now; Redis 5 or newer, with EVAL allowed, is needed",
    r"SSL|CERTIFICATE|certificate": "no TLS connection (rediss://); check its certificate, or ?ssl_ca_certs=FILE",
    r"Timeout|timed out": f"no answer within {ANSWER_S} s; check that it runs and can be reached",
    r"ConnectionError|OSError": "the connection was lost; check that it runs and can be reached",
}


@dataclass(frozen=True, slots=True)
class Address:
    """A Redis and a name in it. `where` is what may be shown; `url` holds the password."""

    url: str = field(repr=False)
    where: str
    name: str

    @property
    def key(self) -> str:
        """The hash of this router. The braces keep it in one slot of a cluster."""
        return f"{{llm7router:{self.name}}}"


def parse(store: str) -> Address:
    """The address in `state.store`: redis://, rediss:// or unix://, with `?name=` to tell routers apart.

    Raises:
        ConfigError: it has no such shape, or asks for something that is not this program's to set.
    """
    try:
        parts = urlsplit(store)
        host, port = parts.hostname or "", parts.port
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
    except ValueError:
        raise ConfigError(NO_ADDRESS) from None
    if parts.fragment or not (parts.path if parts.scheme == "unix" else host):
        raise ConfigError(NO_ADDRESS)
    name = query.pop("name", DEFAULT_NAME)
    if not re.fullmatch(r"[\w.-]{1,64}", name, re.ASCII):
        raise ConfigError("state.store: the name must be 1 to 64 letters, digits, `.`, `_` or `-` (?name=team)")
    # Timeouts and the like are the store's own: redis-py would take them from the address.
    if any(key not in {"db", "username", "password"} and not key.startswith("ssl_") for key in query):
        raise ConfigError("state.store: of options the address may hold name, db and ssl_... only")
    if parts.scheme == "unix":
        where = f"unix://{parts.path}"
    else:
        where = f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{port or 6379}{parts.path.rstrip('/')}"
    url = store.partition("?")[0] + (f"?{urlencode(query)}" if query else "")
    return Address(url, where, name)


def connection(address: Address) -> Any:
    """A connection; nothing is sent yet. The store has one thread, so it needs no pool around it: that costs as much
    as half a round trip.

    Raises:
        ConfigError: redis-py is not installed, or does not understand the address.
    """
    redis = _library()
    try:
        pool = redis.ConnectionPool.from_url(
            address.url,
            decode_responses=True, encoding_errors="replace", protocol=2,
            # Its defaults take 4 s to report a refused connection.
            retry=redis.retry.Retry(redis.backoff.NoBackoff(), 0),
            socket_timeout=ANSWER_S, socket_connect_timeout=ANSWER_S, health_check_interval=IDLE_CHECK_S,
        )  # fmt: skip
        return pool.make_connection()
    except (ValueError, TypeError):
        raise ConfigError(NO_ADDRESS) from None


def run(connected: Any, script: str, sha: str, key: str, arguments: list[str]) -> tuple[str, list[Any]]:
    """The reply's line and what follows it, in one round trip; in two when the server does not know the script yet."""
    redis = _library()
    try:
        reply = _ask(connected, "EVALSHA", sha, "1", key, *arguments)
    except redis.exceptions.NoScriptError:
        reply = _ask(connected, "EVAL", script, "1", key, *arguments)
    return (reply, []) if isinstance(reply, str) else (reply[0], reply[1:])


def _ask(connected: Any, *command: str) -> Any:
    """The answer. A connection that was lost is made again once, which is safe since writes have names; nothing is
    waited for twice."""
    packed = [_packed(command)]
    try:
        connected.send_packed_command(packed)
        return connected.read_response()
    except _library().ConnectionError:
        connected.disconnect()
    connected.send_packed_command(packed)
    return connected.read_response()


def _packed(command: tuple[str, ...]) -> bytes:
    """A command as Redis reads it. redis-py's own way takes three times as long."""
    parts = [b"*%d\r\n" % len(command)]
    for text in command:
        data = text.encode()
        parts += (b"$%d\r\n" % len(data), data, b"\r\n")
    return b"".join(parts)


def errors() -> tuple[type[Exception], ...]:
    """What redis-py raises when Redis cannot be used."""
    return _library().RedisError, OSError


def explain(error: BaseException, address: Address) -> StoreError:
    """The one line for an error of the client."""
    causes = [cause for cause in (error, error.__cause__, error.__context__) if cause is not None]
    kinds = [kind.__name__ for cause in causes for kind in type(cause).__mro__]
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        kinds.insert(0, "gaierror")
    said = " ".join([*(str(cause) for cause in causes), *kinds])
    line = next((advice for pattern, advice in ADVICE.items() if re.search(pattern, said)), None)
    if line is None:
        line = f"it cannot be used ({type(error).__name__}); look at its log"
    return StoreError(f"{address.where}: {line.format(name=address.name)}")


@lru_cache(maxsize=1)
def _library() -> Any:
    try:
        import redis
        import redis.backoff
        import redis.exceptions
        import redis.retry
    except ImportError:
        raise ConfigError("state.store: redis:// needs another package; run: pip install 'llm7router[redis]'") from None
    return redis
