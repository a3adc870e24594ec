"""Where a key goes, and where it comes from."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from llm7router.cli import main
from llm7router.config import system_keyring
from llm7router.config.system_keyring import KeyringError
from llm7router.onboarding.keep import chosen, keep, origin
from tests.onboarding.conftest import routed
from tests.onboarding.test_system_keyring import Forgetful, Kept, use

CONFIG = Path("router.yaml")


def test_a_keyring_that_works_is_preferred_unless_a_file_has_the_key_or_the_person_wants_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use(monkeypatch, Kept())
    assert chosen(None, CONFIG, "A_KEY") == "keyring"
    assert chosen("env", CONFIG, "A_KEY") == "env"
    Path(".env").write_text("A_KEY=old\n")
    assert chosen(None, CONFIG, "A_KEY") == "env"
    assert chosen("keyring", CONFIG, "A_KEY") == "keyring"


def test_without_one_a_file_is_used_and_who_insists_is_told() -> None:
    assert chosen(None, CONFIG, "A_KEY") == "env"
    with pytest.raises(KeyringError, match="; use --store env"):
        chosen("keyring", CONFIG, "A_KEY")


def test_a_keyring_that_fails_in_the_end_does_not_lose_the_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    use(monkeypatch, Forgetful())
    where, note = keep(None, CONFIG, "A_KEY", "a-key-0123456789")
    assert where == f"{tmp_path / '.env'} (only you can read it)"
    assert note == "the keyring did not keep the key, so a file is used"
    assert origin(CONFIG, "A_KEY") == str(tmp_path / ".env")
    with pytest.raises(KeyringError):
        keep("keyring", CONFIG, "B_KEY", "b-key-0123456789")
    assert origin(CONFIG, "B_KEY") is None


def test_the_list_of_providers_says_where_each_key_comes_from(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    routed(tmp_path)
    use(monkeypatch, Kept())
    system_keyring.store("MISTRAL_API_KEY", "m")
    Path(".env").write_text("GROQ_API_KEY=g\nZAI_API_KEY=z\n")
    monkeypatch.setenv("ZAI_API_KEY", "zz")
    result = CliRunner().invoke(main, ["providers"])
    assert result.exit_code == 0
    assert result.output.endswith(
        f"Keys: GROQ_API_KEY from {tmp_path / '.env'}, MISTRAL_API_KEY from the keyring, ZAI_API_KEY from the environment\n"
    )
    assert "`llm7router setup` helps to get, check and store keys" in result.output
