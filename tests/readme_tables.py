"""The tables of README.md, made from router.yaml and from the command: `python -m tests.readme_tables` prints them."""

from __future__ import annotations

from pathlib import Path

from llm7router.config.load import load, packaged
from llm7router.onboarding.facts import limits_of, trains

ROOT = Path(__file__).parents[1]
POOLED = "for all `:free` together"


def providers_table() -> str:
    """Every enabled provider with its limits as of router.yaml."""
    rows = ["| provider | key | limits | trains on prompts |", "| --- | --- | --- | --- |"]
    for spec in load(packaged(), env={}).providers:
        config = spec.config
        if config.enabled:
            key = f"`{config.api_key_env}`" if config.api_key_env else "none"
            if config.api_key_env and config.api_key:
                key += ", works without"
            rows.append(f"| {config.title or spec.name} | {key} | {limits_of(config, POOLED)} | {trains(config)} |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(providers_table())
