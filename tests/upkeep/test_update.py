"""`llm7router providers update` against vendors on loopback: what is shown, what is written, and what bad input gets."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from llm7router.cli import main
from llm7router.config import load
from llm7router.config.load import packaged
from llm7router.errors import ConfigError
from llm7router.upkeep import update, write
from llm7router.upkeep.changes import Change, What
from tests.guard import CANARY
from tests.upkeep.vendors import GROQ_MODELS, LISTS, OPENROUTER, lists, sent_keys, written
from tests.upstream import Step, Upstream

pytestmark = pytest.mark.usefixtures("clean")
MODELS_DEV: dict[str, Any] = {"groq": {"env": ["GROQ_API_KEY"], "models": {
    "openai/gpt-oss-120b": {"limit": {"context": 65536}, "reasoning": True, "cost": {"input": 3, "output": 9}}}}}  # fmt: skip


def run(*arguments: str, key: str | None = CANARY) -> Result:
    """The command in this process, without models.dev unless it is named."""
    words = [] if "--models-dev" in arguments else ["--models-dev", "none"]
    env = {"GROQ_API_KEY": key}
    return CliRunner().invoke(main, ["providers", "update", *arguments, *words], env=env)


def test_without_a_difference_it_says_so(tmp_path: Path, up: Upstream) -> None:
    written(tmp_path, up)
    result = run()
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == ["groq", "  nothing changed", "openrouter", "  nothing changed"]


def test_the_key_goes_to_the_list_that_wants_one_and_to_no_other(tmp_path: Path, up: Upstream) -> None:
    written(tmp_path, up)
    up.paths["/api.json"] = ("json_body", MODELS_DEV)
    run("--models-dev", f"http://127.0.0.1:{up.port}/api.json")
    assert sent_keys(up) == {LISTS["groq"]: f"Bearer {CANARY}", LISTS["openrouter"]: "", "/api.json": ""}


def test_differences_are_shown_and_the_file_is_left_alone(tmp_path: Path, up: Upstream) -> None:
    path = written(tmp_path, up)
    before = path.read_bytes()
    up.paths["/api.json"] = ("json_body", MODELS_DEV)
    rows = [
        {**OPENROUTER, "pricing": {"prompt": "0.000001", "completion": "0.000002"}},
        {**OPENROUTER, "id": "x/y:free"},
    ]
    lists(up, groq=[{"id": "openai/gpt-oss-120b"}], openrouter=rows)
    result = run("--models-dev", f"http://127.0.0.1:{up.port}/api.json")
    assert result.exit_code == 0, result.output
    said = " ".join(result.stdout.split())
    assert "groq context openai/gpt-oss-120b: 131072 -> 65536 tokens (by models.dev)" in said
    assert "capabilities openai/gpt-oss-120b: +reasoning (by models.dev); not written: models.dev alone" in said
    assert "gone openai/gpt-oss-20b: not in the provider's list; enabled: true -> false" in said
    assert "openrouter price google/gemma-4-31b-it:free: 0/0 USD -> 1/2 USD" in said
    assert "new x/y:free: free, 262144 tokens" in said
    assert said.endswith("4 changes can be written to router.yaml: add --apply")
    assert path.read_bytes() == before


def test_apply_writes_what_was_shown_and_keeps_the_rest_to_the_letter(tmp_path: Path, up: Upstream) -> None:
    path = written(tmp_path, up)
    path.chmod(0o640)
    lists(up, groq=[{"id": "openai/gpt-oss-120b"}], openrouter=[OPENROUTER, {**OPENROUTER, "id": "x/y:free"}])
    before = path.read_text()
    result = run("--apply")
    assert result.exit_code == 0, result.output
    assert result.stdout.endswith("2 changes written to router.yaml\n")
    after = path.read_text()
    kept = iter(after.splitlines())
    assert all(line in kept for line in before.splitlines()), "every old line is there, in its order"
    config = load(path, env={}).config.providers
    assert [model.enabled for model in config["groq"].models] == [True, False]
    assert config["openrouter"].models[1].pool == "free"
    assert config["openrouter"].models[1].cost == config["openrouter"].models[0].cost
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert sorted(tmp_path.iterdir()) == [path], "no other file is left"
    assert run("--apply").stdout.endswith("router.yaml: nothing to write\n")
    assert path.read_text() == after


def test_a_model_that_begins_to_cost_money_is_not_called_any_more(tmp_path: Path, up: Upstream) -> None:
    written(tmp_path, up)
    lists(up, openrouter=[{**OPENROUTER, "pricing": {"prompt": "0.000001", "completion": "0"}}])
    assert run("--apply").exit_code == 0
    validated = CliRunner().invoke(main, ["validate"]).output
    assert "openrouter/google/gemma-4-31b-it:free: over the budget (0 USD allowed)" in validated


def test_limits_never_change_whatever_a_list_says(tmp_path: Path, up: Upstream) -> None:
    path = written(tmp_path, up)
    before = load(path, env={}).config.providers
    generous = {
        **OPENROUTER,
        "context_length": 5,
        "limits": [],
        "rate_limit": {"requests": 10**9},
        "per_request_limits": {},
    }
    lists(up, openrouter=[generous])
    assert "1 change written" in run("--apply").output
    after = load(path, env={}).config.providers
    for name in before:
        assert (after[name].pools, after[name].limits, after[name].limits_per_model) == (
            before[name].pools, before[name].limits, before[name].limits_per_model,
        )  # fmt: skip


def test_without_a_key_a_list_that_wants_one_is_skipped_and_that_is_said(tmp_path: Path, up: Upstream) -> None:
    written(tmp_path, up)
    result = run(key=None)
    assert result.exit_code == 0
    assert "groq: skipped, its list wants a key and GROQ_API_KEY is not set" in result.stdout
    assert LISTS["groq"] not in sent_keys(up)


@pytest.mark.parametrize("key", ["canary key", "canary\nkey", "canary-é"], ids=["a space", "a line break", "a letter"])
def test_a_key_that_is_none_is_sent_nowhere_and_not_shown(tmp_path: Path, up: Upstream, key: str) -> None:
    written(tmp_path, up)
    result = run(key=key)
    assert result.exit_code == 1
    assert result.stderr == "groq: skipped, GROQ_API_KEY holds a space, a line break or letters that no key has\n"
    assert LISTS["groq"] not in sent_keys(up)


BAD: dict[str, tuple[Step, str]] = {
    "HTML": ("html", "answers with a web page in place of JSON; a proxy may stand between"),
    "HTML that says it is JSON": (("raw", b"  <html>"), "answers with a web page in place of JSON"),
    "not JSON": (("raw", b'{"data": ['), "answers with what is not JSON"),
    "nested too deep": (("raw", b"[" * 200_000), "answers with what is not JSON"),
    "JSON of another kind": (("json_body", {"hello": 1}), "answers with no list of models"),
    "an empty list": (("json_body", {"data": []}), "answers with an empty list of models"),
    "huge": ("endless", "sends more than 8 MB"),
    "compressed": ("compressed", "compresses its answer though asked not to"),
    "slow": ("stall", "does not answer within 0.3 s"),
    "a byte at a time": ("slow_bytes", "does not answer within 0.3 s"),
    "a redirect": (("redirect", "http://127.0.0.1:1/elsewhere"), "redirects to 127.0.0.1, which is not followed; correct base_url"),
    "an error": (("status", 503), "answers 503"),
    "a rejected key": (("status", 401), "answers 401"),
    "a reset": ("reset", "breaks off its answer"),
    "a reset in its middle": ("reset_in_body", "breaks off its answer"),
}  # fmt: skip


@pytest.mark.parametrize(("step", "says"), BAD.values(), ids=BAD)
def test_a_bad_list_is_one_line_changes_nothing_and_the_others_are_read(
    tmp_path: Path, up: Upstream, step: Step, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(update, "LIST_S", 0.3 if "0.3" in says else 10)
    from tests import upstream_behaviours

    monkeypatch.setattr(
        upstream_behaviours, "compressed", lambda: upstream_behaviours.raw(b"{}", gzip=True), raising=False
    )
    path = written(tmp_path, up)
    before = path.read_bytes()
    up.paths[LISTS["groq"]] = step
    result = run("--apply")
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"groq: 127.0.0.1:{up.port} ")
    assert says in line
    assert "openrouter\n  nothing changed" in result.stdout
    assert path.read_bytes() == before


def test_without_a_network_each_list_gets_its_line(tmp_path: Path, up: Upstream) -> None:
    path = written(tmp_path, up)
    path.write_text(path.read_text().replace(up.base_url, "http://127.0.0.1:1/v1"))
    result = run("--models-dev", "http://127.0.0.1:1/api.json")
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "groq: 127.0.0.1:1 refuses connections", "openrouter: 127.0.0.1:1 refuses connections",
        "models.dev: 127.0.0.1:1 refuses connections",
    ]  # fmt: skip


def test_a_half_written_router_yaml_is_a_configuration_error_and_nobody_is_asked(tmp_path: Path, up: Upstream) -> None:
    path = written(tmp_path, up)
    path.write_text(path.read_text().partition("{unit: requests,")[0] + "{unit: req")
    result = run("--apply")
    assert result.exit_code == 2
    assert result.stderr.startswith("router.yaml:13: not valid YAML")
    assert up.others == []


def test_the_file_that_ships_is_not_written_and_the_way_to_a_copy_is_told(tmp_path: Path) -> None:
    before = packaged().read_bytes()
    result = run("--apply", "--config", str(packaged()))
    assert result.exit_code == 2
    copy = tmp_path / "config" / "llm7router" / "router.yaml"
    assert f"copy it first: mkdir -p {copy.parent} && cp {packaged()} {copy}, then add -c {copy}" in result.stderr
    assert packaged().read_bytes() == before


def test_a_symbolic_link_stays_one(tmp_path: Path, up: Upstream) -> None:
    (tmp_path / "real").mkdir()
    path = written(tmp_path / "real", up)
    (tmp_path / "router.yaml").symlink_to(path)
    lists(up, groq=[{"id": "openai/gpt-oss-120b"}])
    assert run("--apply").exit_code == 0
    assert (tmp_path / "router.yaml").is_symlink()
    assert "enabled: false" in path.read_text()


GONE = Change("groq", "openai/gpt-oss-20b", What.GONE, "", "vendor", {"enabled": False})


def test_a_file_that_was_edited_meanwhile_is_not_written_over(
    tmp_path: Path, up: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, up)
    loaded = load(path, env={})

    def while_it_is_checked(*_: Any, **__: Any) -> None:
        path.write_text(path.read_text() + "# of the user's\n")

    monkeypatch.setattr(write, "load", while_it_is_checked)
    with pytest.raises(ConfigError, match="changed meanwhile; nothing was written"):
        write.apply(loaded, [GONE])
    assert path.read_text().endswith("# of the user's\n")
    assert sorted(tmp_path.iterdir()) == [path]


def test_what_cannot_be_edited_safely_is_left_alone(
    tmp_path: Path, up: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, up)
    before = path.read_bytes()
    monkeypatch.setattr(write, "edited", lambda text, _: text.replace("max: 1000", "max: 9999"))
    with pytest.raises(ConfigError, match="cannot be edited safely"):
        write.apply(load(path, env={}), [GONE])
    assert path.read_bytes() == before


def test_a_result_with_faults_is_not_written(tmp_path: Path, up: Upstream) -> None:
    path = written(tmp_path, up)
    before = path.read_bytes()
    wrong = Change("groq", "openai/gpt-oss-20b", What.CONTEXT, "", "vendor", {"context_window": -5})
    with pytest.raises(ConfigError, match="context_window: must be more than 0"):
        write.apply(load(path, env={}), [wrong])
    assert path.read_bytes() == before
    assert sorted(tmp_path.iterdir()) == [path]


def test_a_file_that_is_read_only_is_one_line_and_nobody_is_asked(tmp_path: Path, up: Upstream) -> None:
    path = written(tmp_path, up)
    before = path.read_bytes()
    path.chmod(0o444)
    result = run("--apply")
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line == f"Error: {path}: it is read-only (mode 444); `chmod u+w` it first"
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode), up.others) == (before, 0o444, [])


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root gives files away")
def test_a_file_stays_its_owners_when_root_writes_it(tmp_path: Path, up: Upstream) -> None:
    path = written(tmp_path, up)
    path.chmod(0o640)
    os.chown(path, 12345, 54321)
    assert write.apply(load(path, env={}), [GONE]) == 1
    found = path.stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (12345, 54321, 0o640)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root writes anywhere")
def test_a_directory_that_cannot_be_written_is_one_line(tmp_path: Path, up: Upstream) -> None:
    path = written(tmp_path, up)
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(ConfigError, match="cannot be written"):
            write.apply(load(path, env={}), [GONE])
    finally:
        tmp_path.chmod(0o700)


def test_only_those_named_are_asked_also_when_disabled(tmp_path: Path, up: Upstream) -> None:
    path = written(tmp_path, up)
    path.write_text(path.read_text().replace("  openrouter:\n", "  openrouter:\n    enabled: false\n"))
    run()
    assert set(sent_keys(up)) == {LISTS["groq"]}
    assert run("openrouter").stdout == "openrouter\n  nothing changed\n"
    wrong = run("grok")
    assert (wrong.exit_code, wrong.stderr) == (2, "Error: no provider 'grok'; did you mean 'groq'?\n")


def test_a_provider_without_a_list_is_said_to_have_none(tmp_path: Path, up: Upstream) -> None:
    path = written(tmp_path, up)
    path.write_text(path.read_text().replace("    models_list: {path: /api/v1/models}\n", ""))
    assert run("openrouter").stdout == "openrouter: no list to read; only compared with models.dev\n"
    assert up.others == []


def test_json_has_everything(tmp_path: Path, up: Upstream) -> None:
    written(tmp_path, up)
    lists(up, groq=[{"id": GROQ_MODELS[0]}])
    up.paths[LISTS["openrouter"]] = "html"
    result = run("--json")
    assert result.exit_code == 1
    data = json.loads(result.stdout)
    assert (data["read"], data["written"]) == (["groq"], 0)
    assert [(change["what"], change["model"]) for change in data["changes"]] == [("gone", "openai/gpt-oss-20b")]
    assert [(note["who"], note["fault"]) for note in data["notes"]] == [("openrouter", True)]


def test_the_groups_own_options_count_for_the_command(tmp_path: Path, up: Upstream) -> None:
    (tmp_path / "there").mkdir()
    path = written(tmp_path / "there", up)
    arguments = ["providers", "--config", str(path), "--json", "update", "--models-dev", "none"]
    assert json.loads(CliRunner().invoke(main, arguments, env={"GROQ_API_KEY": CANARY}).stdout)["file"] == str(path)


def test_an_address_that_is_none_is_wrong_usage() -> None:
    result = run("--models-dev", "models.dev")
    assert result.exit_code == 2
    assert "give a web address, or none" in result.stderr
