"""From messages to a task: cues are found, weighed and added up. Pure, and bounded for any input."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import islice
from typing import NamedTuple

from llm7router.decision.content import text_of
from llm7router.decision.tasks import shape
from llm7router.decision.tasks.asks import ASKS
from llm7router.decision.tasks.effort import EFFORT, effort
from llm7router.decision.tasks.focus import focus
from llm7router.decision.tasks.lexicon import TOKEN, Hit, Lexicon, normal, phrase
from llm7router.decision.tasks.manner import MANNER
from llm7router.decision.tasks.texts import TEXTS
from llm7router.decision.tasks.together import together
from llm7router.decision.tasks.topics import TOPICS
from llm7router.decision.tasks.weights import CHAT_FIRST, WEIGHTS
from llm7router.types import Message, TaskType

MAX_WORDS = 300  # of an instruction
OTHER_HEAD, OTHER_TAIL = 500, 200  # characters that are read of other messages than the last
EARLIER = 3  # user messages before the last one that a follow-up may go on from
FOLLOW_UP_WORDS = 25  # a longer message speaks for itself
CLEAR = 2.5  # points from which a message needs no help of the system message or of what came before
HINTED = 1.9  # points below which the part that looked like a request is taken for none
SHORT, GREETS = 10, "greets or thanks"  # words up to which a greeting is all there is
OWN = 20.0  # points of a person's own phrase: beats every cue

OPERATIONS = (TaskType.TRANSLATE, TaskType.SUMMARIZE, TaskType.EXTRACT)  # done to a text that is given
IN_SYSTEM = "is told what it is"  # means little there


class Found(NamedTuple):
    """What a prompt asks for."""

    task: TaskType
    because: str
    difficulty: float  # 0..1
    difficulty_because: str


class _Weighed(NamedTuple):
    points: dict[TaskType, float]
    said: dict[TaskType, list[tuple[float, str]]]
    hits: list[Hit]
    parts: shape.Parts
    words: int


class Detector:
    """Tells tasks apart. `own` are a person's own words and phrases by task; they win over what is built in.

    Bounded for any input: 2,200 characters of the last message are read, 700 of the system's and of up to three before,
    by word look-ups and patterns that cannot backtrack far; the median is about 0.15 ms, and 100 kB take about 1 ms.
    Only joining the parts of a message grows with them: 100,000 take 30 ms.

    Right on 85 % of 287 prompts of four kinds that nobody had looked at, and lower on kinds that are new to it: the
    docstring of `tests.benchmarks.tasks` has the counts, and what was tried and left out.
    """

    def __init__(self, own: Mapping[TaskType, Sequence[str]] | None = None) -> None:
        self._own = {task: Lexicon({task: "\n".join(map(phrase, said))}) for task, said in (own or {}).items() if said}

    def __call__(self, messages: Sequence[Message], given: TaskType | None = None) -> Found:
        """The task of the last user message, read with what came before if it is a follow-up; or the one `given`."""
        asked = (message for message in reversed(messages) if message.get("role") == "user")
        texts = [text_of(message) for message in islice(asked, 1 + EARLIER)][::-1]
        last = self._weigh(texts[-1] if texts else "")
        if given is not None:
            return Found(given, "as asked", *effort(given, last.parts, last.words, last.hits))
        points, said = dict(last.points), last.said
        clear = max((value for task, value in points.items() if task is not TaskType.CHAT), default=0.0)
        if len(texts) > 1 and last.words <= FOLLOW_UP_WORDS:
            share = _share_of_earlier(last, clear)
            _add(points, said, self._earlier(texts[:-1]), share, "before")
        if system := _system(messages):
            told = self._weigh(system, OTHER_HEAD, OTHER_TAIL, IN_SYSTEM)
            _add(points, said, told, _share_of_system(told, clear), "system")
        task = max(points, key=lambda t: (points[t], t is TaskType.CHAT))
        return Found(task, _because(task, points, said[task]), *effort(task, last.parts, last.words, last.hits))

    def _earlier(self, texts: Sequence[str]) -> _Weighed:
        """The last of the earlier messages that says what it wants."""
        weighed = [self._weigh(text, OTHER_HEAD, OTHER_TAIL) for text in texts]
        for found in reversed(weighed):
            if max(found.points, key=found.points.__getitem__) is not TaskType.CHAT:
                return found
        return weighed[-1]

    def _weigh(self, text: str, head: int = shape.HEAD, tail: int = shape.TAIL, without: str = "") -> _Weighed:
        parts = shape.cut(text, head, tail)
        weighed = self._read(parts, without)
        if parts.rest and max(weighed.points.values()) < HINTED:
            return self._read(shape.uncut(text, head, tail), without)  # what looked like the request says nothing
        return weighed

    def _read(self, parts: shape.Parts, without: str) -> _Weighed:
        ask = normal(parts.ask)
        tokens = TOKEN.findall(ask)[: 2 * MAX_WORDS]
        words = sum(token[0].isalnum() for token in tokens)
        found = [*_built_in().hits(ask, tokens), *shape.hits(parts)]
        found += together(found, tokens, parts, words)
        points, said = weigh(hit for hit in found if hit.cue != without and (words <= SHORT or hit.cue != GREETS))
        if self._own:
            whole = normal(parts.scanned)
            for task, lexicon in self._own.items():
                for hit in islice(lexicon.hits(whole, TOKEN.findall(whole)), 1):
                    points[task] += OWN
                    said[task].append((OWN, f"your {hit.said!r}"))
        return _Weighed(points, said, found, parts, words)


@cache
def _built_in() -> Lexicon:
    """Some 3,000 entries, filed when the first prompt comes: 10 to 20 ms."""
    return Lexicon({**ASKS, **MANNER, **TEXTS, **TOPICS, **EFFORT})


def weigh(found: Iterable[Hit]) -> tuple[dict[TaskType, float], dict[TaskType, list[tuple[float, str]]]]:
    """Points by task, and what gave them: each cue's best hit, and half of its second."""
    by_cue: dict[str, dict[str, float]] = {}
    for hit, share in focus(found):
        if hit.cue in WEIGHTS:
            shares = by_cue.setdefault(hit.cue, {})
            shares[hit.said] = max(share, shares.get(hit.said, 0.0))
    points: dict[TaskType, float] = {task: 0.0 for task in TaskType if task is not TaskType.AUTO}
    points[TaskType.CHAT] = CHAT_FIRST
    said: dict[TaskType, list[tuple[float, str]]] = {task: [] for task in points}
    for cue, shares in by_cue.items():
        best = sorted(shares.items(), key=lambda item: -item[1])[:2]
        for rank, (word, share) in enumerate(best):
            for task, weight in WEIGHTS[cue].items():
                value = weight * share / (1 + rank)
                points[task] += value
                said[task].append((value, repr(word)))
    return points, said


def _share_of_earlier(last: _Weighed, clear: float) -> float:
    cues = {hit.cue for hit in last.hits}
    if "greets or thanks" in cues or clear >= CLEAR + 1:
        return 0.0
    if "goes on from before" in cues:
        return 0.7
    return 0.5 if last.words <= 6 and not cues & {"asks a question", "asks to explain"} else 0.25


def _share_of_system(told: _Weighed, clear: float) -> float:
    """All of one that says what to do with whatever the user writes; of another the more, the less the user says."""
    best = max(told.points, key=told.points.__getitem__)
    if best in OPERATIONS and told.points[best] > CLEAR + 1:
        return 1.0
    return 0.0 if clear >= CLEAR else 0.7 if clear < 1 else 0.4


def _add(
    points: dict[TaskType, float],
    said: dict[TaskType, list[tuple[float, str]]],
    more: _Weighed,
    share: float,
    where: str,
) -> None:
    for task, value in more.points.items():
        if task is not TaskType.CHAT and value and share:
            points[task] += share * value
            said[task] += [(share * each, f"{word} ({where})") for each, word in more.said[task]]


def _system(messages: Sequence[Message]) -> str:
    return next((text_of(m) for m in messages if m.get("role") in ("system", "developer")), "")


def _because(task: TaskType, points: Mapping[TaskType, float], said: list[tuple[float, str]]) -> str:
    """The words that weighed most, and how far ahead the task is."""
    second = max((t for t in points if t is not task), key=points.__getitem__)
    versus = f"{points[task]:.1f} points" + (f", next {second} {points[second]:.1f}" if points[second] > 0 else "")
    words = ", ".join(dict.fromkeys(word for _, word in sorted(said, key=lambda item: -item[0])[:4]))
    return f"{words}: {versus}" if words else "nothing points to another task"
