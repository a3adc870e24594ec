"""How hard a prompt is, 0..1: a sum of readable parts, by judgement. It scales how much quality matters."""

from __future__ import annotations

from collections.abc import Iterable

from llm7router.decision.tasks.lexicon import Hit
from llm7router.decision.tasks.shape import Parts
from llm7router.types import TaskType

MEDIUM_FROM, HARD_FROM = 0.35, 0.6

EFFORT = {
    "asks for much": """
        prove proof* rigorous* optimal* optimiz* optimis* architect* distributed concurren* scalab* fault_toleran*
        thread_safe
        from_scratch in_detail detailed comprehensive complex* edge_cases production design_a trade_off* tradeoff*
        derive theorem
        in_depth thorough* step_by_step lock_free consensus nuance* critically counterexample multi_step advanced
        invariant*
        beweis* ausfuhrlich* detailliert* komplex* optimier* entwirf schritt_fur_schritt demontr* approfondi*
        detaille* complexe*
        optimis* demuestr* detallad* exhaustiv* complej* optimiz* demonstr* detalhad* complex* dimostr*
        dettagliat* compless*
        докаж* подробн* сложн* оптимальн* kanitla* ayrintili* karmasik* 证明 详细 复杂 最优 証明 詳しく 詳細 複雑
        자세히 증명 복잡
        بالتفصيل أثبت معقد विस्तार सिद्ध जटिल
    """,
    "asks for little": """
        simple simply quick quickly brief briefly short one_sentence one_word basic easy tiny hello_world just_the
        yes_or_no
        kurz einfach* ein_satz bref simplement une_phrase court courte simple* breve una_frase rapid* curto
        uma_frase corto corta
        semplice* кратко прост* одним_словом kisa* basit* 简单 简短 一句话 簡単 短く 一言 간단 짧은 مختصر بسيط
        قصير संक्षिप्त सरल छोटी
    """,
    "sets a condition": """
        must at_least at_most exactly without no_more_than only ensure constraint* except avoid every_line
        each_line unless
        mindestens hochstens genau ohne nur muss au_moins au_plus exactement sans uniquement doit al_menos
        exactamente sin debe
        solo pelo_menos exatamente sem deve apenas almeno esattamente senza deve не_более ровно без должн* en_az
        tam_olarak olmadan
        必须 至少 不超过 必ず 以内 使わずに 반드시 이내 يجب بدون फक्त बिना केवल
    """,
}
FIRST = {
    TaskType.CHAT: 0.2,
    TaskType.TRANSLATE: 0.25,
    TaskType.SUMMARIZE: 0.3,
    TaskType.EXTRACT: 0.3,
    TaskType.CREATIVE: 0.35,
    TaskType.CODE: 0.42,
    TaskType.REASONING: 0.45,
}
_STEPS = {"asks for much": (0.12, 3), "asks for little": (-0.1, 2), "sets a condition": (0.05, 3)}  # each, at most


def effort(task: TaskType, parts: Parts, words: int, found: Iterable[Hit]) -> tuple[float, str]:
    """The reading and what it is made of: the task's usual, then words, length, and questions.

    `words` are those of the request proper. A plain question reads about 0.2, a proof with conditions about 0.9.
    """
    said: dict[str, set[str]] = {cue: set() for cue in _STEPS}
    for hit in found:
        if hit.cue in said:
            said[hit.cue].add(hit.said)
    added = [("usual for it", FIRST.get(task, 0.3))]
    for cue, (each, most) in _STEPS.items():
        if said[cue]:
            added.append((f"says {', '.join(map(repr, sorted(said[cue])[:most]))}", each * min(most, len(said[cue]))))
    added.append((f"{words} words", min(0.2, words / 400)))
    added.append((f"{parts.length} characters", min(0.15, parts.length / 60_000)))
    asked = parts.ask.count("?") + parts.ask.count("？") - 1
    points = parts.ask.count("\n- ") + parts.ask.count("\n* ") + sum(parts.ask.count(f"\n{i}.") for i in range(1, 6))
    added.append((f"{asked + 1} questions", 0.05 * max(0, min(3, asked))))
    added.append((f"{points} points", 0.04 * min(4, points)))
    told = ", ".join(f"{what} {value:+.2f}" for what, value in added if abs(value) >= 0.03)
    return max(0.0, min(1.0, sum(value for _, value in added))), told


def band(difficulty: float) -> str:
    """easy, medium or hard."""
    return "easy" if difficulty < MEDIUM_FROM else "medium" if difficulty < HARD_FROM else "hard"
