"""How long a provider asks to wait, in all the ways that providers say it. Pure: `now` is an argument.

In order of trust: `retry-after-ms`; `retry-after` as seconds, an HTTP date or an instant; `retry_after` and
`retryDelay` in the body; prose such as "try again in 9m38.016s"; the reset header of an exhausted window.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_S = 24 * 3600.0  # no wait is longer: a month that is used up is asked again tomorrow
_LONGEST_TEXT = 64
_LONGEST_BODY = 20_000
_NUMBER = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,20})?")
_STEP = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,12})?)(ns|us|µs|ms|d|h|m|s)")
_DURATION = re.compile(rf"(?:{_STEP.pattern}){{1,6}}")
_STEP_S = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_IN_BODY = (
    re.compile(r"""["']retry_after["']\s{0,4}:\s{0,4}["']?([0-9][0-9.]{0,40})"""),
    re.compile(r"""["']retryDelay["']\s{0,4}:\s{0,4}["']([0-9][^"']{0,40})["']"""),
    re.compile(r"(?:try again|retry)\s{1,4}(?:in|after)\s{1,4}([0-9][0-9a-zµ.]{0,40})", re.IGNORECASE),
)
_RESET_IN_BODY = re.compile(r"""["']x-ratelimit-reset["']\s{0,4}:\s{0,4}["']?([0-9]{1,20})""", re.IGNORECASE)
_RESET = re.compile(r"(?:x-)?rate-?limit-reset(?P<window>-[a-z0-9-]+)?")
# Numbers that large are instants: 1e9 s after 1970 is 2001, and 1e11 ms is 1973 while 1e11 s is the year 5138.
_EPOCH_S, _EPOCH_MS = 1e9, 1e11


def parse_wait(headers: Mapping[str, str], body: str, now: float) -> float | None:
    """Seconds to wait, in [0, 24 h], or None if nothing usable is said.

    Never raises, whatever the text. What is not a finite number of seconds from now on is passed over.
    """
    lower = {str(name).lower(): str(value)[:_LONGEST_TEXT].strip() for name, value in headers.items()}
    for wait in _waits(lower, body[:_LONGEST_BODY], now):
        if wait is not None and wait >= 0:
            return min(wait, LONGEST_S)
    return None


def _waits(headers: Mapping[str, str], body: str, now: float) -> Iterator[float | None]:
    milliseconds = _number(headers.get("retry-after-ms", ""))
    yield None if milliseconds is None else milliseconds / 1000
    yield _wait(headers.get("retry-after", ""), now)
    for pattern in _IN_BODY:
        for found in pattern.findall(body):
            yield _wait(found.rstrip("."), now)
    yield _reset(headers, now)
    for found in _RESET_IN_BODY.findall(body):
        yield _wait(found, now)


def _reset(headers: Mapping[str, str], now: float) -> float | None:
    """The longest reset of the windows with nothing left; if none says so, the shortest reset of all."""
    waits: dict[str, float] = {}
    for name, value in headers.items():
        if (match := _RESET.fullmatch(name)) and (wait := _wait(value, now)) is not None and wait >= 0:
            waits[match["window"] or ""] = wait
    exhausted = [wait for window, wait in waits.items() if _is_exhausted(headers, window)]
    if exhausted:
        return max(exhausted)
    return min(waits.values(), default=None)


def _is_exhausted(headers: Mapping[str, str], window: str) -> bool:
    prefixes = ("x-ratelimit-remaining", "ratelimit-remaining", "x-rate-limit-remaining")
    return any(_number(headers.get(prefix + window, "")) == 0 for prefix in prefixes)


def _wait(text: str, now: float) -> float | None:
    number = _number(text)
    if number is None:
        return _duration(text) if _DURATION.fullmatch(text) else _date(text, now)
    if number >= _EPOCH_MS:
        return number / 1000 - now
    return number - now if number >= _EPOCH_S else number


def _number(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text) else None


def _duration(text: str) -> float:
    return sum(float(amount) * _STEP_S[unit] for amount, unit in _STEP.findall(text))


def _date(text: str, now: float) -> float | None:
    """An HTTP date or an RFC 3339 instant; one without a zone is UTC."""
    readers: tuple[Callable[[str], datetime], ...] = (parsedate_to_datetime, datetime.fromisoformat)
    for read in readers:
        try:
            at = read(text)
            return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - now
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None
