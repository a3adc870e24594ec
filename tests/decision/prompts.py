"""Labelled prompts, and how many of them a detector gets right."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

DATA = Path(__file__).parent / "data"
MT_BENCH = Path(__file__).parents[2].resolve().parent / "shared" / "data" / "mtbench.jsonl.gz"
"""Eighty prompts of Zheng et al., 2023. Not ours, so not in the repository; read where a copy lies beside it."""

CATEGORIES: dict[str, tuple[str, ...]] = {
    "writing": ("creative",),
    "roleplay": ("creative",),
    "reasoning": ("reasoning",),
    "math": ("reasoning",),
    "coding": ("code",),
    "extraction": ("extract",),
    "stem": ("chat", "reasoning"),  # science has no task of its own: questions about it are either
    "humanities": ("chat", "reasoning"),
}


class Prompt(NamedTuple):
    """Messages, the tasks that are right for them, and what they are counted under beside the task."""

    messages: list[dict[str, Any]]
    tasks: tuple[str, ...]
    group: str


def written(path: Path) -> Iterator[Prompt]:
    """A file of lines `{"messages": [...], "task": ..., "lang": ...}`."""
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        yield Prompt(row["messages"], (row["task"],), row["lang"])


def developed(path: Path = DATA / "tasks_dev.txt") -> Iterator[Prompt]:
    """What the detector was written with: `task|language|prompt` lines; turns are apart by ¦ and begin with s, u or a."""
    roles = {"s": "system", "u": "user", "a": "assistant"}
    for line in path.read_text(encoding="utf-8").splitlines():
        task, language, text = line.replace("\\n", "\n").split("|", 2)
        turns = text.split(" ¦ ") if " ¦ " in text else [f"u: {text}"]
        yield Prompt([{"role": roles[turn[0]], "content": turn[3:]} for turn in turns], (task,), language)


def mt_bench(path: Path = MT_BENCH, strict: bool = False) -> Iterator[Prompt]:
    """The first turns; `strict` takes only the first of the tasks that a category stands for."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            tasks = CATEGORIES[row["category"]]
            yield Prompt(
                [{"role": "user", "content": row["turns"][0]}], tasks[:1] if strict else tasks, row["category"]
            )


class Score(NamedTuple):
    """Right ones of all, by group too, and what was taken for what."""

    right: int
    total: int
    by_group: dict[str, str]
    taken: Counter[tuple[str, str]]

    @property
    def share(self) -> float:
        return self.right / self.total


def score(detect: Callable[[Sequence[Any]], Any], prompts: Iterable[Prompt]) -> Score:
    """How `detect` does on them."""
    right: Counter[str] = Counter()
    total: Counter[str] = Counter()
    taken: Counter[tuple[str, str]] = Counter()
    for prompt in prompts:
        found = str(detect(prompt.messages).task)
        for name in ("", prompt.group):
            total[name] += 1
            right[name] += found in prompt.tasks
        taken[prompt.tasks[0], found] += 1
    groups = {name: f"{right[name]}/{total[name]}" for name in sorted(total) if name}
    return Score(right[""], total[""], groups, taken)
