"""Whom to trust for TLS: the same for calls and for whatever else is asked, so that `doctor` judges as calls fare."""

from __future__ import annotations

import os
import ssl
from functools import cache


def context() -> ssl.SSLContext:
    """What SSL_CERT_FILE and SSL_CERT_DIR name, else the system's certificates, else (it has none) those of certifi.

    Never raises: what those variables name and cannot be read vouches for nobody.
    """
    return _context(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@cache
def _context(file: str | None, directory: str | None) -> ssl.SSLContext:
    """OpenSSL reads both variables itself; here they are what the context is kept by. Making one takes 30 ms."""
    made = ssl.create_default_context()
    if not (file or directory or made.cert_store_stats()["x509_ca"] or _hashed()):
        import httpx

        made = httpx.create_ssl_context(trust_env=False)  # with certifi's
    made.set_alpn_protocols(["http/1.1"])
    return made


def _hashed() -> bool:
    """The system has a directory with certificates, which OpenSSL reads when it looks for one."""
    try:
        with os.scandir(ssl.get_default_verify_paths().capath or "") as found:
            return any(found)
    except OSError:  # there is none, or it may not be looked into
        return False
