from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from llm7router.config import LoadedConfig, load
from llm7router.errors import ConfigError

Told = Callable[..., list[str]]
Loaded = Callable[..., LoadedConfig]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test has an empty working directory and no configuration of the user's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LLM7ROUTER_CONFIG", raising=False)
    monkeypatch.setattr("click.get_app_dir", lambda name: str(tmp_path / "user" / name))


@pytest.fixture
def loaded() -> Loaded:
    """Load a text as ./router.yaml."""

    def run(text: str, env: Mapping[str, str] | None = None) -> LoadedConfig:
        Path("router.yaml").write_text(dedent(text), encoding="utf-8")
        return load("router.yaml", env=env or {})

    return run


@pytest.fixture
def told(loaded: Loaded) -> Told:
    """The faults of a text, as the user reads them; none if it loads."""

    def run(text: str, env: Mapping[str, str] | None = None) -> list[str]:
        try:
            loaded(text, env)
        except ConfigError as error:
            return str(error).splitlines()
        return []

    return run
