"""Usage as people look at it."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm7router.cli import stats
from llm7router.config.history_models import ReferenceConfig
from llm7router.config.load import load, packaged
from llm7router.history import Key, Usage
from llm7router.history.report import BY, Report, since
from tests.history.kept import HOUR

REFERENCE = ReferenceConfig(model="dear", input=1, output=2)
NOW = HOUR + 1800.0
KEYS = st.builds(
    Key,
    st.integers(0, 167).map(lambda ago: HOUR - ago * 3600),
    st.sampled_from(["", "a", "b"]),
    st.sampled_from(["m", "n/o"]),
    st.sampled_from(["chat", "code", "embeddings"]),
    st.sampled_from(["", "ann"]),
)
USAGES = st.builds(Usage, requests=st.integers(0, 9), tokens_input=st.integers(0, 9), tokens_output=st.integers(0, 9))
ROWS = st.dictionaries(KEYS, USAGES, max_size=12)


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    yield monkeypatch
    monkeypatch.undo()
    time.tzset()


def report(rows: dict[Key, Usage], by: str = "provider", hours: int = 168) -> Report:
    return Report(rows, since(NOW, hours), NOW, by, REFERENCE)


def key(hours_ago: int = 0, provider: str = "a", task: str = "chat") -> Key:
    return Key(HOUR - hours_ago * 3600, provider, "m" if provider else "", task, "ann")


@settings(deadline=None, max_examples=60)  # a slow machine is no fault
@given(ROWS, st.sampled_from(BY), st.integers(1, 200))
def test_groups_and_stretches_of_time_add_up_to_the_total(rows: dict[Key, Usage], by: str, bars: int) -> None:
    made = report(rows, by)
    total = made.total().figures()
    for name in ("requests", "tokens_input", "tokens_output", "saving_usd"):
        whole = sum(line.figures()[name] or 0 for line in made.over_time(bars)[""])
        assert sum(row[name] for row in made.rows()) == pytest.approx(total[name])
        assert whole == pytest.approx(total[name])
        parts = sum(line.figures()[name] or 0 for lines in made.over_time(bars, by).values() for line in lines)
        assert parts == pytest.approx(total[name])


def test_the_saving_is_what_the_reference_would_have_cost_less_what_was_paid() -> None:
    usage = Usage(tokens_input=1_000_000, tokens_output=500_000, cost_usd=0.5)
    figures = report({key(): usage}).total().figures()
    assert (figures["reference_usd"], figures["cost_usd"], figures["saving_usd"]) == (2, 0.5, 1.5)


def test_paying_more_than_there_is_a_negative_saving() -> None:
    assert report({key(): Usage(tokens_input=1_000_000, cost_usd=3)}).total().figures()["saving_usd"] == -2


def test_embeddings_are_not_priced_as_chats() -> None:
    usage = Usage(tokens_input=1_000_000)
    made = report({key(task="embeddings"): usage, key(task="code"): usage}, "task")
    assert [(row["task"], row["reference_usd"]) for row in made.rows()] == [("code", 1), ("embeddings", 0)]


def test_whoever_answered_most_comes_first_and_hours_come_in_order() -> None:
    rows = {key(3, "b"): Usage(requests=5), key(1): Usage(requests=2), key(2): Usage(requests=1)}
    assert list(report(rows).lines()) == ["b", "a"]
    assert [line.usage.requests for line in report(rows, "hour").lines().values()] == [5, 1, 2]


def test_days_are_those_of_the_time_zone_here(zone: pytest.MonkeyPatch) -> None:
    evening = Key(1_800_054_000, "a", "m", "chat", "")  # 2027-01-15 23:00 UTC
    found = {}
    for name in ("UTC0", "EST5", "XYZ-2"):
        zone.setenv("TZ", name)
        time.tzset()
        found[name] = list(report({evening: Usage(requests=1)}, "day").lines())
    assert found == {"UTC0": ["2027-01-15"], "EST5": ["2027-01-15"], "XYZ-2": ["2027-01-16"]}


@pytest.mark.parametrize(
    ("hours", "bars", "stretch_h", "count"),
    [(1, 30, 1, 1), (24, 30, 1, 24), (168, 30, 6, 28), (720, 30, 24, 30), (2160, 30, 72, 30), (168, 60, 3, 56)],
)
def test_a_plot_has_whole_hours_and_no_more_bars_than_asked(hours: int, bars: int, stretch_h: int, count: int) -> None:
    made = report({key(): Usage(requests=1)}, hours=hours)
    lines = made.over_time(bars)[""]
    assert (made.step_s(bars) / 3600, len(lines)) == (stretch_h, count)
    assert lines[-1].usage.requests == 1, "the hour under way is the last"


def test_hours_of_a_clock_that_was_ahead_count_and_are_not_plotted() -> None:
    made = report({key(-5): Usage(requests=1)})
    assert made.total().usage.requests == 1
    assert sum(line.usage.requests for line in made.over_time(30)[""]) == 0


def test_the_shipped_router_yaml_says_what_the_defaults_are() -> None:
    shipped = load(packaged(), env={}).config.history
    assert shipped == type(shipped)()
    assert shipped.reference.source
    assert shipped.reference.checked


def test_the_command_groups_by_what_the_report_knows() -> None:
    assert stats.params[2].type.choices == BY  # type: ignore[attr-defined]
