"""Which model is recommended, and that what is printed for router.yaml can be used."""

from __future__ import annotations

import pytest
import yaml

from llm7router.calls.local import hub_cache, recommended
from llm7router.config import from_data
from llm7router.config.yaml_reader import read

GB = 10**9


@pytest.mark.parametrize(
    ("memory", "id"),
    [
        (None, None),
        (GB // 2, None),
        (GB, "qwen2.5-0.5b"),
        (5 * GB, "qwen3-4b"),
        (16 * GB, "qwen3-14b"),
        (99 * GB, "qwen3-32b"),
    ],
)
def test_the_largest_that_fits_with_room_is_chosen(memory: int | None, id: str | None) -> None:
    chosen = recommended.choose(memory)
    assert (chosen.id if chosen else None) == id


def test_a_model_that_would_write_slower_than_a_person_reads_is_not_chosen() -> None:
    assert recommended.choose(99 * GB, bytes_per_s=11 * GB) == recommended.MODELS[2]
    assert recommended.choose(99 * GB, bytes_per_s=GB // 10) is None


def test_larger_models_come_later_and_take_more_memory() -> None:
    assert [*recommended.MODELS] == sorted(recommended.MODELS, key=lambda each: each.memory)


@pytest.mark.parametrize("model", recommended.MODELS, ids=lambda model: model.id)
def test_the_printed_lines_are_a_valid_router_yaml(model: recommended.Recommended) -> None:
    assert str(hub_cache.parse(model.path)) == model.path
    data = read(recommended.lines(model).encode(), "pasted").data
    data["providers"]["local"]["kind"] = "llama_cpp"
    loaded = from_data({"version": 1, **data}, env={})
    assert loaded.config.providers["local"].models[0].path == model.path
    assert yaml.safe_load(model.quality)
