"""From messages and parameters to a `Request`: what the decision needs to know, and nothing else. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, TypeVar

from llm7router.decision.content import holds, parts
from llm7router.decision.tasks import Detector
from llm7router.errors import ArgumentError, ConfigError
from llm7router.types import Capability, Message, Request, RequestContext, TaskType

BYTES_PER_TOKEN = 3  # UTF-8; English has about 4, so the estimate is high there and close elsewhere
BYTES_PER_TOKEN_JSON = 2
TOKENS_PER_MESSAGE = 4  # role and separators of chat templates
TOKENS_PER_REQUEST = 16
TOKENS_PER_IMAGE = 1100  # OpenAI's high detail: 765 to 1,105 for common sizes
MOST_PER_IMAGE = 50_000  # gpt-4o-mini counts 2,833 and 5,667 for each of up to eight tiles
MOST_PER_FILE = 1_000_000  # of a film or a file, which may be an address only: as much as the largest contexts hold
CACHE_WRITE = 2  # times the price of input: 1.25 to keep it for minutes, 2 for an hour
IN_BYTES = ("text", "input_audio", "refusal", "thinking")  # parts that have no more tokens than bytes

E = TypeVar("E", bound=StrEnum)
_encode = json.JSONEncoder(default=str, ensure_ascii=False).encode  # json.dumps makes one for each call
BUILT_IN = Detector()


def build(
    messages: Sequence[Message],
    parameters: Mapping[str, Any],
    context: RequestContext,
    *,
    id: str,
    environment: str,
    max_usd: float,
    total_s: float,
    detect: Detector = BUILT_IN,
) -> Request:
    """What follows from a request and from what the caller says about it. `detect` tells tasks apart.

    Raises:
        ArgumentError: the messages are not a list of mappings with a role.
        ConfigError: a task type or a capability that does not exist, or a number out of range.
    """
    check_messages(messages)
    task = parse(TaskType, context.task_type, "task type")
    auto = task is TaskType.AUTO
    found = detect(messages, None if auto else task)
    max_tokens = parameters.get("max_completion_tokens") or parameters.get("max_tokens")
    prompt_tokens, prompt_tokens_most = estimate(messages, parameters)
    writes_cache = holds((messages, parameters), "cache_control")
    hint = context.estimated_tokens
    return Request(
        id=id,
        task=found.task,
        task_evidence=found.because,
        difficulty=found.difficulty,
        difficulty_evidence=found.difficulty_because,
        prompt_tokens=prompt_tokens,
        prompt_tokens_most=prompt_tokens_most * (CACHE_WRITE if writes_cache else 1),
        writes_cache=writes_cache,
        max_tokens=positive(max_tokens, "max_tokens"),
        choices=positive(parameters.get("n"), "n") or 1,
        requires=implied(messages, parameters) | required(context),
        expected_output=min(max_tokens or 300, 300) if hint is None else max(1, hint - prompt_tokens),
        **from_context(context, environment=environment, max_usd=max_usd, total_s=total_s),
    )


def from_context(context: RequestContext, *, environment: str, max_usd: float, total_s: float) -> dict[str, Any]:
    """The fields of a `Request` that only the caller and the configuration decide."""
    return {
        "requires_speed": context.requires_speed,
        "environment": context.environment or environment,
        "providers": frozenset(context.providers),
        "exclude": frozenset(context.exclude),
        "allow_training": context.allow_training,
        "max_usd": max_usd if context.max_usd is None else min(max_usd, context.max_usd),
        "deadline_s": total_s if context.deadline_s is None else min(total_s, context.deadline_s),
        "caller": context.caller,
        "wait_s": context.wait_s,
        "cache": context.cache,
    }


def required(context: RequestContext) -> frozenset[Capability]:
    """The capabilities that the caller names. Raises ConfigError for one that does not exist."""
    return frozenset(parse(Capability, name, "capability") for name in context.requires)


def parse(kind: type[E], value: str, what: str) -> E:
    """The member of an enum by its value, whatever the case.

    Raises:
        ConfigError: there is none; it names the closest.
    """
    try:
        return kind(str(value).lower())
    except ValueError:
        names = [member.value for member in kind]
        close = get_close_matches(str(value).lower(), names, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"use one of {', '.join(names)}"
        raise ConfigError(f"unknown {what} {str(value)[:60]!r}; {hint}") from None


def positive(value: Any, name: str) -> int | None:
    """The number, or None for None. Raises ConfigError for anything but a whole number of at least 1."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigError(f"{name} must be a whole number of at least 1 (given {str(value)[:40]!r})")
    return value


def check_messages(messages: Sequence[Message]) -> None:
    """Raise ArgumentError unless messages are of OpenAI's shape and can be written as JSON: no provider is to blame."""
    example = {"role": "user", "content": "Hello"}
    if isinstance(messages, str | bytes | Mapping) or not isinstance(messages, Sequence):
        raise ArgumentError(f"messages must be a list such as [{example}], not {type(messages).__name__}")
    if not messages:
        raise ArgumentError(f"messages is empty; give at least one, such as {example}")
    for index, message in enumerate(messages):
        if not isinstance(message, Mapping) or not isinstance(message.get("role"), str):
            raise ArgumentError(f"messages[{index}] must be a mapping with a 'role', such as {example}")
        content = message.get("content")
        listed = isinstance(content, list | tuple) and all(isinstance(part, Mapping) for part in content)
        if not (content is None or isinstance(content, str) or listed):
            raise ArgumentError(
                f"messages[{index}]['content'] must be text or a list of parts, not {type(content).__name__}"
            )
    try:
        json.dumps(list(messages), allow_nan=False, ensure_ascii=False).encode()  # lone surrogates are no text
    except (TypeError, ValueError, RecursionError) as error:
        raise ArgumentError(f"messages cannot be written as JSON: {error}") from None


def check_context(context: RequestContext) -> None:
    """Raise ArgumentError for values of the wrong kind: a string of ids would silently mean none of them."""
    if not isinstance(context, RequestContext):
        raise ArgumentError(f"context must be a RequestContext, not {type(context).__name__}")
    for name in ("providers", "exclude", "requires"):
        if isinstance(getattr(context, name), str | bytes):
            raise ArgumentError(f"{name} must be a list of names, such as [{getattr(context, name)!r}], not a string")
    if not (context.cache is None or isinstance(context.cache, bool)):
        raise ArgumentError(f"cache must be True, False or None (given {str(context.cache)[:40]!r})")
    for name in ("max_usd", "deadline_s", "estimated_tokens", "wait_s"):
        value = getattr(context, name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0):
            raise ArgumentError(f"{name} must be a number of 0 or more (given {str(value)[:40]!r})")


def implied(messages: Sequence[Message], parameters: Mapping[str, Any]) -> frozenset[Capability]:
    """Capabilities that messages and parameters need without being said.

    A stream needs none: what cannot stream gives its answer in one piece, which loses fewer requests.
    """
    needed: set[Capability] = set()
    if parameters.get("tools"):
        needed.add(Capability.TOOLS)
    response_format = parameters.get("response_format")
    if isinstance(response_format, Mapping):
        kind = response_format.get("type")
        if kind == "json_schema":
            needed.add(Capability.JSON_SCHEMA)
        elif kind == "json_object":
            needed.add(Capability.JSON_MODE)
    if any(part.get("type") == "image_url" for message in messages for part in parts(message)):
        needed.add(Capability.VISION)
    return frozenset(needed)


def estimate(messages: Sequence[Message], parameters: Mapping[str, Any]) -> tuple[int, int]:
    """Prompt tokens: the estimate, and the most that any tokenizer makes.

    The estimate is UTF-8 bytes / 3, everything that is JSON / 2, images by the piece, and the template's own: high for
    English, while digits and symbols can have up to three times as many. The most is a token for each byte, and what
    the dearest models count for images, films and files; what money depends on uses that.
    """
    text_bytes, json_bytes, images, files = _sizes(messages, parameters)
    own = TOKENS_PER_MESSAGE * len(messages) + TOKENS_PER_REQUEST
    tokens = math.ceil(text_bytes / BYTES_PER_TOKEN + json_bytes / BYTES_PER_TOKEN_JSON) + own
    most = text_bytes + json_bytes + own + images * MOST_PER_IMAGE + files * MOST_PER_FILE
    return tokens + images * TOKENS_PER_IMAGE, most


def _sizes(messages: Sequence[Message], parameters: Mapping[str, Any]) -> tuple[int, int, int, int]:
    """Bytes of text, bytes of everything else as JSON, and the numbers of images (whose data is not text) and files."""
    text_bytes = json_bytes = images = files = 0
    for message in messages:
        for part in parts(message):
            if part.get("type") == "text":
                text_bytes += len(str(part.get("text", "")).encode("utf-8", "replace"))
            elif part.get("type") == "image_url":
                images += 1
            else:
                json_bytes += _json_size(part)
                files += part.get("type") not in IN_BYTES
        others = {name: value for name, value in message.items() if name not in ("role", "content")}
        json_bytes += _json_size(others) if others else 0
    for value in parameters.values():
        json_bytes += _json_size(value) if isinstance(value, list | tuple | Mapping) else 0
    return text_bytes, json_bytes, images, files


def _json_size(value: Any) -> int:
    return len(_encode(value).encode("utf-8", "replace"))
