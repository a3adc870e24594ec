"""What the header of a GGUF file says of the model: enough to tell what it is and how much memory it takes.

The package `gguf` reads the same and brings numpy along; the format is short: a count, then key, type, value.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llm7router.calls.local.errors import LocalModelError

_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_SHORT = 256  # numbers of an array that are kept: one a layer; vocabularies are longer
_HALF = 2  # bytes of a number in the memory of a conversation
_QUANTISATIONS = {  # llama.cpp's `general.file_type`
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 11: "Q3_K_S", 12: "Q3_K_M",
    13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K", 19: "IQ2_XXS", 20: "IQ2_XS",
    21: "Q2_K_S", 22: "IQ3_XS", 23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL", 26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S",
    29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M", 32: "BF16", 36: "TQ1_0", 37: "TQ2_0", 38: "MXFP4",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model as its file describes it. `context` is what it was trained for, in tokens; None: not said."""

    size: int  # bytes of the file
    architecture: str
    quantisation: str
    context: int | None
    context_bytes: int | None  # memory that each token of context takes, in bytes

    def memory(self, context: int) -> int:
        """Bytes that it takes with so many tokens of context: the file, and what remembers the conversation."""
        return self.size + context * (self.context_bytes or 0)


def read(file: Path) -> ModelFile:
    """Read the header; the rest is not touched. Raises LocalModelError."""
    try:
        with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as data:
            found, size = _Reader(data).header(), len(data)
    except (OSError, ValueError, struct.error, UnicodeDecodeError, KeyError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a GGUF model, or cut off"
        raise LocalModelError(f"{file}: its header cannot be read ({reason})", "download it again") from None
    arch = str(found.get("general.architecture", "unknown"))
    context = found.get(f"{arch}.context_length")
    quantisation = _QUANTISATIONS.get(found.get("general.file_type", -1), "unknown")
    return ModelFile(size, arch, quantisation, context, _context_bytes(found, arch))


def _context_bytes(found: Mapping[str, Any], arch: str) -> int | None:
    """Keys and values of all layers for one token, at 16 bits. Windowed layers make it less than this."""
    heads, layers = found.get(f"{arch}.attention.head_count"), found.get(f"{arch}.block_count")
    if not isinstance(heads, int) or not isinstance(layers, int) or not heads:
        return None
    each = found.get(f"{arch}.embedding_length", 0) // heads
    both = found.get(f"{arch}.attention.key_length", each) + found.get(f"{arch}.attention.value_length", each)
    kept = found.get(f"{arch}.attention.head_count_kv", heads)
    all_heads = sum(kept) if isinstance(kept, list) else kept * layers
    return int(all_heads * both * _HALF)


class _Reader:
    """Walks over the keys and values of a header."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data, self._at = data, 0

    def header(self) -> dict[str, Any]:
        """Every key with its value, long arrays left out."""
        if self._data[:4] != b"GGUF":
            raise ValueError
        self._at = 16  # magic, version, number of tensors
        if struct.unpack_from("<I", self._data, 4)[0] not in (2, 3):
            raise ValueError
        return {self._string(): self._value(self._number("I")) for _ in range(self._number("Q"))}

    def _number(self, form: str) -> Any:
        (value,) = struct.unpack_from("<" + form, self._data, self._at)
        self._at += struct.calcsize("<" + form)
        return value

    def _string(self) -> str:
        length = self._number("Q")
        if self._at + length > len(self._data):
            raise ValueError
        self._at += length
        return self._data[self._at - length : self._at].decode()

    def _value(self, kind: int) -> Any:
        if kind == _STRING:
            return self._string()
        if kind == _ARRAY:
            return self._array(self._number("I"), self._number("Q"))
        return self._number(_NUMBERS[kind])

    def _array(self, kind: int, length: int) -> list[Any] | None:
        if kind in (_STRING, _ARRAY):
            for _ in range(length):
                self._value(kind)
            return None
        if length > _SHORT:
            self._at += length * struct.calcsize("<" + _NUMBERS[kind])
            return None
        return [self._value(kind) for _ in range(length)]
