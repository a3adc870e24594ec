"""Behind a firewall that signs what it reads: calls, and whatever else asks a provider, trust the same certificates."""

from __future__ import annotations

import asyncio
import json
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import pytest_asyncio

from llm7router import certificates
from llm7router.alerts.webhook import _posted, _transport
from llm7router.calls.account import Accounts
from llm7router.calls.backend import LiteLLMBackend
from llm7router.clock import SystemClock
from llm7router.onboarding import web
from llm7router.upkeep import fetch
from tests.calls.helpers import call, deployment

ANSWER = {"choices": [{"message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
          "data": {"free_model_daily_requests": {"used": 1, "limit": 50}}}  # fmt: skip


@pytest_asyncio.fixture
async def vendor(tmp_path: Path) -> AsyncIterator[str]:
    """A provider on loopback with the certificate `cert.pem`, which nobody knows."""
    if not (openssl := shutil.which("openssl")):
        pytest.skip("needs openssl")
    made = ["-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run([openssl, "req", "-x509", *made, *files], cwd=tmp_path, check=True, capture_output=True)
    name = subprocess.check_output([openssl, "x509", "-hash", "-noout", "-in", "cert.pem"], cwd=tmp_path, text=True)
    (tmp_path / "known").mkdir()
    shutil.copy(tmp_path / "cert.pem", tmp_path / "known" / f"{name.strip()}.0")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    body = json.dumps(ANSWER).encode()
    head = (
        f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65536)
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context) as server:
        yield f"https://localhost:{server.sockets[0].getsockname()[1]}"


async def called(url: str) -> str:
    backend = LiteLLMBackend()
    outcome = await backend.complete(call(f"{url}/v1"))
    await backend.aclose()
    return "" if outcome.ok else outcome.detail


async def looked_at(url: str) -> str:
    try:
        async with fetch.client() as http:
            await fetch.get(http, url, SystemClock(), within_s=5)
    except fetch.FetchError as error:
        return str(error)
    return ""


async def set_up(url: str) -> str:
    try:
        await web.fetch(url)
    except web.NoAnswerError as error:
        return str(error)
    return ""


async def account_asked(url: str) -> str:
    accounts, target = Accounts(SystemClock()), deployment(url, account_url=f"{url}/key")
    accounts.ask(target)
    await asyncio.gather(*accounts._asking)
    return "" if accounts.take(target) else "nothing told, as without a certificate that is trusted"


async def alerted(url: str) -> str:
    try:
        async with _transport() as transport:
            await _posted(transport, url, {}, b"{}")
    except OSError as error:
        return f"certificate {error}"
    return ""


WHO = [called, looked_at, set_up, account_asked, alerted]


@pytest.mark.parametrize("who", WHO, ids=lambda who: who.__name__)
async def test_what_ssl_cert_file_and_dir_name_is_trusted_by_calls_and_by_all_else(
    vendor: str, who: Callable[[str], Awaitable[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "cert.pem"))  # of another library, for nobody here
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")  # likewise for nobody
    assert "certificate" in (await who(vendor)).lower()
    for name, value in (("SSL_CERT_FILE", "cert.pem"), ("SSL_CERT_DIR", "known")):
        with monkeypatch.context() as patch:
            patch.setenv(name, str(tmp_path / value))
            assert await who(vendor) == "", name


def test_a_system_without_certificates_has_those_that_come_with_httpx(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(ssl, "create_default_context", _bare(ssl.create_default_context))
    monkeypatch.setattr(certificates, "_hashed", lambda: False)
    assert certificates._context.__wrapped__(None, None).cert_store_stats()["x509_ca"] > 50
    assert certificates._context.__wrapped__("/none", None).cert_store_stats()["x509_ca"] == 0


@pytest.mark.parametrize("place", [None, "/none", __file__], ids=["none", "gone", "a file"])
def test_a_directory_of_certificates_that_cannot_be_read_is_none(
    monkeypatch: pytest.MonkeyPatch, place: str | None
) -> None:
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: SimpleNamespace(capath=place))
    assert not certificates._hashed()


def _bare(real: Callable[..., ssl.SSLContext]) -> Callable[..., ssl.SSLContext]:
    """As on a machine whose default places are empty; what is named is loaded."""
    return lambda **named: real(**named) if named else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
