"""What shows in the form of a prompt, whatever its language: code, sums, and where the request proper stands. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from llm7router.decision.tasks.lexicon import Hit

# Characters that are read at either end: instructions stand there, and what is read is bounded for hostile prompts.
HEAD, TAIL = 1500, 700
SEARCHED = 1200  # of what was read, for signs of code
PAYLOAD = 160  # characters after an instruction that make it an instruction about a text

# Each alternative begins with what is rare, and repeats nothing inside a repetition: no input makes them slow.
_LINES = re.compile(
    r"^[ \t]{0,40}(?:def \w+\(|class \w+[:({]|import [\w.{*, ]{1,60}(?:$|;|from)|from [\w.]{1,60} import"
    r"|function \w*\(|(?:const|let|var) \w+ ?="
    r"|(?:public|private|protected|static) (?:static|class|void|int|string|final)"
    r"|#include|SELECT |INSERT INTO|UPDATE \w+ SET|CREATE TABLE|(?:if|for|while|switch) ?\([^)\n]{1,80}\) ?[{:\w]"
    r"|return [^\n]{0,80};|elif |try:|except|fn \w+\(|func \w+\(|package \w+;?$|using \w+;"
    r"|@\w+$|\}|</?[a-z]{1,12}[ >/]|\$ \w|>>> |FROM \w+:|RUN )",
    re.MULTILINE,
)
_ENDS = re.compile(r"[;{}]$|\)?:$|=> ?\{", re.MULTILINE)
_ERROR = re.compile(
    r"Traceback \(most|\b[A-Z][a-z]\w{0,40}(?:Error|Exception)\b|\bat line \d|\bsegfault|core dumped"
    r"|\bundefined (?:is not|reference)|\bE(?:CONN|NO|ACC)[A-Z]{3,}|exit code \d|npm ERR"
)
_NAMES = re.compile(
    r"\b[a-z]{1,30}[A-Z][a-z]\w{0,30}\b|\b\w{1,30}\(\)|\b\w{1,30}\."
    r"(?:py|js|ts|tsx|jsx|java|rs|go|cpp|cs|sh|sql|css|ya?ml|toml|rb|php)\b"
    r"|\bc\+\+|\bC\+\+|\bC#|\B--[a-z]{2}|\b[a-z]{1,20}\[\w{1,10}\]|\bdef \w|\bSELECT \w|\bO\(\w"
    r"|\b(?:[A-Z]{4,5} JOIN|GROUP BY|ORDER BY)\b"
)
_SNAKE = re.compile(r"\b[a-z]{1,30}_[a-z]{1,30}\b")
_SUMS = re.compile(
    r"\d ?[+*×÷^=] ?\d|\d ?% (?:of|von|de|di|от|da)\b|\d [-/−–] \d|\b[a-z] ?(?:=|\^|²|³|[<>]=?) ?-?[\da-z]\b"
    r"|\b\d{1,4}[a-z]\b ?[-+=]|\\(?:frac|int|sum|sqrt|lim)"
    r"|[∫√∑≤≥≠]|\b[fg]\([a-z]\) ?=|\b(?:sin|cos|tan|log|ln|lim) ?\(?[a-z\d]\b|\bd/d[a-z]\b|\bmod \d"
)
_NUMBER = re.compile(
    r"\d[\d.,]{0,20}|[一二三四五六七八九十百两]{1,4}(?=[个人岁元天只块米年支本])"
    r"|\b(?:two|three|four|five|six|seven|eight|nine|ten|twelve|twice|half|dozen)\b"
)
_UNITS = re.compile(
    r"\d ?(?:%|km|mph|kg|cm|m/s|€|£|\$|USD|EUR)|[$€£₹]\d"
    r"|\d[ -](?:hours?|minutes?|days?|gallons?|lit(?:er|re)s?|miles?|meters?)\b"
)
_TABLE = re.compile(
    r"^[ \t]{0,9}\|?[ \t]{0,9}:?-{3,40}:?[ \t]{0,9}\|", re.MULTILINE
)  # the line below a Markdown table's head
_CODES = re.compile(r"\b([A-Z]{2}) ?(?:->|→|=>) ?([A-Z]{2})\b")  # of languages: DE->EN
_DATE = re.compile(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}|\d{1,2}:\d\d")
_QUOTED = re.compile(r"[\"“„«「『][^\"”“»」』]{25,}[\"”“»」』]")


class Parts(NamedTuple):
    """A prompt, cut: what asks, and what it asks about."""

    ask: str
    rest: str
    fenced: bool
    length: int  # characters of the whole
    scanned: str  # what was read, as written


def cut(text: str, head: int = HEAD, tail: int = TAIL) -> Parts:
    """The request proper, which stands before or after what it is about, and that.

    The instruction ends at a colon, a line or a quotation mark that a longer text follows.
    """
    length = len(text)
    scanned = _ends(text, head, tail)
    pieces = scanned.split("```")
    fenced = len(pieces) > 1
    open_text = "\n\n".join(pieces[::2]) if len(pieces) % 2 else "\n\n".join(pieces[:1])
    rest = "\n".join(pieces[1::2])
    quoted = _QUOTED.findall(open_text)
    if quoted and sum(map(len, quoted)) < len(open_text) - 8:
        open_text = _QUOTED.sub(" … ", open_text)
        rest += "\n".join(quoted)
    paragraphs = [p for p in open_text.split("\n\n") if p.strip()]
    if len(paragraphs) > 1 and (len(open_text) > 2 * PAYLOAD or fenced):
        ask = f"{_instruction(paragraphs[0])}\n{_instruction(paragraphs[-1], last=True)}"
        middle = "\n\n".join(paragraphs[1:-1])
        return Parts(ask, f"{rest}\n{middle}\n{paragraphs[0]}\n{paragraphs[-1]}", fenced, length, scanned)
    ask = _instruction(open_text)
    return Parts(ask, rest + open_text[len(ask) :], fenced, length, scanned)


def uncut(text: str, head: int = HEAD, tail: int = TAIL) -> Parts:
    """All that is read of a prompt as one request."""
    scanned = _ends(text, head, tail)
    return Parts(scanned, "", "```" in scanned, len(text), scanned)


def _ends(text: str, head: int, tail: int) -> str:
    return text if len(text) <= head + tail else f"{text[:head]}\n\n{text[-tail:]}"


def _instruction(text: str, *, last: bool = False) -> str:
    """A paragraph up to the colon or the line break that begins what it is about."""
    if last and len(text) > 2 * PAYLOAD:
        return text[-PAYLOAD:]
    for mark in (":\n", "\n", ": ", "：", " – ", " - "):
        head, found, after = text.partition(mark)
        if found and 8 <= len(head) <= 240 and len(after) >= (PAYLOAD if mark == "\n" else 12):
            return head + mark
    return text


def hits(parts: Parts) -> Iterator[Hit]:
    """What the form of a prompt shows."""
    text = parts.scanned
    if parts.fenced:
        yield Hit("has a fenced block", "```", 0)
    lines = len(_LINES.findall(text, 0, 3000)) + len(_ENDS.findall(text, 0, 3000)) // 2
    if lines:
        yield Hit("has lines of code" if lines > 2 else "has a line of code", f"{lines} lines", 0)
    for cue, pattern in (
        ("shows an error", _ERROR),
        ("has names as in programs", _NAMES),
        ("has names_like_this", _SNAKE),
    ):
        if match := pattern.search(text, 0, SEARCHED):
            yield Hit(cue, match.group(0)[:40], 0)
    if match := _SUMS.search(parts.ask) or _SUMS.search(parts.rest, 0, 400):
        yield Hit("has sums", match.group(0).strip(), 0)
    if _TABLE.search(text, 0, SEARCHED):
        yield Hit("has a table", "a table", 0)
    if match := _CODES.search(text, 0, 80):
        yield Hit("says into which language", match.group(0), 0)
    if match := _UNITS.search(parts.ask):
        yield Hit("has percentages or units", match.group(0), 0)
    numbers = len(_NUMBER.findall(_DATE.sub(" ", parts.ask)))
    if numbers >= 2:
        yield Hit("has numbers" if numbers < 4 else "has many numbers", f"{numbers} numbers", 0)
    if len(parts.rest) >= PAYLOAD:
        yield Hit("comes with a text", f"{len(parts.rest)} characters", 0)
