"""Packages that are known to be bad, and code that runs at every start of Python."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from llm7router.config.load import packaged
from llm7router.upkeep.checks import packages
from llm7router.upkeep.findings import Level


def test_no_unknown_pth_file_runs_code_in_this_environment() -> None:
    found = list(packages.startup_code())
    assert [finding.message for finding in found if finding.level is not Level.OK] == []


@pytest.mark.parametrize("release", ["1.82.7", "1.82.8", "1.107.0"])
def test_a_release_that_is_known_to_be_bad_is_a_fault(release: str) -> None:
    finding = packages.litellm_release(release)
    assert finding.level is Level.FAULT
    assert finding.message.startswith(f"litellm {release} is ")


@pytest.mark.parametrize(
    ("release", "level"),
    [("1.106.2", Level.OK), ("1.106.10", Level.OK), ("1.106.1", Level.WARNING), ("1.107.0rc1", Level.WARNING),
     ("1.109.1", Level.WARNING), ("2.0", Level.WARNING), ("nonsense", Level.WARNING)],
)  # fmt: skip
def test_a_release_outside_of_the_tested_range_is_a_warning(release: str, level: Level) -> None:
    assert packages.litellm_release(release).level is level


def test_the_tested_range_is_that_of_pyproject_toml() -> None:
    text = (packaged().parent / "pyproject.toml").read_text(encoding="utf-8")
    (declared,) = (each for each in tomllib.loads(text)["project"]["dependencies"] if each.startswith("litellm"))
    lowest, below = (".".join(map(str, parts)) for parts in packages.TESTED_LITELLM)
    assert declared == f"litellm>={lowest},<{below}"
    assert packages.litellm().level is Level.OK


STEALER = "import os, subprocess, sys; subprocess.Popen([sys.executable, '-c', 'print()'])"
SETUPTOOLS = (
    "import os; var = 'SETUPTOOLS_USE_DISTUTILS'; enabled = os.environ.get(var, 'local') == 'local'; "
    "enabled and __import__('_distutils_hack').add_shim(); "
)


def found(directory: Path, name: str, text: str, owner: str | None = None) -> tuple[Level, str]:
    (directory / name).write_text(text)
    if owner:
        info = directory / f"{owner}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {owner}\nVersion: 1.0\n")
        (info / "RECORD").write_text(f"{name},,\n{owner}-1.0.dist-info/RECORD,,\n")
    (finding,) = packages.startup_code([directory])
    return finding.level, finding.message


def test_the_file_of_the_malicious_release_is_a_fault_though_its_package_lists_it(tmp_path: Path) -> None:
    level, message = found(tmp_path, "litellm_init.pth", STEALER, owner="litellm")
    assert level is Level.FAULT
    assert message == f"{tmp_path}/litellm_init.pth runs code at every start of Python; it came with litellm"


@pytest.mark.parametrize(
    ("name", "text", "owner", "level"),
    [
        ("mine.pth", "/somewhere/src\n# import os\n", None, Level.OK),
        ("distutils-precedence.pth", SETUPTOOLS, "setuptools", Level.OK),
        ("_virtualenv.pth", "import _virtualenv", None, Level.OK),
        ("__editable__.a-1.0.pth", "import __editable___a_1_0_finder; __editable___a_1_0_finder.install()", None, Level.OK),
        ("distutils-precedence.pth", STEALER, "setuptools", Level.WARNING),
        ("_virtualenv.pth", f"import _virtualenv\n{STEALER}", None, Level.FAULT),
        ("tracer.pth", "import tracer", "tracer", Level.WARNING),
        ("tracer.pth", "import\ttracer", None, Level.FAULT),
        ("tracer.pth", "# \xff\nimport tracer", None, Level.FAULT),
        ("tracer.pth", "\ufeffimport tracer", None, Level.FAULT),
        ("_virtualenv.pth", "import _virtualenv\x0c; import tracer", None, Level.FAULT),
    ],
    ids=["directories only", "setuptools", "virtualenv", "an editable installation", "a known name with other code",
         "a known line with another", "a package's own", "nobody's", "not UTF-8",
         "behind a byte order mark", "behind a form feed"],
)  # fmt: skip
def test_a_file_is_known_by_its_name_and_by_every_line_that_runs(
    tmp_path: Path, name: str, text: str, owner: str | None, level: Level
) -> None:
    assert found(tmp_path, name, text, owner)[0] is level
