"""Stand-ins of vendors' endpoints on loopback, and a router.yaml that names them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path
from typing import Any

from tests.upstream import Upstream
from tests.upstream_behaviours import json_body

LISTS = {"groq": "/openai/v1/models", "openrouter": "/api/v1/models", "llm7": "/v1/models"}
OPENROUTER = {
    "id": "google/gemma-4-31b-it:free", "context_length": 262144, "pricing": {"prompt": "0", "completion": "0"},
    "supported_parameters": ["tools", "reasoning"], "architecture": {"input_modalities": ["text", "image"]},
}  # fmt: skip
GROQ_MODELS = ("openai/gpt-oss-120b", "openai/gpt-oss-20b", "qwen/qwen3.8-27b")

TEXT = """\
# mine
version: 1
state: {{store: disk, path: {state}}}
providers:
  groq:                       # fast
    base_url: {base}
    api_key_env: GROQ_API_KEY
    key_check: {{path: /openai/v1/models}}
    models_list: {{path: /openai/v1/models, key: true}}
    data: {{trains_on_prompts: false}}
    limits_per_model:
      - {{unit: requests, window: day, max: 1000,
         source: "the vendor's table", checked: {checked}}}   # of each
    models:
      - id: openai/gpt-oss-120b     # the large one
        context_window: 131072
        capabilities: [streaming, tools]
        cost: {{input: 0, output: 0}}
      - id: openai/gpt-oss-20b
        cost: {{input: 0, output: 0}}
  openrouter:
    base_url: {base}
    models_list: {{path: /api/v1/models}}
    data: {{trains_on_prompts: depends_on_host, opt_out_url: "https://openrouter.example/privacy"}}
    pools:
      free:
        - {{unit: requests, window: day, max: 50, checked: {checked}}}
    models:
      - id: "google/gemma-4-31b-it:free"   # seen to be good
        pool: free
        context_window: 262144
        capabilities: [streaming, tools, vision, reasoning]
        cost: {{input: 0, output: 0}}
"""


def written(directory: Path, up: Upstream, *, checked: str = "2026-11-20", state: str = "state") -> Path:
    """A router.yaml with two providers at `up`."""
    path = directory / "router.yaml"
    path.write_text(TEXT.format(base=up.base_url, checked=checked, state=directory / state), encoding="utf-8")
    return path


def lists(up: Upstream, *, at: float | None = None, **bodies: Any) -> None:
    """What the lists answer: by default all is as in `TEXT`. `at` is the time on the vendors' clocks."""
    headers = {} if at is None else {"date": formatdate(at, usegmt=True)}
    rows = {"groq": [{"id": id} for id in GROQ_MODELS], "openrouter": [OPENROUTER]} | bodies
    for name, body in rows.items():
        up.paths[LISTS[name]] = json_body({"data": body}, headers=headers)


def sent_keys(up: Upstream) -> dict[str, str]:
    """The authorization that each path got."""
    return {request.path: request.headers.get("authorization", "") for request in up.others}


@contextmanager
def vendors() -> Iterator[Upstream]:
    """Two vendors whose lists say what `TEXT` says."""
    with Upstream() as up:
        lists(up)
        yield up
