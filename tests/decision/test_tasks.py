"""Which task a prompt asks for and how hard it is.

The prompts of `data/tasks_heldout_*.jsonl` were written by somebody else; whoever changes the detector should not read
them, or the floors below say nothing; c (everyday, developers' and office prompts) was counted when the detector was
done, at first 188 of 210, 90 %: 81 of 84, 57 of 66 and 50 of 60. MT-Bench's categories are mapped to tasks in `prompts.CATEGORIES`: writing and
roleplay are creative, math and reasoning are reasoning, coding is code, extraction is extract. Questions about science
and the humanities have no task of their own; `strict` takes them for chat.

Those of `data/tasks_checked_*.jsonl` were labelled before they were counted, and looked at afterwards, so they only keep
what was reached. When first counted: c, everyday and office prompts in twelve languages, 94 % (156 of 171); d, shorter
and harder ones, 73 % (92 of 126), 56 of 76 and, after changes, 36 of 50. None of them was counted before.
"""

from __future__ import annotations

import re
from time import thread_time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm7router.decision.request import build
from llm7router.decision.tasks import Detector, Found, band
from llm7router.decision.tasks.asks import ASKS
from llm7router.decision.tasks.effort import EFFORT
from llm7router.decision.tasks.lexicon import TOKEN, Lexicon, normal
from llm7router.decision.tasks.manner import MANNER
from llm7router.decision.tasks.texts import TEXTS
from llm7router.decision.tasks.topics import TOPICS
from llm7router.decision.tasks.weights import WEIGHTS
from llm7router.types import RequestContext, TaskType
from tests.decision.prompts import DATA, MT_BENCH, developed, mt_bench, score, written

DETECT = Detector()


def told(text: str, *before: tuple[str, str], detect: Detector = DETECT) -> Found:
    turns = [{"role": role, "content": said} for role, said in before]
    return detect([*turns, {"role": "user", "content": text}])


@pytest.mark.parametrize("name", ["a", "b", "c"])
def test_three_quarters_of_prompts_that_were_not_looked_at_are_right(name: str) -> None:
    found = score(DETECT, written(DATA / f"tasks_heldout_{name}.jsonl"))
    assert found.total >= 100
    assert found.share >= 0.75, found.by_group


@pytest.mark.parametrize("name", ["c", "d"])
def test_three_quarters_of_prompts_that_were_looked_at_later_stay_right(name: str) -> None:
    found = score(DETECT, written(DATA / f"tasks_checked_{name}.jsonl"))
    assert found.total >= 120
    assert found.share >= 0.75, found.by_group


@pytest.mark.skipif(not MT_BENCH.exists(), reason="MT-Bench is not ours to ship; lay it beside the repository")
@pytest.mark.parametrize("strict", [False, True])
def test_three_quarters_of_mt_bench_are_right(strict: bool) -> None:
    assert score(DETECT, mt_bench(strict=strict)).share >= 0.75


def test_of_the_prompts_that_it_was_written_with_more_are_right() -> None:
    found = score(DETECT, developed())
    assert found.total > 500
    assert found.share >= 0.93
    assert set(found.by_group) >= {"ar", "de", "en", "es", "fr", "hi", "it", "ja", "pt", "ru", "tr", "zh"}


@pytest.mark.parametrize(
    ("text", "before", "task"),
    [
        ("now in Rust", [("user", "Write a Python function that sorts a list."), ("assistant", "...")], "code"),
        ("and in French?", [("user", "Translate to German: I am tired."), ("assistant", "...")], "translate"),
        ("make it shorter", [("user", "Write a poem about rain."), ("assistant", "...")], "creative"),
        ("thanks!", [("user", "Write a Python function that sorts a list."), ("assistant", "...")], "chat"),
        ("What is the capital of Peru?", [("user", "Write a poem about rain."), ("assistant", "...")], "chat"),
        ("The shop opens at nine.", [("system", "Translate whatever the user writes into Italian.")], "translate"),
        ("What is the capital of Peru?", [("system", "You are a helpful assistant.")], "chat"),
    ],
)
def test_what_came_before_counts_when_the_last_message_goes_on_from_it(
    text: str, before: list[tuple[str, str]], task: str
) -> None:
    assert told(text, *before).task == task


@pytest.mark.parametrize(
    ("text", "task"),
    [
        ("Summarize this story about a programmer who fixes a Python function.", "summarize"),
        ("Write a poem about a programmer who fixes a Python function.", "creative"),
        ("Write a Python function that extracts dates from a story.", "code"),
        ("Extract all dates: the poem was translated in 1920, the code in 1998.", "extract"),
    ],
)
def test_what_is_asked_counts_more_than_what_it_is_about(text: str, task: str) -> None:
    assert told(text).task == task


@pytest.mark.parametrize(
    ("text", "task"),
    [
        ("How do I find out if the milk has turned?", "chat"),  # an "if" that is a "whether"
        ("What if nobody had invented the wheel?", "chat"),
        ("Lohnt sich ein Hund, wenn keiner daheim ist?", "chat"),
        ("If every blick is a snorp and no snorp is red, is a red blick possible at all?", "reasoning"),
        ("As a lighthouse keeper, how would you describe your nights?", "creative"),
        ("As a nurse, I often work at night. Any tips for my sleep?", "chat"),
        ("DE->EN: Der Schrank klemmt.", "translate"),
        ("Version 3.5 and Node.js are what the two of us use. Why is Python 3.9 gone?", "code"),
        ("Which month sold least?\n\n| month | sold |\n|---|---|\n| May | 4 |\n| June | 9 |", "extract"),
        ("Which of the streets are closed? Mill Lane until Friday, Elm Road until May, Kings Way is open.", "extract"),
        ("Explain the following proverb: still waters run deep", "chat"),
        ("Which key points should I bring up when I ask for a raise?", "chat"),
        ("The key points, please:\n\nThe hall is booked. Ann brings the cake, Bo the music. Doors open at six.", "summarize"),
        ("Write a packing list for a week of hiking.", "chat"),
        ("How do individuals join the organization?", "chat"),
    ],
)  # fmt: skip
def test_a_cue_counts_only_where_it_means_what_it_stands_for(text: str, task: str) -> None:
    assert told(text).task == task, told(text).because


def test_the_evidence_names_the_words_and_how_far_ahead_the_task_is() -> None:
    assert re.fullmatch(r"'poem', 'write': 3\.\d points, next chat 1\.0", told("Write a poem about rain").because)
    assert told("xyzzy").because == "nothing points to another task"


def test_a_persons_own_phrases_win_in_any_form_and_script() -> None:
    own = Detector({TaskType.CODE: ["terraform", "our  Build", "déploy*"], TaskType.EXTRACT: ["出张报告"]})
    for text in ("Write a poem about Terraform", "Summarize our build.", "une histoire: il faut le DEPLOYER"):
        assert told(text, detect=own).task == "code"
        assert told(text).task != "code"
    assert "your 'terraform'" in told("Write a poem about Terraform", detect=own).because
    assert told("写一首关于出张报告的诗", detect=own).task == "extract"
    assert told("Translate: good morning", detect=own).task == "translate"


def test_a_task_that_the_caller_names_stands_and_sets_how_hard_it_is() -> None:
    messages = [{"role": "user", "content": "Hello!"}]
    asked = build(
        messages, {}, RequestContext(task_type="reasoning"), id="r", environment="production", max_usd=0, total_s=1
    )
    assert (asked.task, asked.task_evidence) == ("reasoning", "as asked")
    auto = build(messages, {}, RequestContext(), id="r", environment="production", max_usd=0, total_s=1)
    assert auto.task == "chat"
    assert auto.difficulty < asked.difficulty


@pytest.mark.parametrize(
    ("easier", "harder"),
    [
        ("What is a prime number?", "Prove rigorously that there are infinitely many primes of the form 4k + 3."),
        ("Write a simple function that adds two numbers.", "Design a lock-free, fault-tolerant distributed queue in C++."),
        ("Schreibe kurz etwas über Bäume.", "Beweise ausführlich, dass es mindestens eine optimale Lösung gibt."),
        ("Write a story.", "Write a detailed story. It must have exactly three scenes, without adjectives, at most 200 words."),
    ],
)  # fmt: skip
def test_more_that_is_asked_for_reads_harder(easier: str, harder: str) -> None:
    assert told(easier).difficulty + 0.1 < told(harder).difficulty
    assert told(harder).difficulty_because


def test_the_bands_are_easy_medium_and_hard() -> None:
    assert [band(value) for value in (0.0, 0.34, 0.35, 0.59, 0.6, 1.0)] == ["easy"] * 2 + ["medium"] * 2 + ["hard"] * 2
    assert band(told("hello").difficulty) == "easy"


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["user", "system", "assistant"]), st.text(max_size=300)), max_size=6))
def test_any_messages_have_a_task_and_a_difficulty(turns: list[tuple[str, str]]) -> None:
    found = DETECT([{"role": role, "content": text} for role, text in turns])
    assert found.task in set(TaskType) - {TaskType.AUTO}
    assert 0 <= found.difficulty <= 1


@pytest.mark.parametrize(
    "piece",
    ["x", " ", "\n", '"', "`", "```", "a_", "aA", "a.", "a1=", "1 ", "1,", "(", "if (", "import a,", "-", "ß", "\ufdfa", "a\u0301",
     "the ", "step by ", "all ", "翻", "एक ", "\ud55c", "?", ". ", ": "],
    ids=repr,
)  # fmt: skip
def test_no_input_makes_patterns_backtrack(piece: str) -> None:
    """That would take minutes for these; a second is far above what a loaded machine takes otherwise."""
    long = piece * (200_000 // len(piece))
    messages: list[dict[str, Any]] = [{"role": role, "content": long} for role in ("system", "user", "user", "user")]
    began = thread_time()
    DETECT([*messages, {"role": "user", "content": long}])
    DETECT([*messages, {"role": "user", "content": f"now {piece * 20}"}])
    assert thread_time() - began < 1


def test_every_cue_of_the_word_lists_has_a_weight_or_is_used_by_name() -> None:
    used_by_name = {
        "supposes",
        "speaks of saying something",
        "names a list or plan",
        "makes a request",
        "goes on from before",
        "names a language",
    }
    assert set(ASKS) | set(MANNER) | set(TEXTS) | set(TOPICS) <= set(WEIGHTS) | used_by_name


@pytest.mark.parametrize(
    "entries", [ASKS, MANNER, TEXTS, TOPICS, EFFORT], ids=["asks", "manner", "texts", "topics", "effort"]
)
def test_every_entry_is_found_in_a_text_that_says_it(entries: dict[str, str]) -> None:
    lexicon = Lexicon(entries)
    for cue, listed in entries.items():
        for entry in listed.split():
            text = normal(entry.replace("*", "").replace("_", " "))
            found = {hit.cue for hit in lexicon.hits(text, TOKEN.findall(text))}
            assert cue in found, f"{entry} of {cue!r}"
