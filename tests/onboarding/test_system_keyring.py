"""Keys in the keyring, and that nobody waits for one who has none there."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from llm7router.config import from_data, load, packaged, system_keyring
from llm7router.config.system_keyring import KeyringError

KEY = "gsk_canary0123456789abWXYZ"


class Kept(dict[tuple[str, str], str]):
    """A keyring that works."""

    priority = 5.0
    reads = 0

    def get_password(self, service: str, name: str) -> str | None:
        self.reads += 1
        return self.get((service, name))

    def set_password(self, service: str, name: str, value: str) -> None:
        self[service, name] = value


class Locked(Kept):
    """Its owner does not unlock it."""

    def get_password(self, service: str, name: str) -> str | None:
        raise RuntimeError(f"locked, and by the way {KEY}")


class Forgetful(Kept):
    def set_password(self, service: str, name: str, value: str) -> None:
        pass


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Kept:
    return use(monkeypatch, Kept())


def use(monkeypatch: pytest.MonkeyPatch, backend: Kept) -> Kept:
    monkeypatch.setattr(system_keyring, "_backend", lambda: backend)
    return backend


def test_what_was_stored_is_found_by_name(kept: Kept) -> None:
    system_keyring.store("GROQ_API_KEY", KEY)
    system_keyring.store("A_KEY", "other")
    system_keyring.store("GROQ_API_KEY", KEY)
    assert kept == {("llm7router", "GROQ_API_KEY"): KEY, ("llm7router", "A_KEY"): "other"}
    assert system_keyring.names() == ("GROQ_API_KEY", "A_KEY")
    assert load(packaged()).env["GROQ_API_KEY"] == KEY
    assert from_data({"version": 1}).env["GROQ_API_KEY"] == KEY


def test_the_environment_and_env_files_come_first_and_are_not_looked_up(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GROQ_API_KEY", "A_KEY", "B_KEY"):
        system_keyring.store(name, "kept")
    monkeypatch.setenv("GROQ_API_KEY", "")  # set to nothing is how a person switches a provider off
    Path(".env").write_text("A_KEY=file\n")
    kept.reads = 0
    env = load(packaged()).env
    assert (env["GROQ_API_KEY"], env["A_KEY"], env["B_KEY"]) == ("", "file", "kept")
    assert kept.reads == 1


def test_who_names_an_environment_gets_nothing_of_the_keyring(kept: Kept) -> None:
    system_keyring.store("GROQ_API_KEY", KEY)
    assert "GROQ_API_KEY" not in load(packaged(), env={}).env
    assert "GROQ_API_KEY" not in from_data({"version": 1}, env={}).env


def test_without_stored_names_the_keyring_is_not_even_imported(tmp_path: Path) -> None:
    code = "import sys; from llm7router.config import load; load(); print('keyring' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize(
    ("backend", "said"),
    [(Locked(), "the keyring cannot be used (RuntimeError)"), (None, "the package `keyring` is not installed")],
    ids=["locked", "not installed"],
)
def test_a_keyring_that_fails_is_a_warning_and_the_rest_goes_on(
    kept: Kept, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, backend: Kept | None, said: str
) -> None:
    system_keyring.store("GROQ_API_KEY", KEY)

    def absent() -> Kept:
        raise ModuleNotFoundError("No module named 'keyring'")

    monkeypatch.setattr(system_keyring, "_backend", absent if backend is None else lambda: backend)
    monkeypatch.setattr(logging.getLogger("llm7router"), "propagate", True)
    assert "GROQ_API_KEY" not in load(packaged()).env
    (told,) = {record.getMessage() for record in caplog.records}
    assert told.startswith(said)
    assert "the keys it holds are not used (GROQ_API_KEY); unlock it, or store them anew" in told
    assert KEY not in caplog.text


def test_a_keyring_that_hangs_is_waited_for_only_so_long(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    system_keyring.store("GROQ_API_KEY", KEY)
    release = threading.Event()
    monkeypatch.setattr(Kept, "get_password", lambda *_: release.wait(5))
    monkeypatch.setattr(system_keyring, "READ_WITHIN_S", 0.05)
    monkeypatch.setattr(system_keyring, "WRITE_WITHIN_S", 0.05)
    monkeypatch.setattr(logging.getLogger("llm7router"), "disabled", True)
    assert "GROQ_API_KEY" not in load(packaged()).env
    with pytest.raises(KeyringError, match="the keyring does not answer"):
        system_keyring.store("B_KEY", KEY)
    release.set()
    assert system_keyring.names() == ("GROQ_API_KEY",)


@pytest.mark.parametrize("name", ["fail", "null"])
def test_the_stand_ins_that_keep_nothing_are_no_keyring(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    import importlib

    backend = importlib.import_module(f"keyring.backends.{name}").Keyring()
    use(monkeypatch, backend)
    assert system_keyring.unusable() == "this machine has no keyring that works"
    with pytest.raises(KeyringError):
        system_keyring.store("GROQ_API_KEY", KEY)
    assert system_keyring.names() == ()


def test_one_that_works_is_usable_and_one_that_forgets_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Kept())
    assert system_keyring.unusable() is None
    use(monkeypatch, Forgetful())
    with pytest.raises(KeyringError, match="the keyring did not keep the key"):
        system_keyring.store("GROQ_API_KEY", KEY)


def test_a_list_of_names_that_cannot_be_written_is_told(kept: Kept, tmp_path: Path) -> None:
    (tmp_path / "config").write_text("not a directory")
    with pytest.raises(KeyringError, match=r"keyring-names: cannot be written"):
        system_keyring.store("GROQ_API_KEY", KEY)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"A_KEY\n" * 1000], ids=["empty", "not UTF-8", "repeated"])
def test_a_spoilt_list_of_names_does_no_harm(kept: Kept, tmp_path: Path, content: bytes) -> None:
    listed = tmp_path / "config" / "llm7router" / system_keyring.NAMES
    listed.parent.mkdir(parents=True)
    listed.write_bytes(content)
    load(packaged())
    assert kept.reads <= 1
