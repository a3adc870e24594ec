"""What only the Redis store has: a server that is away, slow, full, forgetful or of another mind."""

from __future__ import annotations

import asyncio
import builtins
import signal
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from llm7router.config.models import StateConfig
from llm7router.errors import ConfigError, StoreError
from llm7router.state.cells import VERSION, Cell
from llm7router.state.store import open_store, redis_client
from llm7router.state.store.redis import RedisStore
from tests.redis_server import RedisServer, black_hole
from tests.state.test_stores import count

PASSWORD = "canary-p%40ss%2Fword"
SECRETS = (PASSWORD, "canary-p@ss/word", "canary-user")


async def fault(store: RedisStore) -> str:
    """The one line that using the store ends in; it holds no secret."""
    with pytest.raises(StoreError) as caught:
        await store.mutate(["a"], count)
    line = str(caught.value)
    assert "\n" not in line
    assert not any(secret in line for secret in SECRETS)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    store.close()
    return line


def test_every_scheme_is_opened_and_nothing_is_sent_before_the_first_use(redis_server: RedisServer) -> None:
    for address in ("redis://127.0.0.1:1/0", "rediss://127.0.0.1:1/0", redis_server.socket_url):
        assert open_store(StateConfig(store=address)).name == "redis"


async def test_a_socket_of_the_file_system_works(redis_server: RedisServer) -> None:
    store = RedisStore(redis_server.socket_url)
    assert (await store.mutate(["a"], count))[0] == 1
    store.close()
    redis_server.admin.delete("{llm7router:default}")


async def test_routers_of_different_names_do_not_meet_and_all_of_one_is_under_one_key(
    redis_server: RedisServer,
) -> None:
    one, other = RedisStore(redis_server.url("one")), RedisStore(redis_server.url("other"))
    await one.mutate(["a"], count)
    await one.mutate([], lambda _: (None, {"b": Cell(), "c/d": Cell()}))
    assert await other.read() == {}
    assert redis_server.admin.keys("*:one*") == ["{llm7router:one}"]
    fields = redis_server.admin.hgetall("{llm7router:one}")
    assert set(fields) == {"seq", "born", "recent", "cell:a", "cell:b", "cell:c/d"}
    assert fields["cell:a"].endswith(f':{{"v":{VERSION},"streak":1}}')
    one.close()
    other.close()


@pytest.mark.parametrize(
    "address",
    [
        "redis://h:port/0",
        "redis://h/0#fragment",
        "redis:///0",
        "redis://h/0?name=a b",
        "redis://h/0?name=",
        "redis://h/0?socket_timeout=60",
        "redis://h/0?db=x",
        "redis://h/0?health_check_interval=0&name=x",
    ],
)
def test_an_address_that_is_none_or_sets_what_is_not_its_own_is_a_configuration_fault(address: str) -> None:
    with pytest.raises(ConfigError, match=r"^state\.store: ") as caught:
        RedisStore(address.replace("//", f"//canary-user:{PASSWORD}@"))
    assert not any(secret in str(caught.value) for secret in SECRETS)


def test_without_the_client_library_the_command_that_installs_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def missing(name: str, *rest: Any) -> Any:
        if name == "redis":
            raise ImportError(name)
        return real(name, *rest)

    redis_client._library.cache_clear()
    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ConfigError, match=r"pip install 'llm7router\[redis\]'"):
        RedisStore("redis://127.0.0.1:1/0")


async def test_a_wrong_password_is_one_line_without_it(own_redis: RedisServer) -> None:
    own_redis.admin.config_set("requirepass", "right")
    own_redis.admin.auth("right")
    for user in (f"canary-user:{PASSWORD}@", f":{PASSWORD}@", ""):
        line = await fault(RedisStore(own_redis.url("x", user)))
        assert line.startswith(f"redis://127.0.0.1:{own_redis.port}/0: it refuses the user name or password;")
    store = RedisStore(own_redis.url("x", ":right@"))
    assert (await store.mutate(["a"], count))[0] == 1
    assert "right" not in repr(store._address)
    store.close()


async def test_the_user_that_the_advice_names_may_do_everything_and_no_more(own_redis: RedisServer) -> None:
    own_redis.admin.execute_command("ACL", "SETUSER", "canary-user", "on", ">canary-p@ss/word", "+ping")
    address = own_redis.url("team", f"canary-user:{PASSWORD}@")
    line = await fault(RedisStore(address))
    assert "run: ACL SETUSER USER '~{llm7router:team}' +eval" in line
    rules = line.split("ACL SETUSER USER ")[1].replace("'", "").split()
    own_redis.admin.execute_command("ACL", "SETUSER", "canary-user", *rules)
    store = RedisStore(address)
    assert (await store.mutate(["a"], count))[0] == 1
    assert await store.read() == {"a": Cell(streak=1)}
    other = RedisStore(address)
    assert (await other.mutate(["a"], count))[0] == 2, "after it was overtaken"
    other.close()
    store.close()
    assert "may not do what is needed" in await fault(RedisStore(own_redis.url("other", f"canary-user:{PASSWORD}@")))


async def test_it_keeps_going_over_a_restart_and_a_flush_of_the_scripts(own_redis: RedisServer) -> None:
    store = RedisStore(own_redis.url("x"))
    await store.mutate(["a"], count)
    own_redis.stop()
    own_redis.start()
    assert (await store.mutate(["a"], count))[0] == 2
    own_redis.admin.script_flush()
    assert (await store.mutate(["a"], count))[0] == 3
    own_redis.admin.script_flush()
    assert (await store.read()) == {"a": Cell(streak=3)}
    store.close()


async def test_while_it_is_away_each_use_is_a_store_error_and_then_all_is_well_again(own_redis: RedisServer) -> None:
    store = RedisStore(own_redis.url("x"))
    await store.mutate(["a"], count)
    own_redis.stop(signal.SIGKILL)
    for _ in range(3):
        with pytest.raises(StoreError, match="nothing listens there; start Redis"):
            await store.mutate(["a"], count)
    own_redis.start()
    assert (await store.mutate(["a"], count))[0] == 2
    store.close()


async def test_a_paused_server_is_given_up_after_a_quarter_second(own_redis: RedisServer) -> None:
    store = RedisStore(own_redis.url("x"))
    await store.mutate(["a"], count)
    own_redis.admin.execute_command("CLIENT", "PAUSE", "900")
    began = time.monotonic()
    with pytest.raises(StoreError, match="no answer within"):
        await store.mutate(["a"], count)
    assert time.monotonic() - began < 0.45
    await asyncio.sleep(1)
    result, _ = await store.mutate(["a"], count)
    assert result in (2, 3), "what timed out may have been done after all: counted at most once"
    store.close()


async def test_a_refused_connection_is_answered_at_once() -> None:
    began = time.monotonic()
    assert "nothing listens there" in await fault(RedisStore(f"redis://canary-user:{PASSWORD}@127.0.0.1:1/0"))
    assert time.monotonic() - began < 0.6


async def test_a_black_hole_is_given_up_after_a_quarter_second() -> None:
    with black_hole() as port:
        store, began = RedisStore(f"redis://canary-user:{PASSWORD}@127.0.0.1:{port}/0"), time.monotonic()
        assert "no answer within 0.25 s" in await fault(store)
        assert time.monotonic() - began < 0.6


async def test_an_unknown_host_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert await fault(RedisStore(f"redis://canary-user:{PASSWORD}@redis.invalid/0")) == (
        "redis://redis.invalid:6379/0: no such host; correct the address"
    )


def out_of_memory(server: RedisServer) -> None:
    server.admin.config_set("maxmemory", "1")


def replica(server: RedisServer) -> None:
    server.admin.execute_command("REPLICAOF", "127.0.0.1", "1")


def of_another_program(server: RedisServer) -> None:
    server.admin.set("{llm7router:x}", "mine")


def of_a_newer_program(server: RedisServer) -> None:
    server.admin.hset("{llm7router:x}", "cell:a", f'12:{{"v":{VERSION + 1}}}')


def without_scripts(server: RedisServer) -> None:
    server.admin.execute_command("ACL", "SETUSER", "default", "-eval", "-evalsha")


@pytest.mark.parametrize(
    ("arrange", "says"),
    [
        (out_of_memory, "its memory is full; raise maxmemory"),
        (replica, "it is a read-only replica; give the address of the primary"),
        (of_another_program, "the key {llm7router:x} is of another program; give another ?name="),
        (of_a_newer_program, "written by a newer llm7router"),
        (without_scripts, "may not do what is needed; run: ACL SETUSER"),
    ],
    ids=lambda value: value.__name__.replace("_", " ") if callable(value) else "",
)
async def test_a_server_that_cannot_serve_is_one_line_with_what_to_do(
    own_redis: RedisServer, arrange: Callable[[RedisServer], None], says: str
) -> None:
    arrange(own_redis)
    assert says in await fault(RedisStore(own_redis.url("x")))


async def test_no_database_of_that_number_is_said(redis_server: RedisServer) -> None:
    assert "no database of that number" in await fault(RedisStore(redis_server.url("x").replace("/0?", "/99?")))


async def test_a_server_without_tls_is_said(redis_server: RedisServer) -> None:
    line = await fault(RedisStore(redis_server.url("x").replace("redis://", "rediss://")))
    assert "no TLS connection" in line or "no answer" in line or "connection was lost" in line
