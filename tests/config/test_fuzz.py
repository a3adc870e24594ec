"""Whatever a file says, the answer is a configuration or a ConfigError, in less than a second."""

import random
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llm7router.config import from_data, packaged, yaml_reader
from llm7router.config.faults import Fault
from llm7router.config.load import _build
from llm7router.errors import ConfigError

SHIPPED = packaged().read_text(encoding="utf-8")
FAST = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
PIECES = [
    "[", "]", "{", "}", ":", "- ", "\n", "  ", "\t", "'", '"', "#", "&a ", "*a", "!!x ", "${A}", "${", "|\n", ">", "? ",
    "---\n", "null", "true", "-1", "1e999", ".nan", "\x00", "\ufeff", "\u2028", "é", "version: 1\n", "providers:\n",
    "<<: ", "unit: usd", "models: [", "limits: [{", "calendar", "tz: X/Y",
]  # fmt: skip

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.dates(), st.sampled_from(PIECES)
)
words = st.sampled_from(
    ["version", "providers", "a", "models", "id", "limits", "unit", "usd", "pools", "pool", "scoring", "weights",
     "latency", "state", "store", "budget", "usd_per_day", "usd_per_request", "base_url", "kind", "window",
     "max", "safety", "tz"]
)  # fmt: skip
trees = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words | st.text(max_size=5), inner, max_size=6)
)


def refused(load: Callable[[], object]) -> None:
    """Load, and if it is refused, see that it is by a ConfigError that lists its faults."""
    faults: list[Fault] | None = None
    try:
        load()
    except ConfigError as error:
        faults, message = list(error.faults), str(error)
    if faults is not None:
        assert faults
        assert "\n".join(map(str, faults)) == message


def check(text: str | bytes) -> None:
    began = time.perf_counter()
    document = yaml_reader.read(text)
    assert all(fault.line and fault.message for fault in document.faults)
    if not document.faults:
        refused(lambda: _build(document.data, document.lines, "f.yaml", None, {}))
    assert time.perf_counter() - began < 1


@FAST
@given(st.text() | st.binary() | st.lists(st.sampled_from(PIECES), max_size=60).map("".join))
def test_random_text_is_read_or_refused(text: str | bytes) -> None:
    check(text)


@FAST
@given(st.integers(0, 2**32), st.integers(1, 12))
def test_a_damaged_router_yaml_is_read_or_refused(seed: int, times: int) -> None:
    chance = random.Random(seed)
    text = SHIPPED
    for _ in range(times):
        at = chance.randrange(len(text))
        text = text[:at] + chance.choice([*PIECES, ""]) + text[at + chance.randrange(30) :]
    check(text)


@FAST
@given(st.integers(0, 2**32))
def test_a_router_yaml_with_exchanged_lines_is_read_or_refused(seed: int) -> None:
    chance = random.Random(seed)
    lines = SHIPPED.splitlines()
    for _ in range(5):
        a, b = chance.randrange(len(lines)), chance.randrange(len(lines))
        lines[a], lines[b] = lines[b], lines[a]
    check("\n".join(lines))


@FAST
@given(st.dictionaries(words, trees, max_size=8), st.dictionaries(st.text(max_size=3), trees, max_size=3))
def test_a_random_dict_is_taken_or_refused(data: dict[str, Any], providers: dict[str, Any]) -> None:
    for attempt in (data, {"version": 1, "providers": {"a": data, **providers}}):
        refused(partial(from_data, attempt, env={"A": "x"}))
