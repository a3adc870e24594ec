"""`llm7router doctor` against vendors on loopback: what each check says, and what bad input gets."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from llm7router.cli import main
from llm7router.upkeep import doctor
from llm7router.upkeep.checks import packages
from llm7router.upkeep.findings import Area, Finding, Level
from tests.guard import CANARY
from tests.redis_server import RedisServer
from tests.upkeep.vendors import GROQ_MODELS, LISTS, OPENROUTER, lists, sent_keys, written
from tests.upstream import Step, Upstream

pytestmark = pytest.mark.usefixtures("clean")


def run(*arguments: str, **env: str | None) -> Result:
    """The command in this process, without the local model."""
    return CliRunner().invoke(main, ["doctor", "--no-local", *arguments], env={"GROQ_API_KEY": CANARY, **env})


def findings(*arguments: str, **env: str | None) -> dict[str, list[tuple[str, str]]]:
    """Level and message with fix of each finding, by area."""
    result = run("--json", *arguments, **env)
    data = json.loads(result.stdout)
    found: dict[str, list[tuple[str, str]]] = {}
    for row in data["findings"]:
        found.setdefault(row["area"], []).append((row["level"], f"{row['message']}; {row['fix']}"))
    assert result.exit_code == (1 if data["faults"] else 0)
    assert data["ok"] is not bool(data["faults"])
    assert CANARY not in result.output
    return found


def today(days_ago: int = 0) -> str:
    return (datetime.now(UTC).date() - timedelta(days=days_ago)).isoformat()


def test_what_is_in_order_is_ok_and_costs_no_request(tmp_path: Path, up: Upstream) -> None:
    written(tmp_path, up, checked=today())
    lists(up, at=time.time())
    found = findings()
    local = "no model on this machine: nothing answers offline; see `local` in the router.yaml that ships"
    trains = found.pop("data policy")
    assert found.pop("local models") == [("warning", local)]
    assert {level for lines in found.values() for level, _ in lines} == {"ok"}
    assert found["providers"] == [("ok", "groq: reachable, its key is good; "), ("ok", "openrouter: reachable; ")]
    assert found["models"] == [("ok", "all 3 models that could be looked up are still listed; ")]
    assert found["clock"][0][0] == "ok"
    assert trains[0][0] == "warning"
    assert "openrouter (depends on the host, refuse at https://openrouter.example/privacy)" in trains[0][1]
    assert up.count == 0, "nothing of the allowance was used"
    assert sent_keys(up) == {LISTS["groq"]: f"Bearer {CANARY}", LISTS["openrouter"]: ""}
    assert len(up.others) == 2, "one page that is both the list and the check of the key is asked for once"


def test_the_screen_has_a_line_for_each_with_its_fix(tmp_path: Path, up: Upstream) -> None:
    written(tmp_path, up, checked=today(90))
    result = run()
    assert result.exit_code == 0
    assert "facts\n  warning groq: its oldest figures were read 90 days ago; `llm7router providers" in result.stdout
    assert result.stdout.splitlines()[-1].endswith("warnings")
    assert all(len(line) <= 100 for line in result.stdout.splitlines() if "/" not in line)


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_rejected_is_a_fault(tmp_path: Path, up: Upstream, status: int) -> None:
    written(tmp_path, up)
    up.paths[LISTS["groq"]] = ("status", status, f"bad key {CANARY}")
    level, text = findings()["providers"][0]
    assert level == "fault"
    assert text.startswith("groq: reachable, but it rejects the key (GROQ_API_KEY); correct GROQ_API_KEY")


def test_a_firewall_s_page_does_not_make_a_key_bad(tmp_path: Path, up: Upstream) -> None:
    written(tmp_path, up)
    up.paths[LISTS["groq"]] = ("html", 403)
    level, text = findings()["providers"][0]
    assert level == "warning"
    assert "rejects the key" not in text


def test_a_check_of_its_own_gets_the_key_as_it_wants_it_and_says_bad_as_it_does(tmp_path: Path, up: Upstream) -> None:
    path = written(tmp_path, up)
    check = "key_check: {path: /v1beta/models, header: X-Goog-Api-Key, bad_key_status: 400}"
    path.write_text(path.read_text().replace("key_check: {path: /openai/v1/models}", check))
    up.paths["/v1beta/models"] = ("status", 400)
    assert findings()["providers"][0][0] == "fault"
    (asked,) = [request for request in up.others if request.path == "/v1beta/models"]
    assert asked.headers["x-goog-api-key"] == CANARY
    assert "authorization" not in asked.headers
    up.paths["/v1beta/models"] = ("json_body", {})
    assert findings()["providers"][0] == ("ok", "groq: reachable, its key is good; ")


def test_a_provider_that_has_neither_list_nor_check_is_only_looked_for(tmp_path: Path, up: Upstream) -> None:
    path = written(tmp_path, up)
    text = path.read_text().replace("    key_check: {path: /openai/v1/models}\n", "")
    path.write_text(text.replace("    models_list: {path: /openai/v1/models, key: true}\n", ""))
    assert findings()["providers"][0] == ("ok", "groq: reachable, its key not checked (only --probe can); ")
    assert sent_keys(up)["/v1"] == "", "a page that is not known to be free gets no key"


def test_keys_are_told_with_their_source_and_those_that_are_missing_in_one_line(tmp_path: Path, up: Upstream) -> None:
    path = written(tmp_path, up)
    assert findings()["keys"] == [("ok", "groq: GROQ_API_KEY is set in the environment; ")]
    (tmp_path / ".env").write_text(f"GROQ_API_KEY={CANARY}\n")
    (tmp_path / ".env").chmod(0o644)
    env = tmp_path / ".env"
    assert findings(GROQ_API_KEY=None)["keys"] == [
        ("ok", f"groq: GROQ_API_KEY is set in {env}; "),
        ("warning", f"{env} can be read by others; chmod 600 {env}"),
    ]
    env.unlink()
    keyed = path.read_text().replace("  openrouter:\n", "  openrouter:\n    api_key_env: OPENROUTER_API_KEY\n")
    path.write_text(keyed)
    found = findings(GROQ_API_KEY=None)
    missing = "not set: GROQ_API_KEY, OPENROUTER_API_KEY; `llm7router setup` for more free providers"
    assert found["keys"] == [("warning", missing)]
    assert found["configuration"][0][0] == "fault"
    assert "0 of 3 models can be used, so nothing can serve" in found["configuration"][0][1]


def test_a_key_that_is_none_is_a_fault_and_sent_nowhere(tmp_path: Path, up: Upstream) -> None:
    written(tmp_path, up)
    (level, text), *_ = findings(GROQ_API_KEY="canary\nkey")["keys"]
    assert level == "fault"
    assert "GROQ_API_KEY holds a space, a line break or letters that no key has" in text
    assert LISTS["groq"] not in sent_keys(up)


def test_models_that_are_gone_are_named_with_the_command_that_helps(tmp_path: Path, up: Upstream) -> None:
    written(tmp_path, up)
    lists(up, groq=[{"id": GROQ_MODELS[0]}])
    assert findings()["models"] == [
        ("warning", "groq no longer lists openai/gpt-oss-20b; `llm7router providers update groq --apply`")
    ]


def test_a_free_model_that_its_provider_asks_money_for_is_a_fault(tmp_path: Path, up: Upstream) -> None:
    written(tmp_path, up)
    lists(up, openrouter=[{**OPENROUTER, "pricing": {"prompt": "0.000001", "completion": "0"}}])
    ((level, text),) = findings()["models"]
    assert level == "fault"
    assert text.startswith("openrouter asks money for google/gemma-4-31b-it:free, which router.yaml calls free; ")
    result = CliRunner().invoke(main, ["providers", "update", "openrouter", "--apply", "--models-dev", "none"])
    assert result.exit_code == 0, result.output
    assert findings()["models"][0][0] == "ok", "it is not used any more"


BAD: dict[str, tuple[Step, str]] = {
    "HTML": ("html", "answers with a web page in place of JSON"),
    "huge": ("endless", "sends more than 8 MB"),
    "slow": ("stall", "does not answer within 0.3 s"),
    "a redirect": (("redirect", "https://elsewhere.example/"), "redirects to elsewhere.example, which is not followed"),
    "wrong JSON": (("json_body", ["a"]), "answers with an empty list of models"),
    "an error": (("status", 503), "answers 503"),
    "a reset": ("reset", "breaks off its answer"),
}


@pytest.mark.parametrize(("step", "says"), BAD.values(), ids=BAD)
def test_a_provider_that_answers_badly_is_one_warning_and_the_others_are_looked_at(
    tmp_path: Path, up: Upstream, step: Step, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "ASK_S", 0.3 if "0.3" in says else 5)
    written(tmp_path, up)
    up.paths[LISTS["groq"]] = step
    found = findings()
    assert [level for level, _ in found["providers"]] == ["warning", "ok"]
    assert found["providers"][0][1].startswith("groq: ")
    assert says in found["providers"][0][1]
    assert found["models"] == [("ok", "all 1 models that could be looked up are still listed; ")]


def test_without_a_network_there_is_one_fault_and_it_ends_in_time(
    tmp_path: Path, up: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, up)
    path.write_text(path.read_text().replace(up.base_url, "http://127.0.0.1:1/v1"))
    found = findings()
    ((level, text),) = found["providers"]
    assert level == "fault"
    assert text.startswith(
        "no provider can be reached (groq, openrouter): 127.0.0.1:1 refuses connections; check the network"
    )
    assert "clock" not in found
    monkeypatch.setattr(doctor, "ASK_S", 0.3)
    written(tmp_path, up)
    up.paths |= dict.fromkeys(LISTS.values(), "stall")
    began = time.monotonic()
    assert "does not answer within 0.3 s" in findings()["providers"][0][1]
    assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    ("ahead_s", "level", "says"),
    [(0, "ok", "the clock agrees with the providers' within 10 s"), (30, "warning", "the clock is .* s ahead of"),
     (-3600, "fault", "the clock is .* s behind the providers', so limits are counted in the wrong windows")],
    ids=["together", "ahead by half a minute", "behind by an hour"],
)  # fmt: skip
def test_the_clock_is_compared_with_those_of_the_providers(
    tmp_path: Path, up: Upstream, ahead_s: float, level: str, says: str
) -> None:
    written(tmp_path, up)
    lists(up, at=time.time() - ahead_s)
    ((found, text),) = findings()["clock"]
    assert found == level
    assert re.match(says, text)


def test_figures_older_than_sixty_days_are_a_warning_but_for_what_runs_here_without_a_key(
    tmp_path: Path, up: Upstream
) -> None:
    written(tmp_path, up, checked=today(60))
    assert findings()["facts"] == [("ok", "figures of groq: read at most 60 days ago; ")]
    written(tmp_path, up, checked=today(61))
    assert [level for level, _ in findings()["facts"]] == ["warning"]


def test_a_faulty_configuration_is_told_with_its_lines_and_packages_are_looked_at_all_the_same(
    tmp_path: Path, up: Upstream
) -> None:
    path = written(tmp_path, up)
    path.write_text(path.read_text().replace("api_key_env", "api_key_envv").replace("pool: free", "pool: fre"))
    found = findings()
    assert [level for level, _ in found["configuration"]] == ["fault", "fault"]
    assert found["configuration"][0][1].startswith("router.yaml:7: providers.groq.api_key_envv: unknown key; did you")
    assert "packages" in found
    assert up.others == []
    path.write_text(path.read_text().partition("{unit: requests,")[0] + "{unit: req")
    assert "not valid YAML" in findings()["configuration"][0][1]


def test_a_state_directory_is_written_to_and_others_may_not_look_into_it(tmp_path: Path, up: Upstream) -> None:
    written(tmp_path, up)
    ((level, text),) = findings()["state"]
    assert level == "ok"
    assert text.startswith(f"{tmp_path}/state: written and read back in ")
    assert (tmp_path / "state" / "cache.db").exists()
    (tmp_path / "state").chmod(0o755)
    assert findings()["state"][1] == (
        "warning", f"{tmp_path}/state: others may look into it (mode 755); chmod 700 {tmp_path}/state",
    )  # fmt: skip


def test_a_state_that_is_broken_or_out_of_place_is_a_fault_and_nothing_is_set_aside(
    tmp_path: Path, up: Upstream
) -> None:
    written(tmp_path, up)
    (tmp_path / "state").mkdir(mode=0o700)
    (tmp_path / "state" / "cache.db").write_bytes(b"this is not a database" * 99)
    ((level, text),) = findings()["state"]
    assert level == "fault"
    assert "the state is broken" in text
    assert text.endswith("the next call sets it aside")
    assert (tmp_path / "state" / "cache.db").read_bytes().startswith(b"this is not")
    (tmp_path / "file").write_text("")
    written(tmp_path, up, state="file/state")
    assert findings()["state"][0][0] == "fault"


def test_redis_is_written_to_and_one_that_is_away_is_a_fault_without_its_password(tmp_path: Path, up: Upstream) -> None:
    path = written(tmp_path, up)
    text = path.read_text()

    def with_store(address: str) -> list[tuple[str, str]]:
        path.write_text(text.replace("store: disk", f'store: "{address}"'))
        return findings()["state"]

    with RedisServer() as server:
        ((level, message),) = with_store(server.url())
        assert level == "ok"
        assert message.startswith("redis: written and read back in ")
    ((level, message),) = with_store(f"redis://:{CANARY}@127.0.0.1:1/0")
    assert level == "fault"
    assert "nothing listens there" in message


def test_a_release_that_is_known_to_be_bad_is_not_imported(
    tmp_path: Path, up: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, up)
    bad = Finding(Area.PACKAGES, Level.FAULT, "litellm 1.82.8 is malicious")
    monkeypatch.setattr(packages, "litellm", lambda: bad)
    monkeypatch.setattr("llm7router.router.LLMRouter.__init__", lambda *_: pytest.fail("it would be imported"))
    found = findings("--probe")
    assert found["packages"][1] == ("fault", "litellm 1.82.8 is malicious; ")
    assert found["local models"][-1][1].startswith("nothing is called, because of the fault among the packages")
