"""Clients of other makers."""

from __future__ import annotations

from pathlib import Path

from tests.clients.conftest import SCRIPTS, run
from tests.server.gateway import KEY, Gateway

YAML = """- model_id: routed
  model_name: auto
  api_base: {url}/v1
  api_key_name: routed
  supports_schema: true
  supports_tools: true
"""


def test_langchain_works(clients_python: str, gateway: Gateway) -> None:
    assert run([clients_python, str(SCRIPTS / "langchain.py")], gateway) == "ok\n"


def test_the_anthropic_sdk_works(clients_python: str, gateway: Gateway) -> None:
    assert run([clients_python, str(SCRIPTS / "anthropic_sdk.py")], gateway) == "ok\n"


def test_llm_works_with_a_model_of_its_settings(clients_python: str, gateway: Gateway, tmp_path: Path) -> None:
    (tmp_path / "extra-openai-models.yaml").write_text(YAML.format(url=gateway.url), encoding="utf-8")
    env = {"LLM_USER_PATH": str(tmp_path)}
    llm = str(Path(clients_python).with_name("llm"))
    run([llm, "keys", "set", "routed", "--value", KEY], gateway, env)
    assert run([llm, "-m", "routed", "Hello!"], gateway, env).strip() == "Hello there, friend!"
    assert run([llm, "-m", "routed", "--no-stream", "Hello!"], gateway, env).strip() == "Hello there, friend!"
    schema = run([llm, "-m", "routed", "--schema", "city, celsius int", "Rome?"], gateway, env)
    assert "Rome" in schema


def test_the_openai_sdk_for_node_works(node_modules: str, gateway: Gateway) -> None:
    assert run(["node", str(SCRIPTS / "openai_node.mjs"), node_modules], gateway) == "ok\n"
