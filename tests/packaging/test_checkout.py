"""What is tested is this checkout, also in programs that tests start elsewhere."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests import checkout

WHERE = "import llm7router, tests; print(llm7router.__file__, tests.__file__)"


@pytest.mark.parametrize("env", [None, checkout.environment()], ids=["with our environment", "with a bare one"])
def test_a_program_imports_this_checkout(env: dict[str, str] | None, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WHERE], capture_output=True, text=True, cwd=tmp_path, env=env, timeout=60
    )
    expected = [str(checkout.ROOT / name / "__init__.py") for name in ("llm7router", "tests")]
    assert done.stdout.split() == expected, done.stderr


def test_no_test_gives_a_program_an_environment_without_it() -> None:
    bare = '"PATH": os' + '.environ["PATH"]'  # in two parts, so that it is not found here
    found = [path.name for path in (checkout.ROOT / "tests").rglob("*.py") if bare in path.read_text()]
    assert sorted(found) == ["checkout.py", "test_hub.py"], "the latter starts no llm7router"
