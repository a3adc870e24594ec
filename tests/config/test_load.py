import os
import subprocess
import sys
from pathlib import Path

import pytest

from llm7router.config import Config, LoadedConfig, find, from_data, load, packaged
from llm7router.errors import ConfigError
from tests.config.conftest import Loaded, Told

MINIMAL = "version: 1\n"


def put(path: str, text: str = MINIMAL) -> Path:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text, encoding="utf-8")
    return Path(path)


def test_the_file_that_was_named_comes_first_then_the_variable_the_directory_the_user_and_the_package() -> None:
    assert find(None, {}) == packaged()
    user = put("user/llm7router/router.yaml")
    assert find(None, {}) == Path.cwd() / user
    put("router.yaml")
    assert find(None, {}) == Path("router.yaml")
    assert find(None, {"LLM7ROUTER_CONFIG": "other.yaml"}) == Path("other.yaml")
    assert find("mine.yaml", {"LLM7ROUTER_CONFIG": "other.yaml"}) == Path("mine.yaml")


def test_the_variable_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM7ROUTER_CONFIG", str(put("other.yaml", "version: 1\nenvironment: other\n")))
    assert load().config.environment == "other"


def test_a_dot_env_does_not_choose_the_file() -> None:
    put("other.yaml", "version: 1\nenvironment: other\n")
    put("router.yaml", "version: 1\nenvironment: here\n")
    put(".env", "LLM7ROUTER_CONFIG=other.yaml\n")
    assert load().config.environment == "here"


def test_a_tilde_is_the_home_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find("~/x.yaml", {}) == tmp_path / "x.yaml"


def test_the_packaged_file_is_found_inside_the_package_of_a_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = put("site/llm7router/config/load.py", "")
    monkeypatch.setattr(sys.modules["llm7router.config.load"], "__file__", str(tmp_path / module))
    with pytest.raises(ConfigError, match="install the package again"):
        packaged()
    put("site/router.yaml")  # somebody else's: site-packages is no checkout
    with pytest.raises(ConfigError):
        packaged()
    inside = put("site/llm7router/router.yaml")
    assert packaged() == (tmp_path / inside).resolve()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gone.yaml", "gone.yaml: there is no such file; "),
        ("folder", "folder: a directory or device, not a file; "),
        ("file.yaml/x", "file.yaml/x: there is no such file; "),
        ("a\0b", "a\0b: "),
        ("n" * 5000, "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_clear_fault(name: str, message: str) -> None:
    Path("folder").mkdir()
    put("file.yaml")
    with pytest.raises(ConfigError) as caught:
        load(name, env={})
    assert message in str(caught.value)
    assert len(caught.value.faults) == 1


def test_a_file_without_permission_is_one_clear_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    put("router.yaml")
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ConfigError, match=r"^router.yaml: cannot be read \(Permission denied\); "):
        load("router.yaml", env={})


def test_a_missing_file_says_that_the_variable_named_it() -> None:
    with pytest.raises(ConfigError, match=r"no such file \(named by \$LLM7ROUTER_CONFIG\)"):
        load(env={"LLM7ROUTER_CONFIG": "gone.yaml"})


@pytest.mark.parametrize("text", ["", "# only a comment\n", "just text\n", "- a\n- list\n"])
def test_a_file_that_is_no_mapping_is_one_clear_fault(told: Told, text: str) -> None:
    (fault,) = told(text)
    assert "must be a mapping" in fault
    assert "begin with `version: 1`" in fault


def test_faults_come_in_the_order_of_lines_from_every_stage_at_once(told: Told) -> None:
    text = """\
        version: 2
        budgit: {}
        state: {store: "${NO_SUCH}"}
        scoring: {weights: {cots: 1}}
        providers:
          a:
            base_url: http://example.com/v1
            models:
              - id: m
                pool: fre
              - {id: m, context_window: many}
            pools: {free: []}
        """
    assert told(text) == [
        "router.yaml:1: version: not one of the values that exist (given 2); use 1",
        "router.yaml:2: budgit: unknown key; did you mean 'budget'?",
        "router.yaml:3: state.store: NO_SUCH is not set; set it, or write ${NO_SUCH:-default}",
        "router.yaml:4: scoring.weights.cots: unknown factor; did you mean 'cost'?",
        "router.yaml:7: providers.a.base_url: http would send key and prompts in clear text (given the host "
        "example.com); use https, or this machine",
        "router.yaml:10: providers.a.models[0].pool: no pool of the name 'fre'; did you mean 'free'?",
        "router.yaml:11: providers.a.models[1].context_window: must be a whole number (given 'many'); "
        "write digits only",
        "router.yaml:11: providers.a.models[1].id: 'm' is there twice, first as models[0]; keep one",
    ]


def test_faults_of_yaml_come_alone_because_nothing_else_can_be_judged(told: Told) -> None:
    assert len(told("version: 9\nversion: 1\nnope: 1\n")) == 1


def test_the_environment_wins_over_the_working_directory_and_that_over_the_file_beside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FIRST", "real")
    put(".env", "FIRST=here\nSECOND=here\nLITERAL=$FIRST-${FIRST}\n")
    put("conf/.env", "FIRST=beside\nSECOND=beside\nTHIRD=beside\nEMPTY\n")
    put("conf/r.yaml", "version: 1\nenvironment: ${FIRST} ${SECOND} ${THIRD}\n")
    before = dict(os.environ)
    config = load("conf/r.yaml")
    assert config.config.environment == "real here beside"
    assert config.env["LITERAL"] == "$FIRST-${FIRST}"
    assert "EMPTY" not in config.env
    assert dict(os.environ) == before


def test_a_given_environment_is_the_whole_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A", "real")
    put(".env", "A=here\n")
    put("router.yaml", "version: 1\nenvironment: ${A:-none}\n")
    assert load(env={}).config.environment == "none"


def test_a_dot_env_that_is_not_text_is_one_clear_fault() -> None:
    Path(".env").write_bytes(b"A=\xff\n")
    with pytest.raises(ConfigError, match=r"^.env: cannot be read; "):
        load(put("router.yaml"))


def test_what_was_loaded_knows_its_path_and_its_providers_in_order(loaded: Loaded) -> None:
    config = loaded("version: 1\nproviders: {b: {base_url: 'https://a.b'}, a: {base_url: 'https://a.b'}}\n", {"K": "v"})
    assert config.path == Path("router.yaml")
    assert [spec.name for spec in config.providers] == ["b", "a"]
    assert config.env == {"K": "v"}
    assert "'K'" not in repr(config)


def test_a_dict_is_checked_like_a_file() -> None:
    config = from_data({"version": 1, "environment": "${E}"}, env={"E": "dev"})
    assert (config.config.environment, config.path) == ("dev", None)
    with pytest.raises(ConfigError, match=r"^mine: state.store: no such store \(given 'dsk'\)"):
        from_data({"version": 1, "state": {"store": "dsk"}}, file="mine", env={})


def test_a_config_is_taken_as_it_is(loaded: Loaded) -> None:
    first: LoadedConfig = load(packaged(), env={"CLOUDFLARE_ACCOUNT_ID": "x"})
    assert from_data(first.config, env={}).config == first.config
    assert from_data(Config(version=1), env={}).config == Config(version=1)


@pytest.mark.parametrize("data", [None, [], "version: 1", 5])
def test_a_dict_that_is_none_is_a_fault(data: object) -> None:
    with pytest.raises(ConfigError, match="must be a mapping"):
        from_data(data, env={})  # type: ignore[arg-type]


def test_a_dict_that_holds_itself_is_a_fault() -> None:
    data: dict[str, object] = {"version": 1}
    data["scoring"] = data
    with pytest.raises(ConfigError, match="nested deeper than 32"):
        from_data(data, env={})


def test_loading_a_configuration_imports_neither_litellm_nor_a_model_engine() -> None:
    code = (
        "import sys; from llm7router.config.load import load, packaged; load(packaged(), env={});"
        "print([n for n in ('litellm', 'llama_cpp', 'httpx', 'redis', 'rich') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
