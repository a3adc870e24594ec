"""The gateway's own OpenAPI document: FastAPI's for the small routes, ours for those that are plain ASGI.

Of the APIs' bodies it has what everybody uses; the rest is as their makers document it.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from llm7router.server.dialects import shape
from llm7router.server.guard import OPEN

Schema = dict[str, Any]

_JSON = "application/json"
_GENERAL = {
    "401": "A wrong key, or none.",
    "403": "The page may not call, or the key may not ask for this model.",
    "404": "There is no such model or address; `error.message` has the nearest names.",
    "405": "Not with this method.",
    "421": "The Host is none of this gateway's.",
    "429": "Limits are used up everywhere, or too many wrong keys; Retry-After is the earliest recovery.",
    "431": "The headers are too long.",
    "500": "A fault in the gateway.",
    "503": "Nobody can serve. `x-should-retry: false` if waiting does not help.",
}
_OF_BODIES = {
    "400": "The request is at fault; `error.message` says what to change.",
    "408": "The body did not arrive in time.",
    "413": "The body is too long.",
    "415": "The body is not declared as JSON, or is compressed.",
    "422": "Providers rejected the request.",
}
_ERROR: Schema = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": ["string", "null"]},
                "llm7router": {"type": "object", "description": "Every attempt that was made."},
            },
        }
    },
}
_TEXT: Schema = {"type": "object", "required": ["type", "text"],
                 "properties": {"type": {"type": "string", "const": "text"}, "text": {"type": "string"}}}  # fmt: skip
_SAID: Schema = {"anyOf": [{"type": "string"}, {"type": "array", "items": _TEXT, "minItems": 1}]}


def _messages(*roles: str) -> Schema:
    message = {"type": "object", "required": ["role", "content"],
               "properties": {"role": {"type": "string", "enum": [*roles]}, "content": _SAID}}  # fmt: skip
    return {"type": "array", "minItems": 1, "items": message}


_MODEL = {
    "type": ["string", "null"],
    "description": "auto, auto:TASK, an alias, a provider, a model, or provider/model.",
}
_TOKENS = {"type": ["integer", "null"], "minimum": 1, "maximum": 1_000_000_000}
_STREAM = {"type": ["boolean", "null"]}
_PROMPT = {"type": "string"}
_WRITTEN = {"type": "string", "minLength": 1}
_NAME = {**_WRITTEN, "description": "An alias, a model, or provider/model."}
_TEXTS = {"anyOf": [_WRITTEN, {"type": "array", "items": _WRITTEN, "minItems": 1, "maxItems": 2048}]}
_CHAT = {
    "model": _MODEL,
    "messages": _messages("system", "developer", "user"),
    "max_tokens": {"type": ["integer", "null"], "minimum": 1},
    "temperature": {"type": ["number", "null"], "minimum": -shape.MOST, "maximum": shape.MOST},
    "stream": _STREAM,
}
_BODIES: dict[str, tuple[str, Schema, list[str]]] = {
    "/v1/chat/completions": ("OpenAI's chat completions.", _CHAT, ["messages"]),
    "/v1/completions": (
        "OpenAI's older completions.",
        {"model": _MODEL, "prompt": _PROMPT, "max_tokens": _TOKENS, "stream": _STREAM},
        ["prompt"],
    ),
    "/v1/responses": (
        "OpenAI's responses; nothing is stored.",
        {"model": _MODEL, "input": _PROMPT, "max_output_tokens": _TOKENS, "stream": _STREAM},
        ["input"],
    ),
    "/v1/messages": (
        "Anthropic's messages.",
        {"model": _MODEL, "messages": _messages("user"), "max_tokens": _TOKENS, "stream": _STREAM},
        ["messages"],
    ),
    "/v1/messages/count_tokens": (
        "How many tokens such a request has, as the router estimates it. Calls nobody.",
        {"model": _MODEL, "messages": _messages("user")},
        ["messages"],
    ),
    "/v1/embeddings": ("OpenAI's embeddings.", {"model": _NAME, "input": _TEXTS}, ["model", "input"]),
    "/v1/route": ("A dry run: who would answer a chat completion, and why. Calls nobody.", _CHAT, ["messages"]),
}


def openapi(app: FastAPI) -> dict[str, Any]:
    """The document, put together once."""
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, routes=app.routes)
        for path, (summary, properties, required) in _BODIES.items():
            schema["paths"][path] = {"post": _answering(path, summary, properties, required)}
        for path, item in schema["paths"].items():
            for operation in item.values():
                _complete(path, operation)
        schema["components"] = {"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}}
        schema["security"] = [{"key": []}]
        app.openapi_schema = schema
    return app.openapi_schema


def _answering(path: str, summary: str, properties: Schema, required: list[str]) -> Schema:
    kinds: Schema = {_JSON: {"schema": {"type": "object"}}}
    if "stream" in properties and path != "/v1/route":
        kinds["text/event-stream"] = {}
    return {
        "summary": summary,
        "tags": ["router" if path == "/v1/route" else "answers"],
        "requestBody": {
            "required": True,
            "content": {_JSON: {"schema": {"type": "object", "properties": properties, "required": required}}},
        },
        "responses": {"200": {"description": "The answer.", "content": kinds}},
    }


def _complete(path: str, operation: Schema) -> None:
    """Every answer that the guard and the server may give."""
    errors = {**_GENERAL, **(_OF_BODIES if "requestBody" in operation else {})}
    responses = operation["responses"]
    responses.pop("422", None)  # FastAPI's; nothing here is validated by it
    for status, text in errors.items():
        responses[status] = {"description": text, "content": {_JSON: {"schema": _ERROR}}}
    if path in OPEN:
        operation["security"] = []
        responses["503"] = {"description": "Nothing can serve.", "content": {_JSON: {"schema": {"type": "object"}}}}
    if path == "/metrics":
        texts = ("text/plain", "application/openmetrics-text")
        responses["200"]["content"] = {kind: {"schema": {"type": "string"}} for kind in texts}
