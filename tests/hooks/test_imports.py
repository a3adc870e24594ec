"""What a hook's library costs is paid by who uses it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

LIBRARIES = ("prometheus_client", "opentelemetry")


def python(code: str, **environment: str) -> str:
    """What the code prints, in a process of its own."""
    shown = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, **environment},
    )
    return shown.stdout.strip()


@pytest.mark.parametrize("code", ["import llm7router.cli", "import llm7router.router", "import llm7router.hooks"])
def test_nothing_imports_a_hooks_library_before_it_is_used(code: str) -> None:
    print_found = f"print([name for name in {LIBRARIES!r} if name in sys.modules])"
    assert python(f"import sys; {code}; {print_found}") == "[]"


@pytest.mark.parametrize(
    ("library", "call", "says"),
    [
        (
            "prometheus_client",
            "metrics_of(None)",
            "metrics: prometheus_client is not installed; pip install 'llm7router[server]'",
        ),
        (
            "opentelemetry",
            "traces_from_environment()",
            "OTEL_EXPORTER_OTLP_ENDPOINT: opentelemetry is not installed; pip install 'llm7router[otel]'",
        ),
    ],
    ids=["metrics", "traces"],
)
def test_a_missing_extra_is_one_clear_error(library: str, call: str, says: str) -> None:
    hide = (
        "import sys, importlib.abc\n"
        "class Hide(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path, target=None):\n"
        f"        if name.partition('.')[0] == {library!r}:\n"
        f"            raise ModuleNotFoundError(name, name={library!r})\n"
        "sys.meta_path.insert(0, Hide())\n"
    )
    code = f"{hide}from llm7router import ConfigError, hooks\ntry:\n    hooks.{call}\nexcept ConfigError as e:\n    print(e)"
    assert python(code, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9") == says
