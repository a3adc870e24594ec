"""Models worth fetching, and the one for this machine. Pure.

Sizes are those of the files on the Hugging Face hub, and licences those of the model cards, as several public
projects that pin these files record them; read on CHECKED. Which models are here at all, and their stars, is judgement.
"""

from __future__ import annotations

from typing import NamedTuple

CHECKED = "2026-11-23"
CONTEXT = 8192  # tokens that router.yaml would give it: a long conversation
ROOM = 1.15  # times the file and the context: llama.cpp's own buffers, and other programs that grow
LEAST_TOKENS_PER_S = 4.0  # slower than a person reads


class Recommended(NamedTuple):
    """A file on the hub. `context_bytes` is the memory for each token of context."""

    id: str
    path: str
    size: int  # bytes
    context_bytes: int  # layers x heads of keys and values x 128 (64 in the smallest) x 2 x 2 bytes
    licence: str
    quality: str  # as router.yaml writes it
    reasons: bool = False  # thinks before it answers: better, and slower by the thinking

    @property
    def memory(self) -> int:
        """Bytes that it takes when it runs, with room."""
        return int((self.size + CONTEXT * self.context_bytes) * ROOM)


MODELS = (  # smallest first
    Recommended(
        "qwen2.5-0.5b", "hf:Qwen/Qwen2.5-0.5B-Instruct-GGUF/qwen2.5-0.5b-instruct-q4_k_m.gguf",
        491_400_032, 12_288, "Apache-2.0", "{chat: 2, reasoning: 1, code: 1, summarize: 2, extract: 2}",
    ),
    Recommended(
        "qwen2.5-1.5b", "hf:Qwen/Qwen2.5-1.5B-Instruct-GGUF/qwen2.5-1.5b-instruct-q4_k_m.gguf",
        1_117_320_736, 28_672, "Apache-2.0", "{chat: 2, reasoning: 1, code: 2, summarize: 2, extract: 2}",
    ),
    Recommended(
        "qwen3-4b", "hf:unsloth/Qwen3-4B-Instruct-2507-GGUF/Qwen3-4B-Instruct-2507-Q4_K_M.gguf",
        2_497_281_120, 147_456, "Apache-2.0", "{chat: 3, reasoning: 2, code: 2, summarize: 3, extract: 3}",
    ),
    Recommended(
        "qwen3-8b", "hf:Qwen/Qwen3-8B-GGUF/Qwen3-8B-Q4_K_M.gguf",
        5_027_783_488, 147_456, "Apache-2.0", "{chat: 3, reasoning: 3, code: 3, summarize: 3, extract: 3}", True,
    ),
    Recommended(
        "qwen3-14b", "hf:Qwen/Qwen3-14B-GGUF/Qwen3-14B-Q4_K_M.gguf",
        9_001_752_960, 163_840, "Apache-2.0", "{chat: 3, reasoning: 3, code: 3, summarize: 3, extract: 4}", True,
    ),
    Recommended(
        "qwen3-32b", "hf:Qwen/Qwen3-32B-GGUF/Qwen3-32B-Q4_K_M.gguf",
        19_762_149_024, 262_144, "Apache-2.0", "{chat: 4, reasoning: 4, code: 4, summarize: 4, extract: 4}", True,
    ),
)  # fmt: skip


def expected_tokens_per_s(model: Recommended, bytes_per_s: float | None) -> float | None:
    """What it would write, from what another model was measured to read a second: each token reads the whole file."""
    return bytes_per_s / model.size if bytes_per_s else None


def choose(memory: int | None, bytes_per_s: float | None = None) -> Recommended | None:
    """The largest that fits into so many bytes and, as far as speed is known, is not too slow. None: none of them."""
    fitting = [
        model
        for model in MODELS
        if memory is not None
        and model.memory <= memory
        and (expected_tokens_per_s(model, bytes_per_s) or LEAST_TOKENS_PER_S) >= LEAST_TOKENS_PER_S
    ]
    return fitting[-1] if fitting else None


def lines(model: Recommended) -> str:
    """What to paste into router.yaml."""
    thinks = ", reasoning" if model.reasons else ""
    return f"""\
providers:
  local:                                            # it is there already: add the model to its `models`
    models:
      - id: {model.id}
        path: "{model.path}"
        context_window: {CONTEXT}
        capabilities: [streaming, json_mode, json_schema{thinks}]
        cost: {{input: 0, output: 0}}
        quality: {model.quality}
        limits:
          - {{unit: concurrent, max: 4}}"""
