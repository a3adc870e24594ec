"""Cues that others make together. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise, takewhile

from llm7router.decision.tasks.lexicon import Hit
from llm7router.decision.tasks.shape import Parts

ENDS = frozenset("?？؟")
STOPS = frozenset(".。।!")
# Whose question is about themselves wants advice; a puzzle is about others.
_SELVES = """
    i my me we our ich mein meine mir wir je mon ma mes moi nous yo mi mis
    eu meu minha io mio mia я мой мне ben benim bana
"""
FIRST_PERSON = frozenset(_SELVES.split())
IN_CHARACTERS = frozenset("我私僕俺")  # the same, where words are not apart
ABOUT_A_TEXT = frozenset(
    ("speaks of a given text", "points at what follows", "asks to pick out", "asks to classify",
     "asks what is in a text")
)  # fmt: skip
CODE_SHOWS = frozenset(
    ("has a fenced block", "has a line of code", "has lines of code", "shows an error", "has names as in programs",
     "names a programming language")
)  # fmt: skip
QUOTES = frozenset('"“„«「')
INTO = frozenset((":", "：", "into", "word", "version", "ins", "equivalent", "translation", "al", "para", "pro"))
# "As a sailor, what would you ...": how a sentence names a part, and whom it then speaks to.
_FACTS = """
    who whom whose which when where wer wem wen wessen welche welcher welches wann wo qui quel quelle quels
    quelles quand quien quienes cual cuales cuando donde quem qual quais quando onde chi quale quali dove кто
    кого какой какая какие когда где kim kimin hangi nerede
"""
WHO_WHICH = frozenset(_FACTS.split())
PARTS = {
    ("as", "a"): "you your", ("as", "an"): "you your", ("as", "the"): "you your", ("if", "you", "were", "a"): "you",
    ("als",): "wurdest wurden", ("en", "tant", "que"): "tu ton ta tes vous votre", ("como",): "dirias diria",
    ("in", "qualita", "di"): "tu tuo tua", ("come",): "diresti descriveresti",
}  # fmt: skip
IFS = frozenset(("if", "wenn", "si", "se", "если", "eger", "given", "consider"))
GREETING = 4  # words
TOLD = 20  # characters that tell something
BARE = 60  # characters that hardly hold a question and what it is about
ON = frozenset(("in", "to", "auf", "en", "em", "на", "по", "and"))


def together(found: list[Hit], tokens: list[str], parts: Parts, words: int) -> Iterator[Hit]:
    """Cues that others make together."""
    cues = {hit.cue: hit.said for hit in found}
    fact = next((after for before, after in pairwise((".", *tokens)) if _ends(before) and after in WHO_WHICH), None)
    if fact and "asks a question" not in cues:
        yield Hit("asks for a fact", fact, 0)
    numbers = cues.get("has many numbers") or cues.get("has numbers")
    if "asks for a quantity" in cues and any(token[0].isdigit() for token in tokens):
        yield Hit("asks for a quantity of given numbers", cues["asks for a quantity"], 0)
    yield from _puzzle(found, cues, tokens, parts, words, numbers)
    if (part := _part(tokens)) is not None:
        yield Hit("is asked as somebody else", part, 0)
    wanted = cues.get("asks for a data format") or cues.get("names what texts hold")
    given = len(parts.rest) > 12 or "speaks of a given text" in cues or "points at what follows" in cues
    if wanted and given:
        yield Hit("wants data of a text", wanted, 0)
    if given and (said := cues.get("speaks of main points")):
        yield Hit("wants the main points of a text", said, 0)
    if len(parts.ask) + len(parts.rest) > BARE and (said := cues.get("asks to judge")) and _impersonal(tokens):
        yield Hit("judges what is given", said, 0)
    if said := next(
        (hit.said for hit in found if hit.cue == "asks to weigh and plan" and hit.at == hit.sentence == 0), ""
    ):
        yield Hit("begins with weighing", said, 0)
    if not given and "asks to write" in cues and (said := cues.get("names a list or plan")):
        yield Hit("wants a list or plan", said, 0)
    if given and "asks for few words" in cues:
        yield Hit("asks for few words of a given text", cues["asks for few words"], 0)
    stated = (
        "asks what is in a text" in cues
        or "speaks of a given text" in cues
        or len(parts.rest) > 40
        or "has a table" in cues
    )
    if not CODE_SHOWS.intersection(cues):
        if stated and (said := cues.get("asks a question") or fact):
            yield Hit("asks about a given text", said, 0)
        elif len(parts.rest) > 40 and _asks_of_others(tokens, parts) and "asks for a quantity" not in cues:
            yield Hit("asks about a given text", "a question, then a text", 0)
        elif fact and "asks for a quantity" not in cues and _impersonal(tokens) and _tells_after(tokens):
            yield Hit("asks, then tells", fact, 0)
    if (said := cues.get("names a language")) is not None:
        at = tokens.index(said) if said in tokens else 0
        before, after = tokens[max(0, at - 2) : at], tokens[at + 1 : at + 2]
        if after[:1] == [":"] or INTO.intersection(before + after) or (words <= 4 and ON.intersection(before)):
            yield Hit("says into which language", said, 0)
        elif "speaks of saying something" in cues or given or QUOTES.intersection(parts.ask):
            yield Hit("asks how to say it in a language", cues.get("speaks of saying something", said), 0)


def _ends(token: str) -> bool:
    return not token[0].isalnum()


def _tells_after(tokens: list[str]) -> bool:
    """Whether what follows the only question, in its line, is what it is about."""
    marks = [index for index, token in enumerate(tokens) if token in ENDS]
    after = tokens[marks[0] + 1 :] if len(marks) == 1 else []
    return "\n" not in after and sum(map(len, after)) >= TOLD


def _impersonal(tokens: list[str]) -> bool:
    return FIRST_PERSON.difference(("me", "mir", "moi", "mi")).isdisjoint(tokens)


def _asks_of_others(tokens: list[str], parts: Parts) -> bool:
    """Whether the request ends in a question that is not about who asks."""
    last = next((mark for mark in reversed(tokens) if mark != "\n"), "")
    return last in ENDS and FIRST_PERSON.isdisjoint(tokens) and IN_CHARACTERS.isdisjoint(parts.ask)


def _part(tokens: list[str]) -> str | None:
    """The words by which a sentence puts the reader in somebody else's place."""
    for begin in (0, *(index + 1 for index, token in enumerate(tokens) if token in STOPS or token in ENDS)):
        for opening, spoken_to in PARTS.items():
            if tuple(tokens[begin : begin + len(opening)]) == opening:
                sentence = list(takewhile(lambda token: token[0].isalnum(), tokens[begin + len(opening) :]))
                if FIRST_PERSON.isdisjoint(sentence) and not set(spoken_to.split()).isdisjoint(sentence):
                    return " ".join(opening)
    return None


def _puzzle(
    found: list[Hit], cues: Mapping[str, str], tokens: list[str], parts: Parts, words: int, numbers: str | None
) -> Iterator[Hit]:
    """A situation of others, and a question about it."""
    asked = next((index for index in range(len(tokens) - 1, 0, -1) if tokens[index] in ENDS), 0)
    if not asked or ABOUT_A_TEXT.intersection(cues) or (words < 9 and (parts.ask.isascii() or len(parts.ask) < 24)):
        return
    personal = not FIRST_PERSON.isdisjoint(tokens) or not IN_CHARACTERS.isdisjoint(parts.ask)
    if _tells(found, tokens[:asked]) and (numbers or not personal):
        yield Hit("tells facts, then asks", "facts, then a question", 0)
        if numbers:
            yield Hit("asks about given numbers", numbers, 0)
    elif not personal and (said := _supposed(found)):
        yield Hit("supposes, then asks", said, 0)


def _tells(found: list[Hit], tokens: list[str]) -> bool:
    """Whether a sentence states something; a greeting does not."""
    greetings = {hit.sentence for hit in found if hit.cue == "greets or thanks"}
    sentence = words = 0
    for token in tokens:
        if token[0].isalnum():
            words += 1
            continue
        if token in STOPS and (sentence not in greetings or words > GREETING):
            return True
        sentence, words = sentence + 1, 0
    return False


def _supposed(found: list[Hit]) -> str | None:
    """What supposes something. An "if" does where its sentence begins; later it is a "whether", or sets a limit."""
    for hit in found:
        if hit.cue == "supposes" and (hit.sentence < 0 or hit.at == 0 or hit.said not in IFS):
            return hit.said
    return None
