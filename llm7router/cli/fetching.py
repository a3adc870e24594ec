"""A download, with its progress on stderr where somebody watches."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from llm7router.calls.local.hub_cache import HubFile
    from llm7router.proxies import Proxy


def run(wanted: HubFile, token: str | None, proxy: Proxy) -> None:
    """Fetch it, print where it is, and say what it is. Raises LocalModelError, also if it is no model."""
    from llm7router.calls.local import gguf
    from llm7router.calls.local.hub_fetch import fetch

    env = os.environ if token is None else {**os.environ, "HF_TOKEN": token}  # it may come from .env
    with shown(wanted.file) as progress:
        file, sha256 = fetch(wanted, progress, env=env, proxy=proxy)
    about = gguf.read(file)
    click.echo(file)
    size = f"{about.size / 1e9:.2f} GB, {about.quantisation}, context {about.context or 'unknown'}"
    click.echo(f"{size}; its SHA-256 is {sha256}, as the hub says", err=True)


@contextlib.contextmanager
def shown(name: str) -> Iterator[Callable[[int, int], None]]:
    """Takes the bytes that are there and of all there will be. Without a terminal nothing is shown."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    from llm7router.cli.output import console

    columns = (TextColumn(name), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    screen = console(err=True)
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as progress:
        task = progress.add_task(name, total=None)
        yield lambda done, size: progress.update(task, completed=done, total=size)
