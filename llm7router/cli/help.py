"""`llm7router help`: the documentation that ships with the package."""

from __future__ import annotations

from pathlib import Path

import click
from click.shell_completion import CompletionItem

DOCS = Path(__file__).resolve().parents[1] / "docs"


def topics() -> dict[str, Path]:
    """Every topic with its file, in the order of the alphabet."""
    return {path.stem: path for path in sorted(DOCS.glob("*.md"))}


def _complete(ctx: click.Context, param: click.Parameter, begun: str) -> list[CompletionItem]:
    return [CompletionItem(name, help=_title(path)) for name, path in topics().items() if name.startswith(begun)]


@click.command(short_help="Documentation: configuration, limits, local models, ...")
@click.argument("topic", required=False, shell_complete=_complete)
def help(topic: str | None) -> None:
    """Show the documentation of TOPIC, or list the topics. Of a command: `llm7router COMMAND --help`.

    \b
    Examples:
      llm7router help
      llm7router help limits
    """
    found = topics()
    if topic is None:
        width = max(map(len, found))
        click.echo("\n".join(f"{name:<{width}}  {_title(path)}" for name, path in found.items()))
        click.echo("\nllm7router help TOPIC shows one; llm7router COMMAND --help is about a command.")
        return
    path = found.get(topic.lower())
    if path is None:
        raise click.UsageError(_unknown(topic, [*found]))
    _show(path.read_text(encoding="utf-8"))


def _title(path: Path) -> str:
    """What the first heading of a topic says after its name."""
    with path.open(encoding="utf-8") as file:
        return file.readline().partition(": ")[2].strip()


def _unknown(topic: str, names: list[str]) -> str:
    from difflib import get_close_matches

    command = click.get_current_context().find_root().command
    if isinstance(command, click.Group) and topic in command.commands:
        return f"{topic!r} is a command: llm7router {topic} --help"
    close = get_close_matches(topic.lower(), names, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}?" if close else f"use one of {', '.join(names)}"
    return f"no topic {topic[:80]!r}; {hint}"


def _show(text: str) -> None:
    """Rendered for a person at a terminal, as it is written for everything else."""
    from llm7router.cli.output import console

    screen = console()
    if not screen.is_terminal:
        click.echo(text, nl=False)
        return
    from rich.markdown import Markdown

    screen.print(Markdown(text, code_theme="ansi_dark"))
