"""Anthropic's `/v1/messages/count_tokens`: agents ask how long a conversation is before they send or shorten it."""

from __future__ import annotations

from llm7router.decision.request import estimate
from llm7router.router import LLMRouter
from llm7router.server.body import read_json
from llm7router.server.dialects import COUNT, dialect_of
from llm7router.server.exchange import check_count, context_of, in_flight
from llm7router.server.guard import Receive, Scope, Send, Visit
from llm7router.server.respond import send_json


class Counting:
    """Answers by the router's own estimate, since nobody is called. It is on the high side, as for what is reserved."""

    def __init__(self, router: LLMRouter) -> None:
        self._router = router

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request. Raises what the guard turns into an answer."""
        visit: Visit = scope["llm7router"]
        assert visit.client is not None, "the guard lets nobody in without a key"
        config = self._router.server_config
        with in_flight(visit.client):
            asked = dialect_of(COUNT).read(await read_json(visit, receive, config), "count", 0)
            check_count(asked, config)
            context_of(self._router, visit, asked.model, asked.said)
            tokens, _ = estimate(asked.messages, asked.parameters)
        await send_json(send, 200, {"input_tokens": tokens})
