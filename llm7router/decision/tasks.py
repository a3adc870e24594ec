"""Which task a prompt asks for: a simple rule over the last user message. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from llm7router.types import TaskType

_LANGUAGES = "french|german|spanish|italian|portuguese|dutch|polish|russian|japanese|chinese|korean|arabic|english"
_CODE_WORDS = r"python|javascript|typescript|rust|golang|java|c\+\+|sql|bash|regex|html|css|unit tests?"
_CODE_THINGS = "function|code|script|program|class|query|bug"
_WORKS = "story|poem|song|lyrics|haiku|joke|novel|slogan|essay|limerick"

# The first rule that matches decides: narrow ones stand before wide ones.
RULES: Sequence[tuple[TaskType, re.Pattern[str]]] = tuple(
    (task, re.compile(pattern, re.IGNORECASE))
    for task, pattern in (
        (TaskType.CODE, r"```|\btraceback\b|\bdef \w+\(|\bclass \w+[:(]|#include\b|\bselect\b.+\bfrom\b.+\bwhere\b"),
        (TaskType.TRANSLATE, rf"\btranslat\w*\b|\b(?:in|into|to) (?:{_LANGUAGES})\s*[:.?]"),
        (TaskType.SUMMARIZE, r"\bsummar\w+\b|\btl;?dr\b|\bkey points\b"),
        (TaskType.EXTRACT, r"\bextract\b|\bfind all\b|\blist (?:all|every) .+ (?:in|from) (?:the|this)\b|\bas json\b"),
        (TaskType.CODE, rf"\b(?:{_CODE_WORDS})\b|\b(?:write|fix|debug|refactor|implement)\b.+\b(?:{_CODE_THINGS})\b"),
        (TaskType.REASONING, r"\bprove\b|\bsolve\b|\bstep[- ]by[- ]step\b|\bhow many\b|\bcalculate\b|\bpuzzle\b"),
        (TaskType.REASONING, r"\bprobabilit\w+\b|\bwhat is \d+|\d\s*[-+*/^=]\s*\d"),
        (TaskType.CREATIVE, rf"\b(?:write|compose|invent|make up|tell)\b.+\b(?:{_WORKS})\b"),
    )
)

SCANNED_CHARS = 4000  # of each end: enough for instructions, bounded for hostile prompts


def detect(text: str) -> tuple[TaskType, str]:
    """The task and the words that gave it away; `CHAT` when nothing does."""
    scanned = text if len(text) <= 2 * SCANNED_CHARS else f"{text[:SCANNED_CHARS]}\n{text[-SCANNED_CHARS:]}"
    for task, pattern in RULES:
        if match := pattern.search(scanned):
            return task, f"says {match.group(0)[:40]!r}"
    return TaskType.CHAT, "nothing points to another task"
