"""What is read of a model's file, against the real model and against files that are none."""

from __future__ import annotations

import contextlib
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm7router.calls.local import gguf
from llm7router.calls.local.errors import LocalModelError
from tests.local.conftest import needs_model


def string(text: str) -> bytes:
    return struct.pack("<Q", len(text)) + text.encode()


def number(key: str, value: int) -> bytes:
    return string(key) + struct.pack("<II", 4, value)


def words(key: str, values: list[str]) -> bytes:
    return string(key) + struct.pack("<IIQ", 9, 8, len(values)) + b"".join(map(string, values))


def numbers(key: str, values: list[int]) -> bytes:
    return string(key) + struct.pack("<IIQ", 9, 4, len(values)) + struct.pack(f"<{len(values)}I", *values)


def written(tmp_path: Path, *entries: bytes, version: int = 3) -> Path:
    file = tmp_path / "model.gguf"
    file.write_bytes(b"GGUF" + struct.pack("<IQQ", version, 0, len(entries)) + b"".join(entries) + bytes(100))
    return file


ARCHITECTURE = string("general.architecture") + struct.pack("<I", 8) + string("tiny")


@needs_model
def test_the_real_model_says_what_it_is(model_file: Path) -> None:
    about = gguf.read(model_file)
    assert (about.architecture, about.quantisation, about.context) == ("llama", "Q4_1", 8192)
    assert about.size == model_file.stat().st_size
    assert about.memory(4096) - about.size == 2 * 30 * 3 * 64 * 2 * 4096, "layers, heads and width of SmolLM2 135M"


def test_keys_after_a_long_vocabulary_are_found(tmp_path: Path) -> None:
    vocabulary = words("tokenizer.ggml.tokens", [f"token {each}" for each in range(5000)])
    scores = numbers("tokenizer.ggml.scores", [1] * 5000)
    about = gguf.read(written(tmp_path, ARCHITECTURE, vocabulary, scores, number("general.file_type", 15)))
    assert about.quantisation == "Q4_K_M"


def test_heads_that_differ_by_layer_are_added_up(tmp_path: Path) -> None:
    about = gguf.read(written(
        tmp_path, ARCHITECTURE, number("tiny.block_count", 3), number("tiny.attention.head_count", 4),
        number("tiny.embedding_length", 64), numbers("tiny.attention.head_count_kv", [4, 0, 2]),
    ))  # fmt: skip
    assert about.context_bytes == (4 + 0 + 2) * (16 + 16) * 2


def test_what_a_file_does_not_say_is_unknown_and_counts_as_nothing(tmp_path: Path) -> None:
    about = gguf.read(written(tmp_path, ARCHITECTURE, number("general.file_type", 999)))
    assert (about.quantisation, about.context, about.context_bytes) == ("unknown", None, None)
    assert about.memory(4096) == about.size


@pytest.mark.parametrize("content", [b"", b"GGUF", b"GGUF" + bytes(8), b"text " * 99, b"GGUF" + b"\xff" * 99], ids=len)
def test_a_file_that_is_no_model_is_one_line(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_bytes(content)
    with pytest.raises(LocalModelError, match="its header cannot be read"):
        gguf.read(tmp_path / "model.gguf")


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(LocalModelError, match=r"cannot be read \(No such file or directory\)"):
        gguf.read(tmp_path / "none.gguf")


@given(st.binary(max_size=200))
def test_no_header_raises_anything_else(tmp_path_factory: pytest.TempPathFactory, rest: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "fuzzed.gguf"
    file.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, 2) + rest)
    with contextlib.suppress(LocalModelError):
        gguf.read(file)
