import pytest

from tests.config.conftest import Loaded, Told


def test_variables_and_defaults_are_put_in(loaded: Loaded) -> None:
    text = """\
        version: 1
        environment: "${A}-${B:-two}"
        timeouts: {total_s: "${SECONDS}"}
        scoring: {latency: {target_s: "${TARGET:-3.5}"}}
        providers: {p: {base_url: "https://${HOST}/v1", enabled: "${ON:-false}"}}
        """
    config = loaded(text, {"A": "one", "SECONDS": "90", "HOST": "a.b"}).config
    assert config.environment == "one-two"
    assert config.timeouts.total_s == 90.0
    assert config.scoring.parameters == {"latency": {"target_s": 3.5}}
    assert config.providers["p"].base_url == "https://a.b/v1"
    assert config.providers["p"].enabled is False


def test_a_value_is_put_in_once_and_never_read_as_yaml(loaded: Loaded) -> None:
    text = 'version: 1\nenvironment: "${A}"\n'
    for value in ("${B}", "{a: 1}", "[x]", "null", "a: b\nc: d", "1"):
        assert loaded(text, {"A": value, "B": "second"}).config.environment == value


def test_an_empty_variable_counts_as_not_set(loaded: Loaded) -> None:
    assert loaded("version: 1\nenvironment: ${A:-x}\n", {"A": ""}).config.environment == "x"


def test_a_default_may_be_empty(loaded: Loaded) -> None:
    text = 'version: 1\nproviders: {p: {base_url: "https://a.b", title: "${T:-}"}}\n'
    config = loaded(text)
    assert config.config.providers["p"].title == ""
    assert config.providers[0].unset == ()


@pytest.mark.parametrize("text", ["${", "${A", "${A:?x}", "${1}", "${A-b}", "${A:-${B}}", "a ${ b"])
def test_what_looks_like_a_variable_and_is_none_is_a_fault(told: Told, text: str) -> None:
    assert told(f"version: 1\nenvironment: '{text}'\n", {"A": "x"}) == [
        "router.yaml:2: environment: not a variable; write ${NAME} or ${NAME:-default}"
    ]


def test_an_unset_variable_inside_a_provider_marks_that_provider_only(loaded: Loaded) -> None:
    text = """\
        version: 1
        providers:
          a: {base_url: "https://a.b/${ACCOUNT}/${REGION}/${ACCOUNT}", models: [{id: m}]}
          b: {base_url: "https://a.b/v1"}
        """
    a, b = loaded(text).providers
    assert (a.name, a.unset, b.unset) == ("a", ("ACCOUNT", "REGION"), ())
    assert [model.id for model in a.config.models] == ["m"]
    assert loaded(text, {"ACCOUNT": "1", "REGION": "2"}).providers[0].unset == ()


@pytest.mark.parametrize(
    "provider",
    [
        '{base_url: "${X}"}',
        '{kind: "${X}"}',
        '{base_url: "https://a.b", enabled: "${X}"}',
        '{base_url: "https://a.b", models: [{id: m, context_window: "${X}"}]}',
        '{base_url: "https://a.b", limits: [{unit: "${X}", window: day, max: 5}]}',
        '{base_url: "https://a.b", limits: [{unit: requests, window: day, max: "${X}", checked: "${X}"}]}',
        '{base_url: "https://a.b", models: [{id: m, pool: "${X}"}]}',
    ],
)
def test_an_unset_variable_is_no_fault_wherever_it_stands_in_a_provider(loaded: Loaded, provider: str) -> None:
    (spec,) = loaded(f"version: 1\nproviders:\n  a: {provider}\n").providers
    assert spec.unset == ("X",)


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ('timeouts: {total_s: "${X}"}', "timeouts.total_s"),
        ('version: "${X}"', "version"),
        ('scoring: "${X}"', "scoring"),
        ('providers: "${X}"', "providers"),
        ('providers: {a: "${X}"}', "providers.a"),
        ('providers: ["${X}"]', "providers[0]"),
        ('providers: {a: {base_url: "${X}"}, b: "${X}"}', "providers.b"),
    ],
)
def test_an_unset_variable_outside_a_provider_is_one_fault(told: Told, line: str, path: str) -> None:
    faults = told(f"{line}\n" if "version" in line else f"{line}\nversion: 1\n")
    assert f"router.yaml:1: {path}: X is not set; set it, or write ${{X:-default}}" in faults
    assert len(faults) == 1 + ("[0]" in path)


def test_a_provider_with_an_unset_variable_still_has_its_other_faults(told: Told) -> None:
    text = 'version: 1\nproviders:\n  a: {base_url: "${X}", enabld: true, limits: [{unit: requests, max: "${X}"}]}\n'
    first, second = told(text)
    assert "enabld: unknown key; did you mean 'enabled'?" in first
    assert "window is missing" in second
