"""`proxy` in router.yaml, as commands go by it; and what they say to a person whose environment names one in vain."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from llm7router.cli import main
from tests import guard
from tests.forward_proxy import HOST, ForwardProxy, certified
from tests.guard import CANARY
from tests.local.hub import Hub
from tests.upkeep.vendors import lists, written
from tests.upstream import Upstream

SECRET = f"{CANARY}-of-proxy"
TUNNEL = f"CONNECT {HOST}:443"


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No keys, no user files, no proxy but the one whose password is in PROXY_PASSWORD."""
    for name in list(os.environ):
        if (
            name.endswith(("_API_KEY", "_ACCOUNT_ID", "_TOKEN"))
            or name.startswith(("LLM7ROUTER_", "HF_"))
            or name.lower().endswith("_proxy")
        ):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    monkeypatch.setenv("PROXY_PASSWORD", SECRET)
    monkeypatch.setenv("COLUMNS", "250")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ForwardProxy]:
    """Through it, and not otherwise, the providers of router.yaml can be reached."""
    file, tls = certified(tmp_path, HOST)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with Upstream(tls=tls) as up, ForwardProxy(up.port) as running:
        lists(up)
        up.paths["/api.json"] = ("json_body", {"groq": {"models": {}}})
        path = written(tmp_path, up)
        text = path.read_text().replace("GROQ_API_KEY", "EXAMPLE_API_KEY")  # that is for its own host
        path.write_text(text.replace(up.base_url, f"https://{HOST}/v1"))
        yield running


def say(proxy: str) -> None:
    """Add it to router.yaml."""
    path = Path("router.yaml")
    path.write_text(path.read_text().replace("version: 1\n", f"version: 1\nproxy: {proxy}\n"))


def run(*arguments: str, input: str | None = None, **env: str | None) -> Result:
    result = CliRunner().invoke(main, arguments, env={"EXAMPLE_API_KEY": "gsk_0123456789", **env}, input=input)
    assert SECRET not in result.output
    return result


def test_doctor_setup_and_updates_go_through_it(proxy: ForwardProxy) -> None:
    say(f"http://me:${{PROXY_PASSWORD}}@{proxy.place}")
    done = run("doctor", "--no-local")
    assert "groq: reachable, its key is good" in done.output
    assert set(proxy.asked) == {TUNNEL}
    proxy.seen.clear()
    done = run("providers", "update", "--models-dev", f"https://{HOST}/api.json")
    assert done.exit_code == 0, done.output
    assert proxy.asked == [TUNNEL] * 3
    proxy.seen.clear()
    done = run("setup", "groq", "--key-stdin", "--store", "env", input="gsk_0123456789\n", EXAMPLE_API_KEY=None)
    assert "The key is good." in done.output
    assert proxy.asked == [TUNNEL]
    for arguments in (("validate",), ("validate", "--json"), ("config", "schema"), ("route", "hi"), ("providers",)):
        assert run(*arguments).exit_code == 0


def test_doctor_names_a_proxy_that_refuses(proxy: ForwardProxy) -> None:
    proxy.status = 407
    say(f"http://me:${{PROXY_PASSWORD}}@{proxy.place}")
    done = run("doctor", "--no-local")
    assert f"{HOST} cannot be reached: the proxy {proxy.place} answers 407: it wants a user name" in done.output


HINT = "HTTPS_PROXY is set but not used; `proxy: environment` in router.yaml follows it"


def test_who_cannot_reach_anybody_is_told_of_the_proxy_that_is_not_followed(proxy: ForwardProxy) -> None:
    with guard.expected() as tried:
        done = run("doctor", "--no-local", HTTPS_PROXY=proxy.url)
        assert HINT in done.output
        assert HINT not in run("doctor", "--no-local").output
        done = run("chat", "hello", HTTPS_PROXY=proxy.url)
        assert done.stderr.count(HINT) == 1
        assert HINT not in run("chat", "hello").stderr
        done = run("setup", "groq", "--key-stdin", input="gsk_0\n", HTTPS_PROXY=proxy.url, EXAMPLE_API_KEY=None)
        assert HINT in done.output
        assert proxy.asked == []
    assert tried
    say("environment")
    done = run("doctor", "--no-local", HTTPS_PROXY=proxy.url)
    assert "groq: reachable, its key is good" in done.output
    assert HINT not in done.output


def test_a_model_is_fetched_through_it_and_not_by_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub.utils._http as http

    before = http._GLOBAL_CLIENT_FACTORY
    name = "hf:someone/some-model/some-model-q4.gguf"
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1")  # httpx and huggingface_hub would fail at it
    with Hub(b"GGUF" + bytes(1000)) as hub, ForwardProxy(hub._server.server_port) as proxy:
        monkeypatch.setattr(Hub, "storage", "http://cdn.example")
        monkeypatch.setenv("HF_ENDPOINT", "http://hub.example")
        Path("router.yaml").write_text(f"version: 1\nproxy: http://me:${{PROXY_PASSWORD}}@{proxy.place}\n")
        run("local", "fetch", name)
        (file,) = (tmp_path / "hub").glob("models--*/snapshots/*/*.gguf")
        assert file.read_bytes() == hub.content
        assert {line.split("/")[2] for line in proxy.asked} == {"hub.example", "cdn.example"}
        assert all("proxy-authorization" in headers for _, headers in proxy.seen)
        asked = len(proxy.seen)
        Path("router.yaml").write_text("version: 1\n")
        with guard.expected() as tried:
            done = run("local", "fetch", name + "@v2", HTTP_PROXY=proxy.url, http_proxy=proxy.url)
        assert tried
        assert "`proxy: environment` in router.yaml follows it" in done.output
        assert len(proxy.seen) == asked
    assert http._GLOBAL_CLIENT_FACTORY is before
