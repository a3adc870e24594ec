"""The gateway: OpenAI's and Anthropic's APIs over a router, with a dashboard. `llm7router serve` runs it.

from llm7router import LLMRouter
from llm7router.server.app import create_app

app = create_app(LLMRouter())       # an ASGI app for any server, or to be mounted
"""
