"""The end of a streamed answer as it came over the wire.

LiteLLM makes up a finish reason and token counts where a provider sent none. What the provider sent is here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from llm7router.calls import answers

KEPT = 16 * 1024  # bytes: the last events, usage among them
# Inside of texts and arguments the quotes of JSON are escaped, so these match keys only.
_FINISH = re.compile(rb'"finish_reason"\s{0,4}:\s{0,4}"([^"]{1,40})"')
_USAGE = re.compile(rb'"usage"\s{0,4}:\s{0,4}(?=\{)')
_ERROR = re.compile(rb'"error"\s{0,4}:\s{0,4}(?=[{"])')
_EVENT = re.compile(rb"^data:\s?(?=\{)", re.MULTILINE)
_DONE = re.compile(rb"^data:\s?\[DONE\]", re.MULTILINE)


class Tail:
    """Fed with the body's bytes, in whatever pieces."""

    def __init__(self) -> None:
        self.seen = False  # something was fed
        self._kept = b""

    def feed(self, data: bytes) -> None:
        """Take more of the body."""
        self.seen = True
        self._kept = (self._kept + data)[-KEPT:]

    @property
    def text(self) -> str:
        """What is kept."""
        return self._kept.decode("utf-8", "replace")

    @property
    def complete(self) -> bool:
        """The provider said that it was done: a finish reason, `[DONE]`, or usage in a last event of its own."""
        return self.finish_reason is not None or bool(_DONE.search(self._kept)) or self._ends_with_usage()

    def _ends_with_usage(self) -> bool:
        """Usage beside text is no end: some send what was used so far with every piece."""
        last: Any = next(self._values(_EVENT), {})
        return isinstance(last.get("usage"), dict) and not last.get("choices")

    @property
    def finish_reason(self) -> str | None:
        """The last one, in the provider's own word."""
        found = _FINISH.findall(self._kept)
        return found[-1].decode("utf-8", "replace") if found else None

    @property
    def usage(self) -> tuple[int, int] | None:
        """Prompt and output tokens of the last usage, or None."""
        for usage in self._values(_USAGE):
            told = (usage.get("prompt_tokens"), usage.get("completion_tokens", 0), usage.get("total_tokens"))
            if known := answers.counts(*told):
                return known
        return None

    @property
    def cache_tokens(self) -> int:
        """As `answers.cache_tokens`, the most of every usage."""
        return max((answers.cache_tokens(usage) for usage in self._values(_USAGE)), default=0)

    @property
    def error(self) -> str | None:
        """The last error inside the answer, as JSON `{"error": ...}`."""
        return next((json.dumps({"error": error}) for error in self._values(_ERROR)), None)

    def _values(self, key: re.Pattern[bytes]) -> Iterator[Any]:
        """What JSON follows a key, the last first."""
        for match in reversed(list(key.finditer(self._kept))):
            try:
                yield json.JSONDecoder().raw_decode(self._kept[match.end() :].decode("utf-8", "replace"))[0]
            except (ValueError, RecursionError):
                continue
