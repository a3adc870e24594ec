"""Which requests may have a stored answer, and which of them are the same. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from llm7router.decision.content import parts
from llm7router.types import Capability, Deployment, Message, Request

VERSION = 1  # of what is hashed

# Parameters that shape no answer: how it is sent, billed, and kept by the provider.
SHAPELESS = frozenset({"stream_options", "service_tier", "store", "prompt_cache_key", "modalities"})
WHO = frozenset({"user", "safety_identifier"})  # whom the caller asks for
MORE = ("logprobs", "top_logprobs")  # bring more than a result holds


def allowed(
    request: Request, parameters: Mapping[str, Any], deployments: Sequence[Deployment]
) -> frozenset[str] | None:
    """Ids of the deployments whose answers may be stored and given to this request; None: anybody's.

    Empty for most requests, which is found out in less than a microsecond.
    """
    if request.cache is None and parameters.get("temperature") != 0:
        return frozenset()
    if request.cache is False or request.choices > 1 or any(parameters.get(name) for name in MORE):
        return frozenset()
    if request.cache:
        return None
    if parameters.get("tools") or Capability.VISION in request.requires:
        return frozenset()
    return frozenset(d.id for d in deployments if d.cache)


def only_text(messages: Sequence[Message]) -> bool:
    """Whether they hold no images, films or files, of which only the address may be known."""
    return all(part.get("type") == "text" for message in messages for part in parts(message))


def key_of(
    messages: Sequence[Message], parameters: Mapping[str, Any], request: Request, *, across_callers: bool = False
) -> str:
    """A SHA-256 in hex of everything that shapes the answer, as canonical JSON.

    That is: the messages, the parameters, and what the caller says of who should answer; not what it may cost or how
    long it may take. A parameter or a message's field that is null is as good as absent, and 1.0 is 1.
    """
    left_out = SHAPELESS | WHO if across_callers else SHAPELESS
    asked = {
        "version": VERSION,
        "caller": None if across_callers else request.caller,
        "messages": [_given(message) for message in messages],
        "parameters": {name: value for name, value in _given(parameters).items() if name not in left_out},
        "who": {
            "task": request.task,
            "requires": sorted(request.requires),
            "requires_speed": request.requires_speed,
            "environment": request.environment,
            "providers": sorted(request.providers),
            "exclude": sorted(request.exclude),
            "allow_training": request.allow_training,
        },
    }
    # There and back, so that whatever becomes the same JSON is the same.
    plain = json.loads(json.dumps(asked), parse_float=_number)
    return hashlib.sha256(json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _given(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _number(text: str) -> float | int:
    value = float(text)
    return int(value) if value.is_integer() else value
