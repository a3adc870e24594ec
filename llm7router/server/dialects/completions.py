"""OpenAI's legacy completions, for editors and older programs: a prompt becomes one message of the user's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llm7router.server.dialects import fields
from llm7router.server.dialects.base import Asked, sse
from llm7router.server.dialects.chat import DONE, usage, usage_wanted
from llm7router.server.dialects.context import FIELD, read_said
from llm7router.server.dialects.pieces import served_by
from llm7router.server.errors import ApiError
from llm7router.types import CompletionResult, StreamChunk

PARAMETERS: Mapping[str, tuple[str, fields.Check[Any]]] = {
    "max_tokens": ("max_tokens", fields.whole(1)),
    "temperature": ("temperature", fields.number(0, 2)),
    "top_p": ("top_p", fields.number(0, 1)),
    "top_k": ("top_k", fields.whole(-1)),
    "min_p": ("min_p", fields.number(0, 1)),
    "stop": ("stop", fields.text_or_texts),
    "seed": ("seed", fields.whole(-(2**63), 2**63 - 1)),
    "presence_penalty": ("presence_penalty", fields.number(-2, 2)),
    "frequency_penalty": ("frequency_penalty", fields.number(-2, 2)),
    "repetition_penalty": ("repetition_penalty", fields.number(0, 10)),
    "logit_bias": ("logit_bias", fields.plain),
    "user": ("user", fields.text),
}
OWN = frozenset({"model", "prompt", "stream", "stream_options", "echo", "suffix", "best_of", "n", FIELD})
FINISHED = {"length": "length", "content_filter": "content_filter"}  # anything else is "stop"


class CompletionsDialect:
    """`/v1/completions`."""

    def read(self, body: Mapping[str, Any], id: str, created: int) -> Asked:
        """One prompt as text. What a chat cannot do (`suffix`, several answers, token ids) is refused."""
        prompt = _prompt(body.get("prompt"))
        for name in ("n", "best_of"):
            if (fields.optional(body, name, fields.whole(1)) or 1) > 1:
                raise fields.fault(name, "one answer is given to each request; leave it out, or send several requests")
        if body.get("suffix"):
            raise fields.fault("suffix", "nothing here fills in between two texts; leave it out")
        echo = fields.optional(body, "echo", fields.flag) or False
        return Asked(
            id=f"cmpl-{id}",
            created=created,
            model=fields.optional(body, "model", fields.text) or "auto",
            messages=[{"role": "user", "content": prompt}],
            parameters=fields.parameters(body, PARAMETERS),
            stream=fields.optional(body, "stream", fields.flag) or False,
            said=read_said(body),
            ignored=fields.ignored(body, {*PARAMETERS, *OWN}),
            own={"before": prompt if echo else "", "usage": usage_wanted(body)},
        )

    def whole(self, asked: Asked, result: CompletionResult) -> dict[str, Any]:
        """A `text_completion`."""
        text = asked.own["before"] + result.content + (result.refusal or "")
        choices = [_choice(text, _finished(result))]
        return {**_head(asked), "model": result.deployment, "choices": choices, "usage": usage(result)}

    def writer(self, asked: Asked) -> CompletionsWriter:
        """Chunks of text."""
        return CompletionsWriter(asked)

    def error(self, error: ApiError) -> dict[str, Any]:
        """OpenAI's."""
        return error.body()


class CompletionsWriter:
    """Writes `text_completion` chunks."""

    def __init__(self, asked: Asked) -> None:
        self._head, self._before, self._usage = _head(asked), str(asked.own["before"]), bool(asked.own["usage"])

    def chunk(self, chunk: StreamChunk) -> bytes:
        """One event; none for a chunk without text."""
        self._head["model"] = served_by(chunk) or self._head["model"]
        text, self._before = self._before + chunk.content + chunk.refusal, ""
        return self._event([_choice(text, None)]) if text else b""

    def end(self, result: CompletionResult) -> bytes:
        """Why it ended, usage if it was asked for, and the end."""
        self._head["model"] = result.deployment
        text, self._before = self._before, ""
        last = self._event([_choice(text, _finished(result))])
        return last + (sse({**self._head, "choices": [], "usage": usage(result)}) if self._usage else b"") + DONE

    def failed(self, error: ApiError) -> bytes:
        """An error event; no `[DONE]`, since the answer is not whole."""
        return sse(error.body())

    def _event(self, choices: list[dict[str, Any]]) -> bytes:
        return sse({**self._head, "choices": choices, **({"usage": None} if self._usage else {})})


def _prompt(given: Any) -> str:
    """The prompt. OpenAI's API also takes several, and token ids, which mean something to one model only."""
    if isinstance(given, list) and len(given) == 1 and isinstance(given[0], str):
        given = given[0]
    if isinstance(given, list):
        several = all(isinstance(item, str) for item in given)
        what = f"holds {len(given)} texts; send one in each request" if several else "must be text; send no token ids"
        raise fields.fault("prompt", what)
    if given is None:
        raise fields.fault("prompt", "is missing; send a string")
    return fields.text(given, "prompt")


def _head(asked: Asked) -> dict[str, Any]:
    return {"id": asked.id, "object": "text_completion", "created": asked.created, "model": asked.model}


def _choice(text: str, reason: str | None) -> dict[str, Any]:
    return {"text": text, "index": 0, "logprobs": None, "finish_reason": reason}


def _finished(result: CompletionResult) -> str:
    return FINISHED.get(result.finish_reason or "", "stop")


COMPLETIONS = CompletionsDialect()
