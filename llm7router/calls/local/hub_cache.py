"""`hf:REPO/FILE[@REVISION]`: what it names, and where the Hugging Face cache of this machine keeps it.

Reads directories only. huggingface_hub is not imported: that takes longer than all the rest of a decision.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from llm7router.calls.local.errors import LocalModelError

PREFIX = "hf:"
MAIN = "main"
_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"
_FILE = r"[^@\s:\\\x00-\x1f\x7f]+?"  # it becomes a path here, and is shown
_SHAPE = re.compile(rf"hf:(?P<repo>{_NAME}/{_NAME})/(?P<file>{_FILE})(?:@(?P<revision>[A-Za-z0-9][A-Za-z0-9._/-]*))?")
_SPLIT = re.compile(r"-\d{5}-of-\d{5}\.gguf$")  # as llama.cpp names the parts


class HubFile(NamedTuple):
    """A file of a model repository on the Hugging Face hub, at a branch, tag or commit."""

    repo: str
    file: str
    revision: str = MAIN

    def __str__(self) -> str:
        return f"{PREFIX}{self.repo}/{self.file}" + (f"@{self.revision}" if self.revision != MAIN else "")


def parse(path: str) -> HubFile:
    """What an `hf:` path names. Raises LocalModelError."""
    match = _SHAPE.fullmatch(path)
    if match is None or {"", ".", ".."} & {*f"{match['file']}/{match['revision'] or MAIN}".split("/")}:
        raise LocalModelError(
            f"{path}: not a file on the Hugging Face hub", "write hf:OWNER/REPO/FILE, or hf:OWNER/REPO/FILE@REVISION"
        )
    if _SPLIT.search(match["file"]):
        raise LocalModelError(
            f"{path}: one part of a model that was split",
            "choose a smaller quantisation, or merge it and give its path",
        )
    return HubFile(match["repo"], match["file"], match["revision"] or MAIN)


def directory(env: Mapping[str, str] = os.environ) -> Path:
    """The cache that every program of the Hugging Face family shares, found as their own library finds it."""
    home = env.get("HF_HOME") or os.path.join(env.get("XDG_CACHE_HOME") or "~/.cache", "huggingface")
    chosen = env.get("HF_HUB_CACHE") or env.get("HUGGINGFACE_HUB_CACHE") or os.path.join(home, "hub")
    return Path(os.path.expandvars(chosen)).expanduser()


def repo_directory(cache: Path, repo: str) -> Path:
    """Where the cache keeps a repository."""
    return cache / ("models--" + repo.replace("/", "--"))


def find(wanted: HubFile, cache: Path | None = None) -> Path | None:
    """The file in the cache, or None if it was not fetched whole."""
    repo = repo_directory(cache or directory(), wanted.repo)
    commit = _commit(repo / "refs" / wanted.revision) or wanted.revision  # a commit has no ref
    file = repo / "snapshots" / commit / wanted.file
    return file if file.is_file() else None


def fetched(wanted: HubFile) -> Path:
    """`find`, or LocalModelError with the command that fetches it: no request waits for gigabytes."""
    file = find(wanted)
    if file is None:
        raise LocalModelError(f"{wanted}: not fetched", f"llm7router local fetch {wanted}")
    return file


def _commit(ref: Path) -> str:
    """What a branch or tag stands at; nothing if that cannot be read, or is no name of a directory."""
    try:
        found = ref.read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return ""
    return found if re.fullmatch(r"\w+", found) else ""


def models(cache: Path | None = None) -> Iterator[tuple[HubFile, Path]]:
    """Every GGUF file that the cache holds at a branch or tag."""
    root = cache or directory()
    for repo in sorted(root.glob("models--*--*")):
        name = repo.name.removeprefix("models--").replace("--", "/", 1)
        for ref in sorted(path for path in repo.glob("refs/**/*") if path.is_file()):
            revision = ref.relative_to(repo / "refs").as_posix()
            if not (commit := _commit(ref)):
                continue
            snapshot = repo / "snapshots" / commit
            for file in sorted(snapshot.rglob("*.gguf")):
                yield HubFile(name, file.relative_to(snapshot).as_posix(), revision), file
