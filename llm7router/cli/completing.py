"""What the shell offers after Tab, and `llm7router completion`, which prints the script for it.

A press of Tab starts the program, so router.yaml is read here without being checked, and a faulty one offers nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import click
from click.shell_completion import CompletionItem

from llm7router.cli.shells import SHELLS


@click.command(short_help="Completion for bash, zsh or fish.")
@click.argument("shell", type=click.Choice([*SHELLS]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script that lets SHELL complete commands, options, providers, models and tasks.

    \b
    Once:
      eval "$(llm7router completion bash)"       # in ~/.bashrc; needs bash 4.4
      eval "$(llm7router completion zsh)"        # in ~/.zshrc, after compinit
      llm7router completion fish > ~/.config/fish/completions/llm7router.fish
    """
    maker = SHELLS[shell](ctx.find_root().command, {}, "llm7router", "_LLM7ROUTER_COMPLETE")
    # Not `source()`: it starts bash to look at its version, and says on stderr what the help says.
    click.echo(maker.source_template % maker.source_vars())


def tasks(ctx: click.Context, param: click.Parameter, begun: str) -> list[CompletionItem]:
    """Task types."""
    from llm7router.types.names import TaskType

    return _offered(TaskType, begun)


def capabilities(ctx: click.Context, param: click.Parameter, begun: str) -> list[CompletionItem]:
    """Capabilities."""
    from llm7router.types.names import Capability

    return _offered(Capability, begun)


def files(ctx: click.Context, param: click.Parameter, begun: str) -> list[CompletionItem]:
    """Files, which the shell knows itself."""
    return [CompletionItem(begun, type="file")]


def environments(ctx: click.Context, param: click.Parameter, begun: str) -> list[CompletionItem]:
    """Environments that any provider of router.yaml names."""
    named = (provider.get("environments") for _, provider in _providers(ctx))
    return _offered(dict.fromkeys(name for each in named if isinstance(each, Mapping) for name in each), begun)


def ids(ctx: click.Context, param: click.Parameter, begun: str) -> list[CompletionItem]:
    """Providers of router.yaml, and their models once a provider was typed."""
    providers = dict(_providers(ctx))
    if "/" in begun:
        return _offered((id for name, provider in providers.items() for id in _models(name, provider)), begun)
    return _offered(providers, begun)


def local_ids(ctx: click.Context, param: click.Parameter, begun: str) -> list[CompletionItem]:
    """Models of router.yaml that run in this process."""
    here = ((name, each) for name, each in _providers(ctx) if each.get("kind") == "llama_cpp")
    return _offered((id for name, provider in here for id in _models(name, provider)), begun)


def fetchable(ctx: click.Context, param: click.Parameter, begun: str) -> list[CompletionItem]:
    """The same, and files of the hub that `local recommend` knows."""
    from llm7router.calls.local.recommended import MODELS

    return local_ids(ctx, param, begun) + _offered((model.path for model in MODELS), begun)


def _offered(names: Iterable[str], begun: str) -> list[CompletionItem]:
    return [CompletionItem(str(name)) for name in names if str(name).startswith(begun)]


def _models(name: str, provider: Mapping[str, Any]) -> Iterator[str]:
    models = provider.get("models")
    for model in models if isinstance(models, list) else []:
        if isinstance(model, Mapping) and model.get("id"):
            yield f"{name}/{model['id']}"


def _providers(ctx: click.Context) -> list[tuple[str, Mapping[str, Any]]]:
    """The providers of the router.yaml that the command would use; none if it cannot be read."""
    from llm7router.config.load import find
    from llm7router.config.yaml_reader import read

    try:
        path = find(ctx.params.get("config_path"))
        data: Any = read(path.read_bytes(), str(path)).data
        providers: Any = data.get("providers", {})
        return [(name, each) for name, each in providers.items() if isinstance(each, Mapping)]
    except Exception:  # there is nobody to tell: anything printed would land in the middle of the line being typed
        return []
