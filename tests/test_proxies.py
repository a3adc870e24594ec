"""Which proxy leads where, as router.yaml says it; and that nothing prints what stands in its address."""

from __future__ import annotations

from pathlib import Path

import pytest

from llm7router.config import from_data
from llm7router.config.load import load
from llm7router.errors import ConfigError
from llm7router.proxies import Proxy
from tests.guard import CANARY

API = "https://api.example/v1"
NAMES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment without proxies."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def through(said: str | None, url: str = API) -> str:
    hop = Proxy(said).to(url)
    return "directly" if hop is None else hop.fault or hop.address


def test_nothing_said_is_no_proxy_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES[:3]:
        monkeypatch.setenv(name.upper(), "http://p.example:1")
    assert through(None) == "directly"
    assert through("http://own.example:3128") == "http://own.example:3128"


@pytest.mark.parametrize("said", ["http://p.example:1", "environment"])
@pytest.mark.parametrize(
    "host", ["localhost", "localhost.", "LOCALHOST", "127.0.0.1", "127.8.9.1", "[::1]", "[::ffff:127.0.0.1]", "0x7f.1"]
)
def test_this_machine_is_asked_directly(monkeypatch: pytest.MonkeyPatch, said: str, host: str) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://p.example:1")
    assert through(said, f"http://{host}:8080/v1") == "directly"
    assert through(said) == "http://p.example:1"


def test_the_environment_is_followed_where_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert through("environment") == "directly"
    monkeypatch.setenv("HTTP_PROXY", "h.example:80")
    assert through("environment") == "directly"
    assert through("environment", "http://hub.example/x") == "http://h.example:80"
    monkeypatch.setenv("REQUEST_METHOD", "GET")  # CGI: the variable is a header that a stranger sent
    assert through("environment", "http://hub.example/x") == "directly"
    monkeypatch.setenv("ALL_PROXY", "all.example:3")
    assert through("environment") == "http://all.example:3"
    monkeypatch.setenv("HTTPS_PROXY", "https://large.example")
    assert through("environment") == "https://large.example:443"
    monkeypatch.setenv("https_proxy", "small.example")
    assert through("environment") == "http://small.example:80"


@pytest.mark.parametrize(
    ("listed", "host", "asked"),
    [
        ("*", "api.example", "directly"),
        ("other.example, api.example", "api.example", "directly"),
        ("API.example", "api.EXAMPLE", "directly"),
        (".example", "api.example", "directly"),
        ("example", "api.example", "directly"),
        ("pi.example", "api.example", "http://p.example:1"),
        ("api.example.org", "api.example", "http://p.example:1"),
        ("10.0.0.0/8", "10.1.2.3", "directly"),
        ("10.0.0.0/8", "11.1.2.3", "http://p.example:1"),
        ("[2001:db8::1]", "[2001:db8::1]", "directly"),
        ("2.3", "10.1.2.3", "http://p.example:1"),
        (" , .", "api.example", "http://p.example:1"),
    ],
)
def test_no_proxy_lists_names_domains_addresses_and_networks(
    monkeypatch: pytest.MonkeyPatch, listed: str, host: str, asked: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://p.example:1")
    monkeypatch.setenv("NO_PROXY", listed)
    assert through("environment", f"https://{host}/v1") == asked


def test_a_proxy_of_another_kind_is_not_passed_by(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"socks5://me:{CANARY}@p.example:1080")
    said = through("environment")
    assert said.startswith("the environment's proxy: not a proxy of a kind that can be used")
    assert CANARY not in said


def test_credentials_are_apart_from_the_address_and_in_no_repr() -> None:
    hop = Proxy(f"http://me:{CANARY}%2F@p.example:8080/").to(API)
    assert hop is not None
    assert (hop.address, hop.shown, hop.auth) == ("http://p.example:8080", "p.example:8080", ("me", f"{CANARY}/"))
    assert CANARY not in repr(hop) + repr(Proxy(f"http://me:{CANARY}@p.example"))


def test_who_cannot_reach_a_provider_is_told_of_the_variable_that_is_not_followed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert Proxy().ignored(API) == ""
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:{CANARY}@p.example:1")
    assert Proxy().ignored(API) == ("HTTPS_PROXY is set but not used; `proxy: environment` in router.yaml follows it")
    assert Proxy().ignored("http://localhost:1/v1") == ""
    assert Proxy("environment").ignored(API) == Proxy("http://p.example").ignored(API) == ""
    monkeypatch.setenv("NO_PROXY", "api.example")
    assert Proxy().ignored(API) == ""


@pytest.mark.parametrize(
    "said",
    ["null", "environment", "http://p.example:8080", "https://p.example", "http://me:${SECRET_OF_PROXY}@[::1]:3128/"],
)
def test_what_may_be_said(tmp_path: Path, said: str) -> None:
    (tmp_path / "router.yaml").write_text(f"version: 1\nproxy: {said}\n")
    loaded = load(tmp_path / "router.yaml", env={"SECRET_OF_PROXY": CANARY})
    assert CANARY not in repr(loaded)
    assert Proxy(loaded.config.proxy).to("http://localhost:1") is None


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("none", "not a proxy of a kind that can be used"),
        ("p.example:8080", "not a proxy of a kind that can be used"),
        (f"socks5://me:{CANARY}@p.example", "not a proxy of a kind that can be used"),
        (f"http://me:{CANARY}", "not the address of a proxy"),
        ("http://", "not the address of a proxy"),
        (f"http://me:12/{CANARY}@p.example", "not the address of a proxy"),
        (f"http://me:{CANARY}?@p.example", "not the address of a proxy"),
        (f"http://me:{CANARY} x@p.example", "holds a space"),
        ("${SECRET_OF_PROXY}", "not a proxy of a kind that can be used"),
        ("${SECRET_OF_ANOTHER}", "SECRET_OF_ANOTHER is not set"),
        (True, "must be text"),
        ({"url": f"http://me:{CANARY}@p.example"}, "must be text (given a mapping)"),
    ],
)
def test_what_is_no_proxy_is_a_fault_that_does_not_repeat_it(said: object, fault: str) -> None:
    with pytest.raises(ConfigError) as caught:
        from_data({"version": 1, "proxy": said}, env={"SECRET_OF_PROXY": CANARY})
    (found,) = caught.value.faults
    assert found.path == ("proxy",)
    assert found.message.startswith(fault)
    assert CANARY not in str(caught.value)
