"""What providers' words and statuses mean: one table of texts, read first, and one of statuses.

Texts come first since providers answer 400 for a bad key, a model that is gone, and a prompt that is too long, and
429 for things that no wait cures.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from llm7router.types import Failure

REFUSALS = frozenset({400, 403, 404, 410, 413, 422})
INVALID = frozenset({400, 404, 422, 501})
LIMITS = frozenset({413, 429, 498})


class Rule(NamedTuple):
    """A text that decides, for some statuses or (None) for all errors."""

    failure: Failure
    matches: Callable[[str], object]
    statuses: frozenset[int] | None = None
    upstream_only: bool = False


def _text(pattern: str) -> Callable[[str], object]:
    return re.compile(pattern, re.IGNORECASE).search


_ASKED = re.compile(r"limit:?\s{0,4}(\d{1,12})\b.{0,80}?requested:?\s{0,4}(\d{1,12})\b", re.IGNORECASE | re.DOTALL)


def _asks_more_than_all(text: str) -> bool:
    """Groq: "Limit 8000, Requested 32979". No wait makes that fit."""
    return any(int(asked) > int(limit) > 0 for limit, asked in _ASKED.findall(text))


_PAGE = re.compile(r"\s{0,99}(?:<!--.{0,999}?-->\s{0,99})?<(?:!doctype html|html)\b", re.IGNORECASE | re.DOTALL)


RULES = (
    # LiteLLM's own words, before anything is sent; as a 500, which would be the provider's fault.
    Rule(Failure.REQUEST_REJECTED, _text(
        r"please ensure all (?:user )?messages are valid openai|unsupported response_format type")),
    # A challenge page or a firewall in front of the provider: the key was never looked at.
    Rule(Failure.OVERLOADED, _PAGE.match, frozenset({403})),
    Rule(Failure.KEY_REJECTED, _text(
        r"api[ _]key not valid|api_key_invalid|(?:invalid|incorrect|missing)[ _]api[ _]key"),
         frozenset({400, 401, 403, 422})),
    Rule(Failure.NO_CREDIT, _text(r"credits are depleted|insufficient[_ ](?:balance|credits|quota\b)"),
         frozenset({400, 402, 403, 429})),
    # Gemini: this tier has none of it, today or tomorrow.
    Rule(Failure.NO_QUOTA, _text(r"\blimit:?\s{0,4}0(?![\d.])"), LIMITS),
    Rule(Failure.TOO_LARGE, _asks_more_than_all, LIMITS),
    Rule(Failure.TOO_LARGE, _text(r"request too large"), LIMITS),
    # OpenRouter: the host behind one model, not the account.
    Rule(Failure.RATE_LIMITED, _text(r"temporarily rate-limited upstream|provider returned error"),
         frozenset({429}), upstream_only=True),
    # Mistral 3505 is the capacity of one model, 1300 a window. Cloudflare 3021 is a burst; 4006 and 3036 the day.
    Rule(Failure.RATE_LIMITED, _text(r"""\bcode["']?:\s{0,4}["']?3505\b"""), upstream_only=True),
    Rule(Failure.QUOTA_GONE, _text(r"""\bcode["']?:\s{0,4}["']?(?:4006|3036)\b""")),
    Rule(Failure.RATE_LIMITED, _text(r"""\bcode["']?:\s{0,4}["']?(?:3021|1300)\b|free-models-per-min""")),
    Rule(Failure.QUOTA_GONE, _text(
        r"per[ _-]?(?:day|week|month)|\b[TR]PD\b|\bdaily\b|\bmonthly\b|\bneurons\b"), LIMITS),
    Rule(Failure.UNSUPPORTED, _text(r"no endpoints found that"), INVALID),
    Rule(Failure.MODEL_GONE, _text(
        r"model_unavailable|model_not_found|model_decommissioned|not a valid model|no endpoints found"
        r"|\bmodel\b[^.\n]{0,80}?\b(?:not found|does not exist|not available|unavailable|decommissioned"
        r"|no longer (?:available|supported))"), REFUSALS),
    # Groq, OpenAI and others: the key is good, but not for this model.
    Rule(Failure.MODEL_GONE, _text(
        r"model_permission|(?:access to|allowed to (?:use|access|sample from)) (?:the |this )?model\b"
        r"|\bmodel\b[^\n]{0,120}?\b(?:not (?:enabled|allowed|permitted)|blocked)\b"), frozenset({403})),
    Rule(Failure.CONTEXT_TOO_LONG, _text(
        r"context[_ ](?:length|window|size)|maximum context|reduce the length|too many tokens"
        r"|(?:prompt|input) is too long|exceeds? the (?:available|model'?s?) context|string_above_max_length"),
         REFUSALS | {500}),
    Rule(Failure.POLICY, _text(
        r"content[_ ](?:policy|filter|management)|safety system|\bflagged\b|prohibited content"
        r"|violat\w{0,5} [^.\n]{0,40}polic|moderation"), frozenset({400, 403, 422, 451})),
    Rule(Failure.UNSUPPORTED, _text(
        r"unsupported[_ ](?:parameter|value|param)|\b(?:not|n't) support|is unsupported|does not support"
        r"|un(?:known|recognized|expected) (?:request |keyword )?(?:parameter|argument|name|field)"
        r"|extra (?:inputs|fields) (?:are )?not permitted|extra_forbidden"), INVALID),
    Rule(Failure.OVERLOADED, _text(r"overloaded|high demand|no healthy upstream"), frozenset({500})),
)  # fmt: skip

STATUSES = {
    400: Failure.REQUEST_REJECTED,
    401: Failure.KEY_REJECTED,
    402: Failure.NO_CREDIT,
    403: Failure.KEY_REJECTED,
    404: Failure.MODEL_GONE,
    408: Failure.TIMEOUT,
    409: Failure.OVERLOADED,
    410: Failure.MODEL_GONE,
    413: Failure.TOO_LARGE,
    422: Failure.REQUEST_REJECTED,
    425: Failure.OVERLOADED,
    429: Failure.RATE_LIMITED,
    451: Failure.POLICY,
    498: Failure.OVERLOADED,  # Groq: no free capacity
    500: Failure.SERVER_ERROR,
    501: Failure.UNSUPPORTED,
    502: Failure.OVERLOADED,
    503: Failure.OVERLOADED,
    504: Failure.OVERLOADED,
    529: Failure.OVERLOADED,
} | dict.fromkeys(range(520, 528), Failure.OVERLOADED)  # Cloudflare cannot reach the provider behind it


def failure_of(status: int) -> Failure:
    """What an error status means without its text. A redirect is a server error: it is not followed."""
    if status < 300:
        return Failure.BAD_ANSWER
    known = STATUSES.get(status)
    if known is None:
        known = Failure.REQUEST_REJECTED if 400 <= status < 500 else Failure.SERVER_ERROR
    return known


def rule_for(text: str, status: int | None) -> Rule | None:
    """The first rule that matches; an error without a status can only match rules for all of them."""
    fitting = (rule for rule in RULES if rule.statuses is None or status in rule.statuses)
    return next((rule for rule in fitting if rule.matches(text)), None)
