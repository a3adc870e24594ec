"""How much each cue of a prompt counts, by where it stands. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from llm7router.decision.tasks.asks import ASKS
from llm7router.decision.tasks.lexicon import Hit
from llm7router.decision.tasks.manner import MANNER

WRITES = "asks to write"
WRITTEN = frozenset(
    ("names a work", "names a piece of writing", "speaks of programs", "may speak of programs",
     "names a part of programs",
     "names a programming language", "asks for a summary", "speaks of a CV", "asks for a data format")
)  # fmt: skip
EARLY = 3  # words of a sentence among which a verb is a request
LATER = 0.12  # a sentence's second cue counts 1 / (1 + LATER), its third 1 / (1 + 2 LATER), ...
OBJECT, ABOUT = 1.25, 0.55  # what is to be written, and what comes after it
TOLD = 0.6  # sentences that ask for nothing, next to one that does
_VERBS = frozenset((*ASKS, *MANNER)) - {"goes on from before"}
_QUESTIONS = ("asks a question", "asks to explain", "asks for a quantity", "asks for advice", "makes a request")


def focus(found: Iterable[Hit]) -> Iterator[tuple[Hit, float]]:
    """Each hit with what it counts, about 0.2 to 1.25."""
    hits = list(found)
    asking = {hit.sentence for hit in hits if _asks(hit)}
    rank: dict[int, int] = {}
    writing: dict[int, float] = {}
    for hit in hits:
        at = hit.sentence
        if at < 0:
            yield hit, 1.0
            continue
        share = 1 / (1 + LATER * rank.get(at, 0))
        rank[at] = rank.get(at, 0) + (hit.cue not in _QUESTIONS)
        if at in writing and hit.cue != WRITES:
            share *= writing[at]
            if hit.cue in WRITTEN:
                writing[at] = ABOUT
        elif hit.cue == WRITES:
            writing.setdefault(at, OBJECT)
        yield hit, share if not asking or at in asking else share * TOLD


def _asks(hit: Hit) -> bool:
    return hit.sentence >= 0 and (hit.cue in _QUESTIONS or (hit.at < EARLY and hit.cue in _VERBS))
