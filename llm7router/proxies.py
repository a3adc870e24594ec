"""Which proxy leads to an address: one place decides, and whatever opens a connection asks it.

LiteLLM, httpx and huggingface_hub would follow the environment, each in its own way. Here router.yaml says what holds.
"""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from urllib.parse import SplitResult, unquote, urlsplit

from llm7router.config.addresses import ENVIRONMENT, host_of, is_loopback, proxy_fault


@dataclass(frozen=True, slots=True)
class Hop:
    """A proxy on the way. `address` has no credentials. A `fault` says why it cannot be used: nothing may be sent."""

    address: str
    host: str
    shown: str  # HOST:PORT
    auth: tuple[str, str] | None = field(default=None, repr=False)  # user name and password
    fault: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """What the proxy, and nobody else, is to be sent with the request for a tunnel."""
        if self.auth is None:
            return {}
        return {"Proxy-Authorization": f"Basic {b64encode(':'.join(self.auth).encode()).decode()}"}


@dataclass(frozen=True, slots=True)
class Proxy:
    """What router.yaml says under `proxy`: an address, the word `environment`, or None for none."""

    said: str | None = field(default=None, repr=False)

    def to(self, url: str) -> Hop | None:
        """The proxy through which to ask for `url`; None: it is asked directly, as is all that is on this machine."""
        if self.said is None or is_loopback(host_of(url) or ""):
            return None
        if self.said != ENVIRONMENT:
            return _hop(self.said, "proxy")
        _, value = _variable(url, os.environ)
        return _hop(value if "://" in value else f"http://{value}", "the environment's proxy") if value else None

    def ignored(self, url: str) -> str:
        """What to tell a person whose provider cannot be reached while the environment names a proxy; or nothing."""
        if self.said is not None or Proxy(ENVIRONMENT).to(url) is None:
            return ""
        name, _ = _variable(url, os.environ)
        return f"{name} is set but not used; `proxy: {ENVIRONMENT}` in router.yaml follows it"


DIRECT = Proxy()


def _hop(text: str, what: str) -> Hop:
    if fault := proxy_fault(text):
        return Hop("", "", "", fault=f"{what}: {fault}")
    parts = urlsplit(text)
    host = parts.hostname or ""
    place = f"{f'[{host}]' if ':' in host else host}:{_port(parts)}"
    auth = None if parts.username is None else (unquote(parts.username), unquote(parts.password or ""))
    return Hop(f"{parts.scheme}://{place}", host, place, auth)


def _port(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


def _variable(url: str, env: Mapping[str, str]) -> tuple[str, str]:
    """The variable that names a proxy for `url`, and its value, as curl chooses it; both empty: none does.

    The name in small letters comes first. HTTP_PROXY does not count in a CGI program, where a stranger sets it.
    """
    scheme = urlsplit(url).scheme
    names = [f"{scheme}_proxy", f"{scheme}_proxy".upper(), "all_proxy", "ALL_PROXY"]
    if "REQUEST_METHOD" in env and "HTTP_PROXY" in names:
        names.remove("HTTP_PROXY")
    name = next((name for name in names if env.get(name, "").strip()), "")
    if not name or _excepted(host_of(url) or "", env.get("no_proxy") or env.get("NO_PROXY") or ""):
        return "", ""
    return name, env[name].strip()


def _excepted(host: str, listed: str) -> bool:
    """NO_PROXY lists the host: by its name, a domain above it, its address, a network it is in, or `*`."""
    for entry in listed.replace(",", " ").lower().split():
        name = entry.strip(".").removeprefix("[").removesuffix("]")
        if entry == "*" or host == name or (name and host.endswith(f".{name}") and not _is_address(host)):
            return True
        try:
            if ip_address(host) in ip_network(name, strict=False):
                return True
        except ValueError:
            continue
    return False


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
