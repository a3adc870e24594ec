"""What each cue speaks for, as a table that a person can read and change.

A cue counts with its best hit, and half of a second one. The first cues of a sentence count more than its later ones,
what is to be written more than what it is about, and sentences that ask more than those that tell (`focus`). The task
with most points wins. A chat starts with `CHAT_FIRST`, so that it takes more than a hint to leave it. The figures were
set by hand on prompts of our own (`tests/decision/data/tasks_dev.txt`).
"""

from __future__ import annotations

from llm7router.types import TaskType

CHAT, REASONING, CODE = TaskType.CHAT, TaskType.REASONING, TaskType.CODE
SUMMARIZE, EXTRACT, TRANSLATE, CREATIVE = TaskType.SUMMARIZE, TaskType.EXTRACT, TaskType.TRANSLATE, TaskType.CREATIVE

CHAT_FIRST = 1.0

WEIGHTS: dict[str, dict[TaskType, float]] = {
    # what is asked for
    "asks for a translation": {TRANSLATE: 5.0},
    "asks for a summary": {SUMMARIZE: 4.5},
    "asks for few words": {SUMMARIZE: 1.3},
    "speaks of main points": {SUMMARIZE: 1.5},
    "asks to pick out": {EXTRACT: 4.0},
    "asks to classify": {EXTRACT: 3.2},
    "asks to judge": {EXTRACT: 1.6},
    "asks to write": {CREATIVE: 1.4, CODE: 0.5},
    "asks to rewrite": {CREATIVE: 2.4},
    "asks to play a part": {CREATIVE: 2.6},
    "is told what it is": {CREATIVE: 1.6},
    "speaks of a CV": {SUMMARIZE: -4.5, CREATIVE: 1.5},
    "greets or thanks": {CHAT: 1.5},
    "asks for advice": {CHAT: 1.0},
    "asks a question": {CHAT: 1.35},
    "asks to explain": {CHAT: 1.35},
    "asks for a fact": {CHAT: 0.7},
    "asks to program": {CODE: 2.4},
    "asks to weigh and plan": {REASONING: 1.1},
    "asks for a quantity": {REASONING: 0.9},
    "supposes": {REASONING: 0.5},
    # what it is about
    "asks what is in a text": {EXTRACT: 1.6},
    "speaks of a given text": {EXTRACT: 0.8, SUMMARIZE: 0.4, TRANSLATE: 0.3},
    "points at what follows": {EXTRACT: 0.4, SUMMARIZE: 0.4, TRANSLATE: 0.3},
    "comes with a text": {EXTRACT: 0.6, SUMMARIZE: 0.6, TRANSLATE: 0.2},
    "names a work": {CREATIVE: 2.0},
    "names a piece of writing": {CREATIVE: 1.2},
    "names a style": {CREATIVE: 1.7},
    "names a programming language": {CODE: 3.0},
    "may name a programming language": {CODE: 1.0},
    "names a part of programs": {CODE: 2.8},
    "speaks of programs": {CODE: 1.6},
    "may speak of programs": {CODE: 0.9},
    "asks for a data format": {EXTRACT: 1.6, CODE: 0.3},
    "names what texts hold": {EXTRACT: 0.6},
    "names a language": {TRANSLATE: 1.5},
    "speaks of mathematics": {REASONING: 2.4},
    "speaks of logic": {REASONING: 2.0},
    # what shows in the form
    "has a fenced block": {CODE: 2.6},
    "has a line of code": {CODE: 1.9},
    "has lines of code": {CODE: 2.5},
    "shows an error": {CODE: 2.0},
    "has names as in programs": {CODE: 1.4},
    "has names_like_this": {CODE: 0.5, EXTRACT: 0.4},
    "has a table": {EXTRACT: 1.2},
    "has sums": {REASONING: 1.9},
    "has numbers": {REASONING: 0.5},
    "has many numbers": {REASONING: 0.9},
    "has percentages or units": {REASONING: 0.6},
    # both together, made in `detect`
    "begins with weighing": {REASONING: 1.0},
    "judges what is given": {EXTRACT: 1.6},
    "asks for a quantity of given numbers": {REASONING: 1.6},
    "tells facts, then asks": {REASONING: 1.7, CHAT: -1.0},
    "supposes, then asks": {REASONING: 1.2},
    "asks about given numbers": {REASONING: 1.5},
    "wants data of a text": {EXTRACT: 2.0},
    "wants the main points of a text": {SUMMARIZE: 3.0},
    "wants a list or plan": {CHAT: 1.0},
    "is asked as somebody else": {CREATIVE: 2.6},
    "says into which language": {TRANSLATE: 2.0},
    "asks how to say it in a language": {TRANSLATE: 2.2},
    "asks about a given text": {EXTRACT: 1.9},
    "asks, then tells": {EXTRACT: 1.9},
    "asks for few words of a given text": {SUMMARIZE: 1.6},
    "goes on from before": {},
    "your own phrase": {},
}
