"""Fetches a model from the Hugging Face hub into its cache: resumed after a break, and checked by its SHA-256.

huggingface_hub finds the file, the key and the place in the cache. The bytes are moved here, since it starts again
from nothing after Ctrl-C, and compares sizes but no checksum.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import httpx

from llm7router import proxied
from llm7router.calls.local import hub_cache
from llm7router.calls.local.errors import LocalModelError
from llm7router.calls.local.hub_cache import HubFile
from llm7router.calls.local.hub_client import asked_through
from llm7router.calls.local.hub_faults import PREFERRED, explained, key_for_header, refused, shown
from llm7router.proxies import DIRECT, Proxy

PIECE = 1 << 20
PAUSES_S = (1, 2, 4, 8)  # between attempts that brought nothing; one that brought something starts anew
_SHA256 = re.compile(r"[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")  # it becomes the name of a directory
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)  # Windows has none
_TIMEOUT = httpx.Timeout(30, connect=10)

Progress = Callable[[int, int], None]
"""Told of the bytes that are there and of all there will be."""


class _Remote(NamedTuple):
    url: str
    sha256: str
    commit: str
    size: int
    headers: dict[str, str]
    key: str | None


def fetch(
    wanted: HubFile,
    progress: Progress = lambda done, size: None,
    *,
    env: Mapping[str, str] = os.environ,
    pauses_s: tuple[float, ...] = PAUSES_S,
    proxy: Proxy = DIRECT,
) -> tuple[Path, str]:
    """The file in the cache and its SHA-256; afterwards it is used offline. Blocks.

    HF_ENDPOINT, HF_HUB_CACHE, HF_HOME and HF_TOKEN of `env` count as they do for huggingface_hub.
    Raises LocalModelError: offline, not there, gated, no room, cut off, or not what the hub says it is.
    """
    endpoint = (env.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")
    cache = hub_cache.directory(env)
    with explained(wanted, shown(endpoint), proxy.ignored(endpoint)), asked_through(proxy):
        remote = _look(wanted, endpoint, env.get("HF_TOKEN"))
        blobs = hub_cache.repo_directory(cache, wanted.repo) / "blobs"
        blobs.mkdir(parents=True, exist_ok=True)
        blob, part = blobs / remote.sha256, blobs / f"{remote.sha256}.llm7router.incomplete"
        if not _whole(blob, remote):
            with _alone(wanted, cache, remote.sha256):
                blob.unlink(missing_ok=True)
                _check_room(wanted, part, remote.size)
                _download(wanted, remote, part, progress, pauses_s, proxy)
                _verify(wanted, part, remote)
                os.replace(part, blob)
        return _placed(wanted, remote, cache, endpoint), remote.sha256


@contextlib.contextmanager
def _alone(wanted: HubFile, cache: Path, sha256: str) -> Iterator[None]:
    """Two that append to one file would spoil it. The lock is the one that huggingface_hub takes, too."""
    from filelock import FileLock, Timeout

    directory = hub_cache.repo_directory(cache / ".locks", wanted.repo)
    directory.mkdir(parents=True, exist_ok=True)
    lock = FileLock(directory / f"{sha256}.lock")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise LocalModelError(f"{wanted}: another program is fetching it", "wait for it to end") from None
    try:
        yield
    finally:
        lock.release()


def _look(wanted: HubFile, endpoint: str, token: str | None) -> _Remote:
    """What the hub says of the file, without fetching it."""
    from huggingface_hub import constants, get_hf_file_metadata, get_token, hf_hub_url

    # Else it tells which libraries are installed and who drives them, and asks another page about the latter.
    constants.HF_HUB_DISABLE_TELEMETRY = True
    url = hf_hub_url(wanted.repo, wanted.file, revision=wanted.revision, endpoint=endpoint)
    key = key_for_header(wanted, token or get_token())
    about = get_hf_file_metadata(url, token=key or False, endpoint=endpoint)
    if about.size is None or not _SHA256.fullmatch(about.etag or ""):
        raise LocalModelError(f"{wanted}: {shown(endpoint)} tells no SHA-256 of it, so it cannot be checked", PREFERRED)
    if not _COMMIT.fullmatch(commit := about.commit_hash or ""):
        raise LocalModelError(f"{wanted}: {shown(endpoint)} tells no commit that it is of", PREFERRED)
    headers = {"Accept-Encoding": "identity"} | ({"Authorization": f"Bearer {key}"} if key else {})
    return _Remote(url, str(about.etag), commit, about.size, headers, key)


def _check_room(wanted: HubFile, part: Path, size: int) -> None:
    missing = size - (part.stat().st_size if part.exists() else 0)
    free = shutil.disk_usage(part.parent).free
    if missing > free:
        raise OSError(errno.ENOSPC, f"{missing / 1e9:.2f} GB are missing, {free / 1e9:.2f} GB are free", str(part))


def _download(
    wanted: HubFile, remote: _Remote, part: Path, progress: Progress, pauses_s: tuple[float, ...], proxy: Proxy
) -> None:
    """Append to `part` what is missing of it; a break is resumed until nothing comes any more."""
    failures = 0
    through = proxied.Transport(proxy)
    with (
        _opened(part) as file,
        httpx.Client(follow_redirects=True, timeout=_TIMEOUT, trust_env=False, transport=through) as client,
    ):
        while (had := file.tell()) < remote.size:
            try:
                _append(client, remote, file, progress)
            except httpx.TransportError:
                failures = 1 if file.tell() > had else failures + 1
                if failures > len(pauses_s):
                    raise
                time.sleep(pauses_s[failures - 1])
            else:
                if file.tell() == had:
                    break
    if part.stat().st_size != remote.size:
        part.unlink()
        raise LocalModelError(f"{wanted}: the download has another size than announced, and was deleted", PREFERRED)


def _opened(part: Path) -> BinaryIO:
    """For appending; never through a link, which others who share the cache may have put there."""
    try:
        file = open(part, "ab", opener=lambda path, flags: os.open(path, flags | _NO_LINK, 0o666))  # noqa: SIM115
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EMLINK):  # the latter on BSD
            raise LocalModelError(f"{part}: a link where a download belongs", "remove it; see who made it") from None
        raise
    return file


def _append(client: httpx.Client, remote: _Remote, file: Any, progress: Progress) -> None:
    have = file.tell()
    headers = remote.headers | ({"Range": f"bytes={have}-"} if have else {})
    with client.stream("GET", remote.url, headers=headers) as answer:  # httpx keeps the key from other hosts
        if answer.status_code not in (200, 206):
            raise refused(answer.status_code)
        if answer.status_code == 206 and not _begins_at(have, answer.headers.get("content-range", "")):
            if not have:
                raise refused(answer.status_code)
            file.seek(0)
            file.truncate()
            _append(client, remote, file, progress)
            return
        if answer.status_code == 200 and have:  # it does not resume
            file.seek(0)
            file.truncate()
        progress(file.tell(), remote.size)
        for piece in answer.iter_bytes(PIECE):
            file.write(piece)
            progress(file.tell(), remote.size)
            if file.tell() > remote.size:
                return


def _begins_at(have: int, content_range: str) -> bool:
    """What comes is what was asked for. It might be another part, or several."""
    return re.match(rf"bytes {have}-\d", content_range.strip(), re.IGNORECASE) is not None


def _whole(blob: Path, remote: _Remote) -> bool:
    """Whether an earlier fetch, ours or another program's, is what the hub says: a disk may have spoilt it since."""
    return blob.is_file() and blob.stat().st_size == remote.size and _sha256(blob) == remote.sha256


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _verify(wanted: HubFile, part: Path, remote: _Remote) -> None:
    if (found := _sha256(part)) != remote.sha256:
        part.unlink()
        raise LocalModelError(
            f"{wanted}: wrong checksum (SHA-256 {found[:12]}... in place of {remote.sha256[:12]}...); it was deleted",
            "fetch it again; if that fails too, something between here and the hub changes files",
        )


def _placed(wanted: HubFile, remote: _Remote, cache: Path, endpoint: str) -> Path:
    """Make it known to the cache, whose layout is huggingface_hub's business, and remember which commit was meant."""
    from huggingface_hub import hf_hub_download

    file = hf_hub_download(
        wanted.repo,
        wanted.file,
        revision=remote.commit,
        cache_dir=cache,
        endpoint=endpoint,
        token=remote.key or False,
    )
    if wanted.revision != remote.commit:
        ref = hub_cache.repo_directory(cache, wanted.repo) / "refs" / wanted.revision
        ref.parent.mkdir(parents=True, exist_ok=True)
        ref.write_text(remote.commit, encoding="utf-8")
    return Path(file)
