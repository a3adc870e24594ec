"""Every form in which providers say how long to wait."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from llm7router.calls.retry_after import LONGEST_S, parse_wait

NOW = 1_790_000_000.0  # Mon, 21 Sep 2026 14:13:20 GMT

FORMS = {
    "milliseconds": ({"retry-after-ms": "250"}, "", 0.25),
    "whole seconds": ({"Retry-After": "7"}, "", 7),
    "decimal seconds": ({"retry-after": "7.66"}, "", 7.66),
    "zero": ({"retry-after": "0"}, "", 0),
    "HTTP date": ({"retry-after": "Mon, 21 Sep 2026 14:13:50 GMT"}, "", 30),
    "RFC 3339": ({"retry-after": "2026-09-21T14:14:20Z"}, "", 60),
    "an instant as seconds": ({"retry-after": "1790000090"}, "", 90),
    "Go duration": ({"retry-after": "1m26.4s"}, "", 86.4),
    "LLM7's body": ({}, '{"error": {"code": "rate_limit_exceeded", "retry_after": 13}}', 13),
    "LLM7's body through the SDK": ({}, "{'error': {'retry_after': 13}}", 13),
    "Gemini's RetryInfo": ({}, '{"@type": "RetryInfo", "retryDelay": "42s"}', 42),
    "Groq's prose": ({}, "Please try again in 9m38.016s. Need more?", 578.016),
    "Gemini's prose": ({}, "Please retry in 42.87s.", 42.87),
    "prose in milliseconds": ({}, "Please retry in 998.0ms.", 0.998),
    "OpenAI's prose": ({}, "Please try again in 20s", 20),
    "seconds without a unit": ({}, "try again in 5.", 5),
    "Groq's reset of the exhausted window": (
        {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "2m59.56s",
         "x-ratelimit-remaining-tokens": "100", "x-ratelimit-reset-tokens": "7.66s"}, "", 179.56),
    "resets without remaining": (
        {"x-ratelimit-reset-requests": "1h2m", "x-ratelimit-reset-tokens": "75ms"}, "", 0.075),
    "OpenRouter's epoch in milliseconds": ({"X-RateLimit-Reset": "1790000060000"}, "", 60),
    "OpenRouter's epoch in the body": (
        {}, '{"error": {"metadata": {"headers": {"X-RateLimit-Reset": "1790000060000"}}}}', 60),
    "epoch in seconds": ({"x-ratelimit-reset": "1790000045"}, "", 45),
    "Cerebras' plain seconds": ({"x-ratelimit-reset-tokens-minute": "33.5"}, "", 33.5),
    "IETF": ({"ratelimit-reset": "12"}, "", 12),
    "the header before the body": ({"retry-after": "3"}, "try again in 9s", 3),
    "the body before the reset": ({"x-ratelimit-reset": "12"}, '{"retry_after": 4}', 4),
    "nonsense, then sense": ({"retry-after": "soon"}, "try again in 9s", 9),
    "ten years": ({"retry-after": str(10 * 365 * 86400)}, "", LONGEST_S),
}  # fmt: skip
NOTHING = {
    "nothing": ({}, ""),
    "negative": ({"retry-after": "-5"}, ""),
    "NaN": ({"retry-after": "nan"}, ""),
    "infinite": ({"retry-after": "inf"}, ""),
    "with an exponent": ({"retry-after": "1e3"}, ""),
    "other digits": ({"retry-after": "٣"}, ""),
    "a date that is over": ({"retry-after": "Mon, 21 Sep 2026 14:00:00 GMT"}, ""),
    "an epoch that is over": ({"x-ratelimit-reset": "1789999000"}, ""),
    "words": ({"retry-after": "soon"}, "try again in a while"),
    "a day that does not exist": ({"retry-after": "Mon, 99 Sep 2026 25:00:00 GMT"}, ""),
    "too long to be a number": ({"retry-after": "9" * 400}, ""),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_form_is_read(form: str) -> None:
    headers, body, seconds = FORMS[form]
    assert parse_wait(headers, body, NOW) == pytest.approx(seconds)


@pytest.mark.parametrize("form", NOTHING)
def test_what_makes_no_sense_is_passed_over(form: str) -> None:
    headers, body = NOTHING[form]
    assert parse_wait(headers, body, NOW) is None


HEADERS = st.sampled_from(["retry-after-ms", "Retry-After", "x-ratelimit-reset", "x-ratelimit-reset-tokens",
                           "x-ratelimit-remaining-tokens", "ratelimit-reset"])  # fmt: skip
PIECES = st.text("0123456789.smhdu:-+ TZnaifMon,SepGMT", max_size=40) | st.text(max_size=80) | st.floats().map(str)


@given(headers=st.dictionaries(HEADERS, PIECES), body=PIECES.map("try again in {}".format) | st.text(max_size=200))
@example(headers={"retry-after": "9" * 64}, body="")
@example(headers={"retry-after": "Mon, 21 Sep 0000 14:13:50 GMT"}, body="")
@example(headers={"retry-after": "Mon, 21 Sep 2026 14:13:50 -9999"}, body="")
def test_whatever_is_said_the_wait_is_none_or_within_a_day(headers: dict[str, str], body: str) -> None:
    wait = parse_wait(headers, body, NOW)
    assert wait is None or (math.isfinite(wait) and 0 <= wait <= LONGEST_S)


@given(seconds=st.floats(0, LONGEST_S, allow_nan=False))
def test_seconds_come_back_as_they_were_written(seconds: float) -> None:
    assert parse_wait({"retry-after": f"{seconds:.3f}"}, "", NOW) == pytest.approx(seconds, abs=0.001)


@given(hours=st.integers(0, 23), minutes=st.integers(0, 59), milliseconds=st.integers(0, 59_999))
def test_go_durations_come_back_as_they_were_written(hours: int, minutes: int, milliseconds: int) -> None:
    text = f"{hours}h{minutes}m{milliseconds / 1000}s"
    assert parse_wait({}, f"try again in {text}.", NOW) == pytest.approx(
        hours * 3600 + minutes * 60 + milliseconds / 1000
    )
