"""How a webhook's requests are signed, and how a receiver checks them. Pure."""

from __future__ import annotations

import hashlib
import hmac

TIMESTAMP, SIGNATURE = "X-LLM7Router-Timestamp", "X-LLM7Router-Signature"
SKEW_S = 300.0  # an older request may have been recorded and sent again
LONGEST = 12  # digits of a timestamp: a sender may write as many as it likes


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """`sha256=` and the HMAC-SHA256, in hex, of the timestamp, a full stop and the body."""
    return "sha256=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def verify(secret: str, timestamp: str, body: bytes, signature: str, now: float) -> bool:
    """Whether a request is the router's, and was sent within five minutes of `now` (epoch seconds).

    Without this package, a receiver needs nothing but the standard library:

        given = request.headers["X-LLM7Router-Signature"]
        timestamp = request.headers["X-LLM7Router-Timestamp"]      # epoch seconds
        right = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(given, "sha256=" + right) or abs(time.time() - int(timestamp)) > 300:
            ...                                                    # answer 401

    `body` is the bytes as they came: JSON that was read and written again may differ.
    """
    number = timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= LONGEST
    fresh = number and abs(now - int(timestamp)) <= SKEW_S
    return fresh and hmac.compare_digest(sign(secret, timestamp, body).encode(), signature.encode())
