"""Looks up many words at once: time grows with the text, not with the number of entries, and nothing backtracks."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import NamedTuple

TOKEN = re.compile(r"[0-9a-zßæøłđœþð]+|[^\W_0-9a-zßæøłđœþð]+|\.(?!\w)|[!?:\n。！？：؟।]")
_ACCENTS = re.compile(r"[\u0300-\u036f\u064b-\u0652]+")
# What is written without spaces, or glues articles and endings to words, is searched inside words.
SCRIPTS = {
    "arabic": re.compile(r"[\u0620-\u06ff]"),
    "devanagari": re.compile(r"[\u0900-\u097f]"),
    "han and kana": re.compile(r"[\u3040-\u30ff\u3400-\u9fff]"),
    "hangul": re.compile(r"[\u1100-\u11ff]"),  # syllables come apart into these below
}
_PREFIX = 3  # characters that entries are filed under


class Hit(NamedTuple):
    """An entry that was found."""

    cue: str
    said: str
    at: int = 0  # words since its sentence began
    sentence: int = -1  # which one; -1 for what is searched inside words, and for forms


def normal(text: str) -> str:
    """Lower case and without accents, so that "Résumé", "RÉSUMÉ" and "resume" are the same."""
    lowered = text.lower()
    if lowered.isascii():
        return lowered
    return _ACCENTS.sub("", unicodedata.normalize("NFKD", lowered)).replace("ı", "i")


def phrase(said: str) -> str:
    """What a person writes as an entry: "Unit Tests" as "unit_tests", a stem with its `*`."""
    words = [token for token in TOKEN.findall(normal(said)) if token[0].isalnum()]
    return "_".join(words) + ("*" if words and said.rstrip().endswith("*") else "")


class Lexicon:
    """Entries by cue: words, `stem*`, and `several_words`; in some scripts, parts of words."""

    def __init__(self, entries: Mapping[str, str]) -> None:
        self._words: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
        self._parts: dict[str, list[tuple[str, str]]] = {}
        for cue, written in entries.items():
            for entry in dict.fromkeys(normal(written).split()):
                self._file(cue, entry)

    def _file(self, cue: str, entry: str) -> None:
        script = next((name for name, pattern in SCRIPTS.items() if pattern.search(entry)), None)
        if script is not None:
            self._parts.setdefault(script, []).append((entry.rstrip("*").replace("_", " "), cue))
        else:
            words = tuple(entry.split("_"))
            self._words.setdefault(words[0].rstrip("*")[:_PREFIX], []).append((cue, words))

    def hits(self, text: str, tokens: list[str]) -> Iterator[Hit]:
        """Every entry in `text`, which is `normal`, and cut into `tokens`."""
        since = sentence = 0
        until: dict[str, int] = {}  # by cue, the end of its last entry: overlapping ones say the same
        for index, token in enumerate(tokens):
            if not token[0].isalnum():
                since, sentence = 0, sentence + 1
                continue
            for cue, words in self._words.get(token[:_PREFIX], ()):
                if not _same(words[0], token) or index < until.get(cue, 0):
                    continue
                if len(words) == 1 or _follow(words, tokens, index):
                    until[cue] = index + len(words)
                    yield Hit(cue, " ".join(tokens[index : index + len(words)]), since, sentence)
            since += 1
        if not text.isascii():
            for script, entries in self._parts.items():
                if SCRIPTS[script].search(text):
                    yield from (Hit(cue, part) for part, cue in entries if part in text)


def _same(entry: str, token: str) -> bool:
    return token.startswith(entry[:-1]) if entry[-1] == "*" else token == entry


def _follow(words: tuple[str, ...], tokens: list[str], index: int) -> bool:
    rest = tokens[index + 1 : index + len(words)]
    return len(rest) == len(words) - 1 and all(map(_same, words[1:], rest))
