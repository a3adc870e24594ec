"""Which llama.cpp is used, and what is said if none can be."""

from __future__ import annotations

import importlib
import importlib.util
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from llm7router.calls.local import engines
from llm7router.calls.local.errors import LocalModelError


class Installation:
    """Pretends which engines are installed, and which of those cannot be imported."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv(engines.VARIABLE, raising=False)
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: name in self.installed or None)
        monkeypatch.setattr(importlib, "import_module", self._import)
        self.installed: list[str] = []
        self.broken: list[str] = []

    def _import(self, name: str) -> Any:
        if name in self.broken:
            raise OSError(f"lib{name}.so: cannot open shared object file")
        return SimpleNamespace(create=lambda file, context: name.rpartition("engine_")[2])


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Installation:
    return Installation(monkeypatch)


@pytest.mark.parametrize(
    ("installed", "wanted", "chosen"),
    [
        pytest.param(["llama_cpp", "xllamacpp"], "", "llama_cpp", id="the reference if both are installed"),
        pytest.param(["xllamacpp"], "", "xllamacpp", id="the only one"),
        pytest.param(["llama_cpp", "xllamacpp"], "xllamacpp", "xllamacpp", id="the one asked for"),
    ],
)
def test_the_engine_is(machine: Installation, monkeypatch, installed, wanted, chosen) -> None:
    machine.installed = installed
    monkeypatch.setenv(engines.VARIABLE, wanted)
    assert engines.create(Path("model.gguf"), 2048) == chosen


def test_an_engine_that_cannot_be_imported_is_reported_and_the_other_one_used(machine, caplog) -> None:
    machine.installed, machine.broken = ["llama_cpp", "xllamacpp"], ["llama_cpp"]
    with caplog.at_level(logging.WARNING, "llm7router.local"):
        assert engines.create(Path("model.gguf"), 2048) == "xllamacpp"
    assert "llama_cpp is installed but cannot be imported: libllama_cpp.so" in caplog.text


def test_no_engine_says_how_to_get_one(machine: Installation) -> None:
    with pytest.raises(LocalModelError) as caught:
        engines.create(Path("model.gguf"), 2048)
    assert caught.value.message == "no llama.cpp engine is installed"
    assert caught.value.advice == (
        "pip install 'llm7router[fast-local]' (seconds) or 'llm7router[local]' (compiles for minutes)"
    )


def test_only_broken_engines_are_all_named(machine: Installation) -> None:
    machine.installed = machine.broken = ["llama_cpp", "xllamacpp"]
    with pytest.raises(LocalModelError, match=r"libllama_cpp\.so.*libxllamacpp\.so.*repair it"):
        engines.create(Path("model.gguf"), 2048)


def test_the_engine_asked_for_is_not_replaced_by_another(machine: Installation, monkeypatch) -> None:
    machine.installed = ["xllamacpp"]
    machine.broken = ["llama_cpp"]
    monkeypatch.setenv(engines.VARIABLE, "llama_cpp")
    with pytest.raises(LocalModelError, match="llama_cpp"):
        engines.create(Path("model.gguf"), 2048)


def test_an_engine_nobody_knows_is_a_fault(machine: Installation, monkeypatch) -> None:
    monkeypatch.setenv(engines.VARIABLE, "ollama")
    with pytest.raises(LocalModelError, match="LLM7ROUTER_LOCAL_ENGINE=ollama: no such engine; use llama_cpp or xll"):
        engines.candidates()
