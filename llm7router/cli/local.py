"""`llm7router local`: the models of this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from llm7router.cli.completing import fetchable, local_ids
from llm7router.cli.exits import EXIT_FAULT, EXIT_NOTHING_SERVES
from llm7router.cli.options import config_option, json_option

if TYPE_CHECKING:
    from pathlib import Path

    from llm7router.calls.local.hub_cache import HubFile
    from llm7router.calls.local.inventory import LocalModel
    from llm7router.config.models import LoadedConfig


@click.group(short_help="List, fetch and measure models of this machine.", invoke_without_command=True)
@config_option
@json_option
@click.pass_context
def local(ctx: click.Context, config_path: str | None, as_json: bool) -> None:
    """Models that run on this machine, with their size, memory and measured speed.

    \b
    Examples:
      llm7router local
      llm7router local recommend
      llm7router local fetch hf:Qwen/Qwen3-8B-GGUF/Qwen3-8B-Q4_K_M.gguf
      llm7router local measure local/smollm2
    """
    if ctx.invoked_subcommand is None:
        from llm7router.cli import local_table

        local_table.show(*_models(config_path), as_json=as_json)
    elif config_path or as_json:
        raise click.UsageError(f"give these options after `{ctx.invoked_subcommand}`")


@local.command(short_help="Download a model of the Hugging Face hub.")
@click.argument("model", shell_complete=fetchable)
@config_option
@click.pass_context
def fetch(ctx: click.Context, model: str, config_path: str | None) -> None:
    """Fetch MODEL, a deployment of router.yaml or an hf:OWNER/REPO/FILE[@REVISION], and print where it is.

    It goes into the Hugging Face cache, is resumed if it breaks off, and its SHA-256 is compared. Nothing else ever
    downloads a model. HF_TOKEN, HF_HOME and HF_ENDPOINT count as they do for huggingface_hub.

    \b
    Examples:
      llm7router local fetch hf:Qwen/Qwen3-8B-GGUF/Qwen3-8B-Q4_K_M.gguf
    """
    from llm7router.calls.local.errors import LocalModelError
    from llm7router.calls.local.hub_cache import PREFIX, parse
    from llm7router.cli import fetching
    from llm7router.proxies import Proxy

    found, loaded = _models(config_path)
    wanted = None
    try:
        wanted = parse(model if model.startswith(PREFIX) else _path_of(model, found))
        fetching.run(wanted, loaded.env.get("HF_TOKEN"), Proxy(loaded.config.proxy))
    except LocalModelError as error:
        if wanted is None or (file := _fetched_before(wanted)) is None:
            click.echo(f"Error: {error}", err=True)
            ctx.exit(EXIT_FAULT)
        click.echo(file)
        click.echo(f"Note: {error.message}; this one was fetched before", err=True)


@local.command(short_help="How fast a model reads and writes here.")
@click.argument("model", required=False, shell_complete=local_ids)
@config_option
@json_option
@click.pass_context
def measure(ctx: click.Context, model: str | None, config_path: str | None, as_json: bool) -> None:
    """Let MODEL, or every local one, read and write some text, and say how fast it was.

    Through the router, so that the speed counts from then on. Exit code 3 if one could not answer.

    \b
    Examples:
      llm7router local measure local/smollm2
    """
    from llm7router.cli import measuring

    found, loaded = _models(config_path)
    ids = [each.id for each in found if each.configured and not each.trouble]
    if model is not None and model not in ids:
        trouble = next((each.trouble for each in found if each.id == model), "")
        raise click.UsageError(trouble or f"{model[:80]} is no local model of router.yaml; see `llm7router local`")
    if not measuring.run(loaded, [model] if model else ids, as_json=as_json):
        ctx.exit(EXIT_NOTHING_SERVES)


@local.command(short_help="Which model suits this machine.")
@config_option
@json_option
@click.pass_context
def recommend(ctx: click.Context, config_path: str | None, as_json: bool) -> None:
    """Which model to fetch for this machine's memory, and the lines for router.yaml.

    Where a local model was measured, speed counts too: each token that is written reads the whole file.
    Exit code 1 if none fits.

    \b
    Examples:
      llm7router local recommend
    """
    from llm7router.calls.local import memory
    from llm7router.cli import local_table

    found, loaded = _models(config_path)
    speed = local_table.bytes_per_s(found, local_table.speeds(loaded))
    if not local_table.recommend(memory.usable_bytes(), speed, as_json=as_json):
        ctx.exit(EXIT_FAULT)


def _models(config_path: str | None) -> tuple[list[LocalModel], LoadedConfig]:
    from llm7router.calls.local import inventory
    from llm7router.catalog import deployments
    from llm7router.config.load import load

    loaded = load(config_path)
    known = inventory.configured(deployments(loaded.providers, loaded.env, loaded.config.budget))
    return [*known, *inventory.others(known)], loaded


def _fetched_before(wanted: HubFile) -> Path | None:
    """The model in the cache, if it is one."""
    from llm7router.calls.local import gguf, hub_cache
    from llm7router.calls.local.errors import LocalModelError

    file = hub_cache.find(wanted)
    try:
        return file if file and gguf.read(file) else None
    except LocalModelError:
        return None


def _path_of(id: str, found: list[LocalModel]) -> str:
    """The `hf:` path of a deployment."""
    path = next((each.path for each in found if each.id == id), None)
    if path is None:
        raise click.UsageError(f"{id[:80]} is no local model of router.yaml; see `llm7router local`")
    if not path.startswith("hf:"):
        raise click.UsageError(f"{id}: its path is {path}, which is not on the hub; there is nothing to fetch")
    return path
