"""huggingface_hub's one client for all of a process, for a while one that connects as router.yaml's `proxy` says."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import httpx

from llm7router.proxied import Transport
from llm7router.proxies import Proxy


@contextlib.contextmanager
def asked_through(proxy: Proxy) -> Iterator[None]:
    """Inside, huggingface_hub asks nothing but by `proxy`; afterwards it has the client that it had before."""
    from huggingface_hub import set_client_factory
    from huggingface_hub.utils import _http

    former = _http._GLOBAL_CLIENT_FACTORY

    def made() -> httpx.Client:
        return httpx.Client(
            transport=Transport(proxy),
            trust_env=False,
            event_hooks={"request": [_http.hf_request_event_hook]},  # refuses to ask anybody in offline mode
            follow_redirects=True,
            timeout=None,  # noqa: S113  as its own has it: each request brings one
        )

    set_client_factory(made)
    try:
        yield
    finally:
        set_client_factory(former)
