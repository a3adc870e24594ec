"""The APIs that the gateway speaks, by path."""

from __future__ import annotations

from importlib import import_module

from llm7router.server.dialects.base import Dialect

# Module and name of each; imported when the first request comes, since some take a while.
PATHS = {
    "/chat/completions": ("chat", "CHAT"),
    "/completions": ("completions", "COMPLETIONS"),
    "/responses": ("responses", "RESPONSES"),
    "/messages": ("anthropic", "MESSAGES"),
}
COUNT = "/messages/count_tokens"  # answers otherwise, in the dialect of messages


def dialect_of(path: str) -> Dialect:
    """The dialect spoken at a path, with or without `/v1`; chat completions' where it is none of them."""
    module, name = PATHS.get(path.removeprefix("/v1").removesuffix("/count_tokens"), PATHS["/chat/completions"])
    dialect: Dialect = getattr(import_module(f"{__name__}.{module}"), name)
    return dialect
