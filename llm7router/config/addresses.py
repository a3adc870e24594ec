"""Which addresses a key and a prompt may be sent to. Pure: nothing is resolved."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import SplitResult, urlsplit

ENVIRONMENT = "environment"  # as a proxy, in place of an address: HTTPS_PROXY and its kind are followed
_METADATA_NAMES = frozenset({"metadata", "metadata.google.internal", "instance-data", "instance-data.ec2.internal"})
_METADATA_ADDRESSES = frozenset(
    ip_address(text)
    # AWS over IPv6, Alibaba, Azure's wire server, Oracle; 169.254.169.254 is link-local like the others
    for text in ("fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192")
)


def base_url_fault(url: str) -> str | None:
    """What is wrong with a provider's base URL, or None. The message never repeats it: it may hold a secret."""
    if any(character <= " " or character in "\\\x7f" for character in url):
        return "holds a space, a backslash or a control character; remove it"
    try:
        parts = urlsplit(url)
        host, _ = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return "not an address; write https://HOST/PATH"
    return _parts_fault(url, parts) or _host_fault(parts.scheme, host)


def account_url_fault(url: str, base_url: str) -> str | None:
    """What is wrong with an account address, or None: the key may go nowhere but where calls go."""
    if fault := base_url_fault(url):
        return fault
    ours, theirs = urlsplit(base_url), urlsplit(url)
    if (ours.scheme, ours.netloc) != (theirs.scheme, theirs.netloc):
        return f"is at another host than base_url (given {theirs.hostname}); the key is sent to base_url's host only"
    return None


def at_host(base_url: str, path: str) -> str:
    """The address of a path at the host of a base URL: `https://a.b/v1` and `/key` are `https://a.b/key`."""
    parts = urlsplit(base_url)
    return f"{parts.scheme}://{parts.netloc}{path}"


def _parts_fault(url: str, parts: SplitResult) -> str | None:
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return "not a web address; write https://HOST/PATH"
    if "@" in parts.netloc:
        return "holds a user name or password; remove it and use api_key_env"
    if "?" in url or "#" in url:
        return "holds a query or fragment; end it before the `?` or `#`"
    return None


def _host_fault(scheme: str, host: str) -> str | None:
    address = _address(host)
    if host in _METADATA_NAMES or (address is not None and (address.is_link_local or address in _METADATA_ADDRESSES)):
        return f"{host} is a link-local or cloud metadata address; name the provider's own host"
    if scheme == "http" and not is_loopback(host):
        return f"http would send key and prompts in clear text (given the host {host}); use https, or this machine"
    return None


def proxy_fault(url: str) -> str | None:
    """What is wrong with the address of a proxy, or None. The message never repeats it: it may hold a password."""
    if any(character <= " " or character in "\\\x7f" for character in url):
        return "holds a space, a backslash or a control character; remove it"
    try:
        parts = urlsplit(url)
        named, _ = bool(parts.hostname), parts.port
    except ValueError:
        named = False
    else:
        if parts.scheme not in ("http", "https"):
            return "not a proxy of a kind that can be used; write http://HOST:PORT or https://HOST:PORT"
    if not named or parts.path not in ("", "/") or "?" in url or "#" in url:
        return "not the address of a proxy; write http://HOST:PORT, and % codes for signs such as / in a password"
    return None


def host_of(url: object) -> str | None:
    """The host of an address in lower case, or None if it has none."""
    try:
        return ((urlsplit(url).hostname or "") if isinstance(url, str) else "").rstrip(".") or None
    except ValueError:
        return None


def is_loopback(host: str) -> bool:
    """It is this machine."""
    address = _address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def _address(host: str) -> IPv4Address | IPv6Address | None:
    """The address that a host is written as, also in the short forms that C libraries take (`0x7f.1`)."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        try:
            return IPv4Address(socket.inet_aton(host))
        except (OSError, UnicodeError, ValueError):
            return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped if mapped is not None else address


def store_fault(store: str) -> str | None:
    """What is wrong with `state.store`, or None. An address is not repeated: it may hold a password."""
    if store in ("disk", "memory"):
        return None
    scheme, separator, rest = store.partition("://")
    if separator and scheme in ("redis", "rediss"):
        try:
            parts = urlsplit(store)
            named, _ = bool(parts.hostname), parts.port
        except ValueError:
            named = False
        return None if named and rest else "not a Redis address; write redis://HOST:PORT/0"
    given = f"an address of the kind {scheme[:20]!r}" if separator else repr(store[:20]) if "@" not in store else "text"
    return f"no such store (given {given}); use disk, memory, redis://HOST:PORT/0 or rediss://HOST:PORT/0"
