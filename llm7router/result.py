"""From a provider's answer to a `CompletionResult`. Pure."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from llm7router.calls import vectors
from llm7router.calls.answers import ending_of, piece_of, place_of
from llm7router.calls.refusals import refusal_of
from llm7router.decision import demand
from llm7router.decision.failures import may_be_billed
from llm7router.decision.request import BYTES_PER_TOKEN, CACHE_WRITE
from llm7router.types import (
    Attempt,
    AttemptRecord,
    CompletionResult,
    Decision,
    Deployment,
    EmbeddingResult,
    Outcome,
    Request,
    StreamChunk,
)


@dataclass(slots=True)
class Answer:
    """The parts of an answer, read whole from a response or gathered chunk by chunk."""

    content: str = ""
    reasoning: str = ""
    finish_reason: str | None = None
    tool_calls: list[dict[str, Any]] = field(default_factory=list)
    refusal: str = ""
    _places: dict[int, dict[str, Any]] = field(default_factory=dict, repr=False)  # calls by the index of fragments

    @classmethod
    def of(cls, response: Any) -> Answer:
        """From LiteLLM's ModelResponse, which the call layer has checked to hold a choice."""
        return cls.of_choice(response.choices[0])

    @classmethod
    def of_choice(cls, choice: Any) -> Answer:
        """From one of the choices of a response."""
        message = choice.message
        calls = [call if isinstance(call, dict) else call.model_dump() for call in message.tool_calls or ()]
        reasoning = getattr(message, "reasoning_content", None) or ""
        return cls(message.content or "", reasoning, ending_of(choice), calls, refusal_of(message))

    def add(self, chunk: StreamChunk) -> None:
        """Take up a chunk; fragments of tool calls are joined by their index."""
        self.content += chunk.content
        self.reasoning += chunk.reasoning
        self.refusal += chunk.refusal
        self.finish_reason = chunk.finish_reason or self.finish_reason
        for fragment in chunk.tool_calls:
            self._add_fragment(fragment)

    def _add_fragment(self, fragment: Mapping[str, Any]) -> None:
        place = place_of(fragment)
        if place is None:
            return  # the call layer refuses such an answer; other back ends may not
        if place not in self._places:
            self._places[place] = {"id": None, "type": "function", "function": {"name": "", "arguments": ""}}
            self.tool_calls.append(self._places[place])
        call, function = self._places[place], fragment.get("function") or {}
        call["id"] = fragment.get("id") or call["id"]
        call["function"]["name"] += function.get("name") or ""
        call["function"]["arguments"] += function.get("arguments") or ""

    @property
    def estimated_tokens(self) -> int:
        """Output tokens when the provider does not say."""
        calls = "".join(str(call.get("function")) for call in self.tool_calls)
        text = self.content + self.reasoning + self.refusal + calls
        return max(1, math.ceil(len(text.encode("utf-8", "replace")) / BYTES_PER_TOKEN))


class Others:
    """The choices of a stream that are in its raw chunks only: all but the first."""

    def __init__(self) -> None:
        self._answers: dict[int, Answer] = {}

    @property
    def answers(self) -> Sequence[Answer]:
        """What has come of each."""
        return tuple(self._answers.values())

    def add(self, chunk: StreamChunk) -> None:
        """Take up a chunk."""
        for choice in getattr(chunk.raw, "choices", None) or ():
            if (index := getattr(choice, "index", 0)) and hasattr(choice, "delta"):
                piece = piece_of(choice.delta)
                said = StreamChunk(piece.text, piece.reasoning, piece.calls, refusal=piece.refusal)
                self._answers.setdefault(index, Answer()).add(said)


def build(
    answer: Answer,
    outcome: Outcome,
    attempt: Attempt,
    decision: Decision,
    attempts: Sequence[AttemptRecord],
    latency_s: float,
) -> CompletionResult:
    """The result of a request; usage that the provider did not give is estimated and marked."""
    d = attempt.deployment
    known = outcome.prompt_tokens is not None and outcome.output_tokens is not None
    prompt = outcome.prompt_tokens if outcome.prompt_tokens is not None else decision.request.prompt_tokens
    output = outcome.output_tokens if outcome.output_tokens is not None else answer.estimated_tokens
    billed = prompt + outcome.cache_tokens
    return CompletionResult(
        content=answer.content,
        provider=d.provider,
        model=d.model,
        cost=(d.cost.of(billed, output) if d.cost else 0.0) + sum(a.usd for a in attempts if not a.ok),
        latency=latency_s,
        tokens_input=prompt,
        tokens_output=output,
        finish_reason=answer.finish_reason,
        tool_calls=tuple(answer.tool_calls),
        reasoning=answer.reasoning or None,
        decision=decision,
        attempts=tuple(attempts),
        request_id=decision.request.id,
        first_token_s=outcome.first_token_s,
        estimated_usage=not known,
        response=outcome.response,
        refusal=answer.refusal or None,
    )


def build_embedding(
    outcome: Outcome,
    attempt: Attempt,
    decision: Decision,
    attempts: Sequence[AttemptRecord],
    latency_s: float,
    *,
    base64: bool,
) -> EmbeddingResult:
    """The result of a request for embeddings, as numbers or as base64, whichever of them the provider gave."""
    d, known = attempt.deployment, outcome.prompt_tokens is not None
    prompt = outcome.prompt_tokens if outcome.prompt_tokens is not None else decision.request.prompt_tokens
    return EmbeddingResult(
        vectors=() if base64 else vectors.floats(outcome.response),
        base64=vectors.encoded(outcome.response) if base64 else (),
        provider=d.provider,
        model=d.model,
        cost=(d.cost.of(prompt, 0) if d.cost else 0.0) + sum(a.usd for a in attempts if not a.ok),
        latency=latency_s,
        tokens_input=prompt,
        decision=decision,
        attempts=tuple(attempts),
        request_id=decision.request.id,
        estimated_usage=not known,
    )


def record(attempt: Attempt, outcome: Outcome, request: Request, began_s: float) -> AttemptRecord:
    """What is kept of an attempt that began after so many seconds of the request.

    One that failed may have cost its worst case, unless nothing was generated.
    """
    d, usd = attempt.deployment, 0.0
    if not d.free and may_be_billed(outcome):
        usd = demand.worst_usd(request, d, demand.output_tokens(request, d)) or 0.0
    return AttemptRecord(
        deployment=d.id,
        ok=outcome.ok,
        failure=outcome.failure,
        detail=outcome.detail,
        status=outcome.status,
        duration_s=outcome.duration_s,
        retry_after_s=outcome.retry_after_s,
        usd=usd,
        began_s=began_s,
        first_token_s=outcome.first_token_s,
    )


# Tokenizers make a token of four bytes or so. Less than this share of our estimates, a token for each 8 bytes of an
# answer, is not believed; of a prompt it is less, since images count for little with some providers.
LEAST_PROMPT, LEAST_OUTPUT = 1 / 8, 3 / 8
WORDS = 2  # tokens that an answer of one long word may lack


def believed(outcome: Outcome, deployment: Deployment, request: Request, answers: Iterable[Answer] = ()) -> Outcome:
    """The outcome, of a paid call without counts of tokens that are too low for what was sent and answered.

    Without counts the whole reservation stays charged: what a provider forgets to tell, it may still bill. So is a
    cache that it was asked to write, unless it tells how much of the prompt went there.
    """
    prompt, output = outcome.prompt_tokens, outcome.output_tokens
    if deployment.free or prompt is None or output is None:
        return outcome
    least = sum(answer.estimated_tokens * LEAST_OUTPUT - WORDS for answer in answers)
    if prompt >= request.prompt_tokens * LEAST_PROMPT and output >= least:
        untold = request.writes_cache and not outcome.cache_tokens
        return replace(outcome, cache_tokens=(CACHE_WRITE - 1) * prompt) if untold else outcome
    return replace(outcome, prompt_tokens=None, output_tokens=None)


class OnePiece:
    """A whole answer as a `ChunkStream` of one chunk, so that what cannot stream can still serve a stream."""

    def __init__(self, outcome: Outcome, deployment: Deployment) -> None:
        self._answer, self._response, self._deployment = Answer.of(outcome.response), outcome.response, deployment
        self.waited_s, self.cache_tokens = outcome.duration_s, outcome.cache_tokens
        known = outcome.prompt_tokens is not None and outcome.output_tokens is not None
        self.usage = (outcome.prompt_tokens or 0, outcome.output_tokens or 0) if known else None

    async def __aiter__(self) -> AsyncIterator[StreamChunk]:
        answer, d = self._answer, self._deployment
        calls = tuple({**call, "index": index} for index, call in enumerate(answer.tool_calls))
        yield StreamChunk(
            answer.content,
            answer.reasoning,
            calls,
            answer.finish_reason,
            d.provider,
            d.model,
            raw=self._response,
            refusal=answer.refusal,
        )

    async def aclose(self) -> None:
        """Nothing is under way any more."""


def in_one_piece(outcome: Outcome, deployment: Deployment) -> Outcome:
    """The outcome of a whole answer as that of a stream."""
    stream = OnePiece(outcome, deployment)
    return replace(outcome, stream=stream, first_token_s=None, response=None)
