"""What providers say when they refuse, and what it means. Texts are the providers' own."""

from __future__ import annotations

from typing import Any

from llm7router.types import Failure as F
from tests.upstream_behaviours import (
    Behaviour,
    answer,
    close,
    error_event,
    html,
    json_body,
    raw,
    redirect,
    reset,
    reset_in_body,
    stall,
    status,
    stream,
)

HELLO = [{"content": "Hello "}, {"content": "you"}]
KEEP_ALIVES: list[Any] = ["PROCESSING", 0.1] * 40
GROQ_DAY = (
    "Rate limit reached for model `X` in organization `org_1` service tier `on_demand` on tokens per day (TPD): "
    "Limit 100000, Used 97050, Requested 3619. Please try again in 9m38.016s. Need more tokens?"
)
GROQ_MINUTE = (
    "Rate limit reached for model `X` in organization `org_1` service tier `on_demand` on tokens per minute (TPM): "
    "Limit 8000, Used 7000, Requested 3000. Please try again in 15s."
)
GROQ_LARGE = (
    "Request too large for model `X` in organization `org_1` service tier `on_demand` on tokens per minute (TPM): "
    "Limit 8000, Requested 32979, please reduce your message size and try again."
)
GEMINI_429 = (
    "You exceeded your current quota, please check your plan and billing details. * Quota exceeded for metric: "
)


def gemini(message: str, quota: str, delay: str = "42s") -> list[Any]:
    """Gemini's 429: a list, with details."""
    violations = {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": quota}]}
    retry = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}
    error = {"code": 429, "message": message, "status": "RESOURCE_EXHAUSTED", "details": [violations, retry]}
    return [{"error": error}]


def openai(message: str, code: str | None = None, kind: str = "invalid_request_error") -> dict[str, Any]:
    """OpenAI's error."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


# Answered before any content, by a whole answer and by a stream alike.
REFUSALS: dict[str, tuple[F, Behaviour]] = {
    "400": (F.REQUEST_REJECTED, status(400)),
    "401": (F.KEY_REJECTED, status(401)),
    "402": (F.NO_CREDIT, status(402)),
    "403": (F.KEY_REJECTED, status(403)),
    "404": (F.MODEL_GONE, status(404)),
    "408": (F.TIMEOUT, status(408)),
    "413": (F.TOO_LARGE, status(413, b"<html><h1>413 Request Entity Too Large</h1></html>")),
    "422": (F.REQUEST_REJECTED, status(422, {"detail": [{"loc": ["body", "n"], "msg": "wrong", "input": "x"}]})),
    "429": (F.RATE_LIMITED, status(429, headers={"retry-after": "2"})),
    "451": (F.POLICY, status(451)),
    "498 of Groq": (F.OVERLOADED, status(498, openai("Capacity exceeded"))),
    "500": (F.SERVER_ERROR, status(500)),
    "500 that says overloaded": (F.OVERLOADED, status(500, "The server is overloaded")),
    "502 web page": (F.OVERLOADED, html(502)),
    "503": (F.OVERLOADED, status(503)),
    "504": (F.OVERLOADED, status(504)),
    "522 of Cloudflare": (F.OVERLOADED, html(522)),
    "529": (F.OVERLOADED, status(529)),
    "a redirect": (F.SERVER_ERROR, redirect("http://127.0.0.1:9/elsewhere")),
    "Gemini bad key": (F.KEY_REJECTED, status(400, [{"error": {"message": "API key not valid. Please pass one."}}])),
    "LLM7 model gone": (F.MODEL_GONE, status(400, openai("Model is not served", "model_unavailable"))),
    "LLM7 key missing": (F.KEY_REJECTED, status(401, openai("Missing API key.", "missing_api_key"))),
    "Groq model gone": (F.MODEL_GONE, status(400, openai("The model `x` has been decommissioned", "model_decommissioned"))),
    "OpenRouter no such model": (F.MODEL_GONE, status(400, openai("x/y:free is not a valid model ID"))),
    "OpenRouter no tools": (F.UNSUPPORTED, status(404, openai("No endpoints found that support tool use."))),
    "a challenge page": (F.OVERLOADED, html(403)),
    "a model that is not enabled": (F.MODEL_GONE, status(403, openai("The model `x` is not enabled for your project."))),
    "a model without access": (F.MODEL_GONE, status(403, openai("Project `p` does not have access to model `x`"))),
    "a model that is not allowed": (F.MODEL_GONE, status(403, openai("You are not allowed to use this model"))),
    "Groq blocked model": (F.MODEL_GONE, status(403, openai(
        "The model `x` is blocked at the organization level.", "model_permission_blocked_org"))),
    "OpenRouter moderation": (F.POLICY, status(403, openai("Your chosen model requires moderation; input was flagged"))),
    "context of OpenAI": (F.CONTEXT_TOO_LONG, status(400, openai(
        "This model's maximum context length is 8192 tokens. However, you requested 9000.", "context_length_exceeded"))),
    "context of Groq": (F.CONTEXT_TOO_LONG, status(400, openai("Please reduce the length of the messages or completion."))),
    "context of OpenRouter": (F.CONTEXT_TOO_LONG, status(400, openai(
        "This endpoint's maximum context length is 32768 tokens. However, you requested about 50000 tokens"))),
    "context of llama.cpp": (F.CONTEXT_TOO_LONG, status(400, {"error": {
        "code": 400, "message": "the request exceeds the available context size", "type": "exceed_context_size_error"}})),
    "unsupported parameter": (F.UNSUPPORTED, status(400, openai(
        "Unsupported parameter: 'logit_bias' is not supported with this model.", "unsupported_parameter"))),
    "unknown field": (F.UNSUPPORTED, status(422, {"detail": [{"msg": "Extra inputs are not permitted", "input": "x"}]})),
    "property of Groq": (F.UNSUPPORTED, status(400, openai("property 'seed' is unsupported"))),
    "content policy": (F.POLICY, status(400, openai("rejected by our safety system", "content_policy_violation"))),
    "Azure's filter": (F.POLICY, status(400, openai("triggering Azure OpenAI's content management policy"))),
    "Groq day": (F.QUOTA_GONE, status(429, openai(GROQ_DAY, "rate_limit_exceeded", "tokens"))),
    "Groq minute": (F.RATE_LIMITED, status(429, openai(GROQ_MINUTE, "rate_limit_exceeded", "tokens"))),
    "Groq too large": (F.TOO_LARGE, status(413, openai(GROQ_LARGE, "rate_limit_exceeded", "tokens"))),
    "Groq too large as 429": (F.TOO_LARGE, status(429, openai(GROQ_LARGE, "rate_limit_exceeded", "tokens"))),
    "Gemini minute": (F.RATE_LIMITED, status(429, gemini(GEMINI_429, "GenerateRequestsPerMinutePerProject-FreeTier"))),
    "Gemini day": (F.QUOTA_GONE, status(429, gemini(GEMINI_429, "GenerateRequestsPerDayPerProjectPerModel-FreeTier"))),
    "Gemini no quota": (F.NO_QUOTA, status(429, gemini(GEMINI_429 + "x, limit: 0", "GenerateRequestsPerDay-FreeTier"))),
    "Gemini credits": (F.NO_CREDIT, status(429, gemini("Your prepayment credits are depleted.", "x"))),
    "OpenRouter minute": (F.RATE_LIMITED, status(429, openai("Rate limit exceeded: free-models-per-min. "))),
    "OpenRouter day": (F.QUOTA_GONE, status(429, openai("Rate limit exceeded: free-models-per-day. Add 10 credits"))),
    "OpenRouter upstream": (F.RATE_LIMITED, status(429, {"error": {"message": "Provider returned error", "code": 429,
        "metadata": {"raw": "x is temporarily rate-limited upstream. Please retry shortly", "provider_name": "P"}}})),
    "Cloudflare day": (F.QUOTA_GONE, status(429, {"errors": [{"code": 4006, "message": "used up your free allocation"}]})),
    "Cloudflare day, 3036": (F.QUOTA_GONE, status(429, {"errors": [{"code": 3036, "message": "x"}]})),
    "Cloudflare burst": (F.RATE_LIMITED, status(429, {"errors": [{"code": 3021, "message": "slow down"}]})),
    "Mistral window": (F.RATE_LIMITED, status(429, {"object": "error", "message": "Requests rate limit exceeded",
                                                     "type": "rate_limited", "code": "1300"})),
    "Mistral capacity": (F.RATE_LIMITED, status(429, {"object": "error", "message": "Service tier capacity exceeded",
                                                       "type": "service_tier_capacity_exceeded", "code": "3505"})),
    "Mistral month": (F.QUOTA_GONE, status(429, {"message": "Monthly quota exceeded"})),
    "a web page": (F.BAD_ANSWER, html()),
    "nothing": (F.BAD_ANSWER, raw(b"")),
    "no JSON": (F.BAD_ANSWER, raw(b'{"choices": [nope')),
    "no choices": (F.BAD_ANSWER, json_body({"id": "c1", "choices": []})),
    "null choices": (F.BAD_ANSWER, json_body({"id": "c1", "choices": None})),
    "choices missing": (F.BAD_ANSWER, json_body({"id": "c1"})),
    "empty text": (F.BAD_ANSWER, answer("")),
    "an error inside a 200": (F.BAD_ANSWER, json_body({"error": {"message": "boom", "code": 502}})),
    "a 429 inside a 200": (F.RATE_LIMITED, json_body({"error": {"message": "slow down", "code": 429}})),
    "a day's end inside a 200": (F.QUOTA_GONE, json_body({"error": {"message": "free-models-per-day", "code": 429}})),
    "a word for a code inside a 200": (F.BAD_ANSWER, json_body({"error": {"message": "boom", "code": "server_error"}})),
    "reset before the answer": (F.BAD_ANSWER, reset()),
    "closed before the answer": (F.BAD_ANSWER, close()),
    "reset in the body": (F.BAD_ANSWER, reset_in_body()),
    "silence": (F.TIMEOUT, stall()),
    "a filter emptied it": (F.POLICY, answer("", finish_reason="content_filter")),
}  # fmt: skip

# Streams only: nothing came, and something went wrong.
BEFORE_CONTENT: dict[str, tuple[F, Behaviour]] = {
    "role, then cut": (F.BAD_ANSWER, stream([], end="reset")),
    "role, then a clean end": (F.BAD_ANSWER, stream([], finish_reason=None, usage=None, done=False)),
    "role, then done": (F.BAD_ANSWER, stream([])),
    "role, then silence": (F.TIMEOUT, stream([], end="stall")),
    "empty deltas without an end": (F.TIMEOUT, stream([{"content": ""}, 0.1] * 50)),
    "an error event": (F.BAD_ANSWER, stream([error_event()])),
    "an error event with a word": (F.BAD_ANSWER, stream([error_event("x", "server_error")])),
    "a bare error event": (F.RATE_LIMITED, stream([b'data: {"error": {"message": "slow down", "code": 429}}\n\n'])),
    "an error event of the day": (F.QUOTA_GONE, stream([error_event("free-models-per-day", 429)])),
}

# Streams only: content came, then this.
AFTER_CONTENT: dict[str, tuple[F, Behaviour]] = {
    "cut": (F.BAD_ANSWER, stream(HELLO, end="reset")),
    "silence": (F.TIMEOUT, stream(HELLO, end="stall")),
    "keep-alives only": (F.TIMEOUT, stream([*HELLO, *KEEP_ALIVES])),
    "a clean end without any sign of it": (F.BAD_ANSWER, stream(HELLO, finish_reason=None, usage=None, done=False)),
    "an error event": (F.BAD_ANSWER, stream([*HELLO, error_event()])),
    "an error event with a word": (F.BAD_ANSWER, stream([*HELLO, error_event("x", "server_error")])),
    "a rate limit event": (F.RATE_LIMITED, stream([*HELLO, error_event("slow down", 429)])),
    "an error as finish reason": (F.BAD_ANSWER, stream(HELLO, finish_reason="error")),
}
