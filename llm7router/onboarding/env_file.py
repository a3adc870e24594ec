"""Keys in a `.env` that only its owner can read."""

from __future__ import annotations

import io
import os
import re
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

from llm7router.errors import Llm7RouterError
from llm7router.replacing import read_only, replace

PRIVATE = 0o600
_HEAD = re.compile(r"\s*(export\s+)?")
_NEWLINES = ("\n", "\r")
_VALUE = re.compile(  # of a variable, then the comment behind it
    r"""=(?:\s*'(?:\\.|[^'\\])*'|\s*"(?:\\.|[^"\\])*"|(?:(?![^\S\r\n]+\#)[^\r\n])*)([^\S\r\n]*\#[^\r\n]*)?""", re.DOTALL
)
_END = re.compile(r"[\r\n]+$")
GIT_WITHIN_S = 5.0


class EnvFileError(Llm7RouterError):
    """The key was not written; the message says why, and what to do."""


def places(config: Path) -> tuple[Path, ...]:
    """The `.env` files that `config.load` reads for a router.yaml, the one that comes first foremost."""
    return tuple(dict.fromkeys(Path(os.path.realpath(parent / ".env")) for parent in (Path(), config.parent)))


def place(config: Path, name: str) -> Path:
    """Which of them a key goes to: the one that sets it already, else the one beside router.yaml.

    A router.yaml inside an installed package has none beside it: then that of the working directory.
    """
    here, *beside = places(config)
    installed = config.resolve().parent == Path(__file__).resolve().parents[1]
    return holder(config, name) or (beside[0] if beside and not installed else here)


def holder(config: Path, name: str) -> Path | None:
    """Which of them sets a variable. Only files are read, as `config.load` does: a pipe would be waited for."""
    from dotenv import dotenv_values

    files = (path for path in places(config) if path.is_file())
    return next((path for path in files if name in dotenv_values(path, interpolate=False)), None)


def check(path: Path) -> None:
    """Whether a key could be stored there, as far as that can be told before there is one.

    Raises:
        EnvFileError: git tracks the file, it is none or read-only, or its directory cannot be written to.
    """
    if path.exists() and not path.is_file():
        raise EnvFileError(f"{path}: not a file; remove it, or use --store keyring")
    if mode := read_only(path):
        raise EnvFileError(f"{path}: it is read-only ({mode}); `chmod u+w` it first, or use --store keyring")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise EnvFileError(f"{path}: cannot be written (no write access to its directory); use --store keyring")
    if _git(path, "ls-files", "--error-unmatch") == 0:
        raise EnvFileError(f"{path}: git tracks this file, so the key would be published; `git rm --cached` it first")


def store(path: Path, name: str, value: str) -> list[str]:
    """Set a variable; all other lines stay. Returns what the person should know of the file.

    Raises:
        EnvFileError: as `check`, or it cannot be written; it is as it was.
    """
    check(path)
    try:
        told = list(_closed(path))
        # the new file gets the mode that `_closed` has narrowed
        replace(path, with_variable(_text(path), name, value).encode())
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "not UTF-8"
        raise EnvFileError(f"{path}: cannot be written ({why}); make it writable, or use --store keyring") from None
    if _git(path, "check-ignore", "--quiet") == 1:
        told.append(f"Warning: git does not ignore {path}; add the line `.env` to .gitignore, or it may be published")
    return told


def with_variable(text: str, name: str, value: str) -> str:
    """The text of a `.env` with a variable set: in its place, else at the end. The rest stays to the byte."""
    from dotenv.parser import parse_stream

    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    parts, found = [], False
    for binding in parse_stream(io.StringIO(text, newline="")):
        part = binding.original.string
        if binding.key == name:
            head, given, end = _HEAD.match(part), _VALUE.search(part), _END.search(part)
            comment = (given[1] or "") if given else ""
            part = f"{head[0] if head else ''}{name}='{escaped}'{comment}{end[0] if end else ''}"
            found = True
        parts.append(part)
    if found:
        return "".join(parts)
    return f"{text}{'' if not text or text.endswith(_NEWLINES) else os.linesep}{name}='{escaped}'{os.linesep}"


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return ""


def _closed(path: Path) -> Iterator[str]:
    """Take the file from others before the key is in it."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return
    if os.name == "posix" and mode & 0o077:
        path.chmod(PRIVATE)
        yield f"{path} could be read by others (mode {mode:o}); now only by you"


def _git(path: Path, *command: str) -> int | None:
    """The exit code of a question to git about the file; None outside of work trees, or without git."""
    if not any((parent / ".git").exists() for parent in path.absolute().parents):
        return None
    # fsmonitor would start a program that the repository names
    call = ["git", "-c", "core.fsmonitor=false", "-C", str(path.parent), *command, "--", path.name]
    try:
        done = subprocess.run(call, capture_output=True, stdin=subprocess.DEVNULL, timeout=GIT_WITHIN_S)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.returncode
