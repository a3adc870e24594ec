"""Packages that are known to be bad, and code that would run at every start of Python."""

from __future__ import annotations

import re
import site
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import Distribution, PackageNotFoundError, distributions, version
from pathlib import Path

from llm7router.upkeep.findings import Area, Finding, Level

BAD_LITELLM = {
    "1.82.7": "is malicious: it steals credentials (March 2026)",
    "1.82.8": "is malicious: it steals credentials at every start of Python (March 2026)",
    "1.107.0": "is reported to be malicious and is gone from the index",
}
TESTED_LITELLM = ((1, 106, 2), (1, 107))  # from, below: as pyproject.toml has it

# Files whose lines begin with `import` run at every start of Python. A file is known if its name and each such line
# are those of a tool that needs one; that a package lists it says nothing, since the malicious LiteLLM listed its own.
KNOWN_PTH: tuple[tuple[str, str], ...] = (
    (
        r"distutils-precedence\.pth",  # setuptools
        r"import os; var = 'SETUPTOOLS_USE_DISTUTILS'; enabled = os\.environ\.get\(var, '(local|stdlib)'\) == 'local'; "
        r"enabled and __import__\('_distutils_hack'\)(\.add_shim\(\))?;?",
    ),
    (r"__editable__\.[\w.+-]+\.pth", r"import (__editable___\w+_finder); \1\.install\(\)"),  # setuptools
    (r"_virtualenv\.pth", r"import _virtualenv"),  # virtualenv and uv
    (r"pywin32\.pth", r"import pywin32_bootstrap"),
    (r"easy-install\.pth", r"import sys; sys\.__plen = len\(sys\.path\)"),
)


def litellm() -> Finding:
    """Whether the installed release is known to be bad, or outside of what the contract tests pass on."""
    try:
        installed = version("litellm")
    except PackageNotFoundError:
        return Finding(Area.PACKAGES, Level.FAULT, "litellm is not installed", "pip install llm7router")
    return litellm_release(installed)


def litellm_release(installed: str) -> Finding:
    """The same of a release by its number."""
    lowest, below = (".".join(map(str, parts)) for parts in TESTED_LITELLM)
    install = f"pip install 'litellm>={lowest},<{below}'"
    if why := BAD_LITELLM.get(installed):
        fix = f"run no Python in this environment, delete it, replace every key of this machine, then {install}"
        return Finding(Area.PACKAGES, Level.FAULT, f"litellm {installed} {why}", fix)
    parts = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", installed)
    number = tuple(int(part or 0) for part in parts.groups()) if parts else ()
    if not TESTED_LITELLM[0] <= number < TESTED_LITELLM[1]:
        message = f"litellm {installed} is not among the tested releases, {lowest} to below {below}"
        return Finding(Area.PACKAGES, Level.WARNING, message, install)
    return Finding(Area.PACKAGES, Level.OK, f"litellm {installed}: no known fault")


def startup_code(directories: Iterable[Path] | None = None) -> Iterator[Finding]:
    """`.pth` files that run code and are not of a known tool. `directories`: those that Python reads, by default."""
    places = list(site_directories() if directories is None else directories)
    owners = _owners(places)
    unknown = 0
    for path in (path for place in places for path in sorted(place.glob("*.pth"))):
        if (lines := running_lines(path)) and not is_known(path.name, lines):
            unknown += 1
            owner = owners.get(path.resolve())
            whose = f"it came with {owner}" if owner else "it belongs to no installed package"
            # LiteLLM has no business in there: the malicious release had a file of its own.
            level = Level.WARNING if owner and owner != "litellm" else Level.FAULT
            message = f"{path} runs code at every start of Python; {whose}"
            yield Finding(Area.PACKAGES, level, message, "read it, and delete it unless you know what it is for")
    if not unknown:
        yield Finding(Area.PACKAGES, Level.OK, "no unknown code runs at the start of Python (.pth files)")


def site_directories() -> list[Path]:
    """Where Python looks for `.pth` files."""
    places = [*site.getsitepackages(), *([site.getusersitepackages()] if site.ENABLE_USER_SITE else [])]
    return [path for path in dict.fromkeys(Path(place).resolve() for place in places) if path.is_dir()]


def running_lines(path: Path) -> list[str]:
    """The lines of a `.pth` file that Python runs; the others are directories."""
    try:
        text = path.read_text(encoding="utf-8-sig", errors="replace")  # Python 3.13 skips the mark, too
    except OSError:
        return []
    # Pythons differ in what ends a line: a form feed may hide code from one and not from the other.
    lines = dict.fromkeys([*text.split("\n"), *text.splitlines()])
    return [line.strip() for line in lines if line.startswith(("import ", "import\t"))]


def is_known(name: str, lines: Iterable[str]) -> bool:
    """Both the name and every line that runs are those of a known tool."""
    patterns = [line for file, line in KNOWN_PTH if re.fullmatch(file, name)]
    return bool(patterns) and all(any(re.fullmatch(pattern, line) for pattern in patterns) for line in lines)


def _owners(places: Iterable[Path]) -> Mapping[Path, str]:
    """The package that lists each `.pth` file."""
    found: dict[Path, str] = {}
    for distribution in distributions(path=[str(place) for place in places]):
        for file in _files(distribution):
            found[Path(str(distribution.locate_file(file))).resolve()] = distribution.metadata["Name"] or "?"
    return found


def _files(distribution: Distribution) -> list[str]:
    record = distribution.read_text("RECORD") or ""
    names = (line.split(",", 1)[0] for line in record.splitlines())
    return [name for name in names if name.endswith(".pth") and "/" not in name]


def python() -> Finding:
    """Which Python this is."""
    found = ".".join(map(str, sys.version_info[:3]))
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        return Finding(Area.PACKAGES, Level.WARNING, f"Python {found} is not tested", "use Python 3.11 to 3.13")
    return Finding(Area.PACKAGES, Level.OK, f"Python {found}")
