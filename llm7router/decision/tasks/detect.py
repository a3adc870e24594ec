"""From messages to a task: cues are found, weighed and added up. Pure, and bounded for any input."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from llm7router.decision.content import text_of
from llm7router.decision.tasks import shape
from llm7router.decision.tasks.asks import ASKS
from llm7router.decision.tasks.focus import focus
from llm7router.decision.tasks.effort import EFFORT, effort
from llm7router.decision.tasks.lexicon import TOKEN, Hit, Lexicon, normal, phrase
from llm7router.decision.tasks.topics import TOPICS
from llm7router.decision.tasks.weights import CHAT_FIRST, WEIGHTS
from llm7router.types import Message, TaskType

MAX_WORDS = 300  # of an instruction
EARLIER = 3  # user messages before the last one that a follow-up may go on from
FOLLOW_UP_WORDS = 25  # a longer message speaks for itself
CLEAR = 2.5  # points from which a message needs no help of the system message or of what came before
HINTED = 1.9  # points below which the part that looked like a request is taken for none
SHORT, GREETS = 10, "greets or thanks"  # words up to which a greeting is all there is
OWN = 20.0  # points of a person's own phrase: beats every cue

ENDS = frozenset("?？؟")
STOPS = frozenset(".。।!")
FIRST_PERSON = frozenset(
    "i my me we our ich mein meine mir wir je mon ma mes moi nous yo mi mis me eu meu minha io mio mia я мой мне у_меня ben benim bana".split()
)
ABOUT_A_TEXT = frozenset(("speaks of a given text", "asks to pick out", "asks to classify", "asks what is in a text"))
QUOTES = frozenset("\"“„«「")
IN_CHARACTERS = frozenset("我私僕俺")
INTO = frozenset((":", "：", "into", "word", "version", "ins", "equivalent", "translation", "al", "para", "pro"))
ON = frozenset(("in", "to", "auf", "en", "em", "на", "по", "and"))

OPERATIONS = (TaskType.TRANSLATE, TaskType.SUMMARIZE, TaskType.EXTRACT)  # done to a text that is given
IN_SYSTEM = "is told what it is"  # means little there
GOES_ON = """
    now also what_about how_about same again instead it that them this another shorter longer one_more continue go_on
    make_it next more better previous above
    jetzt und auch nochmal stattdessen kurzer langer noch_ein noch_eine weiter das es mach_es
    maintenant et aussi encore plutot meme un_autre une_autre plus_court continue fais_le
    ahora y tambien otra otro mismo mas_corto sigue continua hazlo agora e tambem outra outro mesmo mais_curto continue
    adesso ora anche ancora un_altro un_altra piu_corto piu_breve continua теперь а тоже еще снова короче продолжай это
    simdi bir_de ayrica tekrar daha_kisa devam bunu peki
    现在 再 也 改成 换成 继续 短一点 那么 今度 では もう もっと それ 続け 次は 이제 다시 그럼 더 이번 الآن أيضا مرة_أخرى أكمل والآن अब और फिर इसे
"""


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

    Everything is bounded: 2,200 characters of a message are read, of the last user messages and the system's.
    """

    def __init__(self, own: Mapping[TaskType, Sequence[str]] | None = None) -> None:
        self._lexicon = _built_in()
        self._own = {task: Lexicon({task: "\n".join(map(phrase, said))}) for task, said in (own or {}).items() if said}

    def __call__(self, messages: Sequence[Message], given: TaskType | None = None) -> Found:
        """The task of the last user message, read with what came before if it is a follow-up; or the one `given`."""
        texts = [text_of(message) for message in messages if message.get("role") == "user"][-1 - EARLIER :]
        last = self._weigh(texts[-1] if texts else "")
        if given is not None:
            return Found(given, "as asked", *effort(given, last.parts, last.words, last.hits))
        points, said = dict(last.points), last.said
        clear = max((value for task, value in points.items() if task is not TaskType.CHAT), default=0.0)
        if len(texts) > 1 and last.words <= FOLLOW_UP_WORDS:
            share = _share_of_earlier(last, clear)
            _add(points, said, self._earlier(texts[:-1]), share, "before")
        if system := _system(messages):
            told = self._weigh(system, IN_SYSTEM)
            _add(points, said, told, _share_of_system(told, clear), "system")
        task = max(points, key=lambda t: (points[t], t is TaskType.CHAT))
        return Found(task, _because(task, points, said[task]), *effort(task, last.parts, last.words, last.hits))

    def _earlier(self, texts: Sequence[str]) -> _Weighed:
        """The last of the earlier messages that says what it wants."""
        weighed = [self._weigh(text) for text in texts]
        for found in reversed(weighed):
            if max(found.points, key=found.points.__getitem__) is not TaskType.CHAT:
                return found
        return weighed[-1]

    def _weigh(self, text: str, without: str = "") -> _Weighed:
        parts = shape.cut(text)
        weighed = self._read(text, parts, without)
        if parts.rest and max(weighed.points.values()) < HINTED:
            return self._read(text, shape.uncut(text), without)  # what looked like the request says nothing
        return weighed

    def _read(self, text: str, parts: shape.Parts, without: str) -> _Weighed:
        ask = normal(parts.ask)
        tokens = TOKEN.findall(ask)[: 2 * MAX_WORDS]
        words = sum(token[0].isalnum() for token in tokens)
        found = [*self._lexicon.hits(ask, tokens), *shape.hits(text, parts)]
        found += _together(found, tokens, parts, words)
        points, said = weigh(hit for hit in found if hit.cue != without and (words <= SHORT or hit.cue != GREETS))
        for task, lexicon in self._own.items():
            for hit in lexicon.hits(ask, tokens):
                points[task] += OWN
                said[task].append((OWN, f"your {hit.said!r}"))
                break
        return _Weighed(points, said, found, parts, words)


@cache
def _built_in() -> Lexicon:
    return Lexicon({**ASKS, **TOPICS, **EFFORT, "goes on from before": GOES_ON})


def weigh(found: Iterable[Hit]) -> tuple[dict[TaskType, float], dict[TaskType, list[tuple[float, str]]]]:
    """Points by task, and what gave them: each cue's best hit, and half of its second."""
    by_cue: dict[str, dict[str, float]] = {}
    for hit, share in focus(found):
        if hit.cue in WEIGHTS:
            shares = by_cue.setdefault(hit.cue, {})
            shares[hit.said] = max(share, shares.get(hit.said, 0.0))
    points = dict.fromkeys((task for task in TaskType if task is not TaskType.AUTO), 0.0)
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


def _together(found: list[Hit], tokens: list[str], parts: shape.Parts, words: int) -> Iterator[Hit]:
    """Cues that others make together."""
    cues = {hit.cue: hit.said for hit in found}
    numbers = cues.get("has many numbers") or cues.get("has numbers")
    if "asks for a quantity" in cues and any(token[0].isdigit() for token in tokens):
        yield Hit("asks for a quantity of given numbers", cues["asks for a quantity"], 0)
    yield from _puzzle(cues, tokens, parts, words, numbers)
    wanted = cues.get("asks for a data format") or cues.get("names what texts hold")
    given = len(parts.rest) > 12 or "speaks of a given text" in cues
    if wanted and given:
        yield Hit("wants data of a text", wanted, 0)
    if given and "asks for few words" in cues:
        yield Hit("asks for few words of a given text", cues["asks for few words"], 0)
    stated = "asks what is in a text" in cues or "speaks of a given text" in cues or len(parts.rest) > 40
    if given and "asks a question" in cues and stated:
        yield Hit("asks about a given text", cues["asks a question"], 0)
    if (said := cues.get("names a language")) is not None:
        at = tokens.index(said) if said in tokens else 0
        before, after = tokens[max(0, at - 1) : at], tokens[at + 1 : at + 2]
        if after[:1] == [":"] or INTO.intersection(before + after) or (words <= 4 and ON.intersection(before)):
            yield Hit("says into which language", said, 0)
        elif "speaks of saying something" in cues or given or QUOTES.intersection(parts.ask):
            yield Hit("asks how to say it in a language", cues.get("speaks of saying something", said), 0)


def _puzzle(cues: Mapping[str, str], tokens: list[str], parts: shape.Parts, words: int, numbers: str | None) -> Iterator[Hit]:
    """A situation of others, and a question about it."""
    asked = next((index for index in range(len(tokens) - 1, 0, -1) if tokens[index] in ENDS), 0)
    if not asked or ABOUT_A_TEXT.intersection(cues) or (words < 9 and (parts.ask.isascii() or len(parts.ask) < 24)):
        return
    personal = not FIRST_PERSON.isdisjoint(tokens) or not IN_CHARACTERS.isdisjoint(parts.ask)
    if any(token in STOPS for token in tokens[:asked]) and (numbers or not personal):
        yield Hit("tells facts, then asks", "facts, then a question", 0)
        if numbers:
            yield Hit("asks about given numbers", numbers, 0)
    elif "supposes" in cues and not personal:
        yield Hit("supposes, then asks", cues["supposes"], 0)


def _share_of_earlier(last: _Weighed, clear: float) -> float:
    cues = {hit.cue for hit in last.hits}
    if "greets or thanks" in cues or clear >= CLEAR + 1:
        return 0.0
    if "goes on from before" in cues:
        return 0.7
    return 0.5 if last.words <= 6 and "asks a question" not in cues else 0.25


def _share_of_system(told: _Weighed, clear: float) -> float:
    """All of a system message that says what to do with whatever the user writes; of another, the less the user says."""
    best = max(told.points, key=told.points.__getitem__)
    if best in OPERATIONS and told.points[best] > CLEAR + 1:
        return 1.0
    return 0.0 if clear >= CLEAR else 0.7 if clear < 1 else 0.4


def _add(
    points: dict[TaskType, float], said: dict[TaskType, list[tuple[float, str]]], more: _Weighed, share: float, where: str
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
