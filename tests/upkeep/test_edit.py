"""One change alters the lines that it is about, and no other, however the file is written."""

from __future__ import annotations

import difflib
import re

import pytest
import yaml

from llm7router.config import from_data, yaml_reader
from llm7router.upkeep.changes import Change, What
from llm7router.upkeep.edit import changed, edited, flow
from tests.e2e.edited import shipped

GONE = {"enabled": False, "note": "gone from its list, 2026-11-23"}
NEW = {"pool": "openrouter-free", "context_window": 1000, "capabilities": ["tools"], "checked": "2026-11-23"}


def change(provider: str, model: str, what: What, **values: object) -> Change:
    return Change(provider, model, what, "", "vendor", values)


def difference(before: str, after: str) -> list[str]:
    """The lines that went and came, in order."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    return [line for line in lines if re.match(r"[+-](?!--|\+\+)", line)]


CASES = [
    (change("groq", "openai/gpt-oss-20b", What.GONE, **GONE),
     ["+        enabled: false", '+        note: "gone from its list, 2026-11-23"']),
    (change("openrouter", "qwen/qwen3.8-27b:free", What.CONTEXT, context_window=5),
     ["-        context_window: 262144", "+        context_window: 5"]),
    (change("groq", "openai/gpt-oss-120b", What.CAPABILITIES, capabilities=["streaming", "vision"]),
     ["-        capabilities: [streaming, tools, json_mode, json_schema, reasoning]   # what it can do; also vision, embeddings",
      "+        capabilities: [streaming, vision]   # what it can do; also vision, embeddings"]),
    (change("mistral", "codestral-latest", What.PRICE, list_cost={"input": 0.3, "output": 1.25}),
     ["-        list_cost: {input: 0.30, output: 0.90}", "+        list_cost: {input: 0.30, output: 1.25}"]),
    (change("openrouter", "a/b:free", What.NEW, **NEW),
     ['+      - id: "a/b:free"', "+        pool: openrouter-free", "+        context_window: 1000",
      "+        capabilities: [tools]", "+        checked: 2026-11-23"]),
]  # fmt: skip


@pytest.mark.parametrize(("one", "lines"), CASES, ids=[case[0].what.value for case in CASES])
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_one_change_to_the_shipped_file_alters_only_its_lines(one: Change, lines: list[str], newline: str) -> None:
    before = shipped().replace("\n", newline)
    after = edited(before, [one])
    assert difference(before, after) == lines
    assert after.count("\r") == after.count("\n") * (newline == "\r\n")
    assert yaml_reader.read(after).data == changed(yaml_reader.read(before).data, [one])
    from_data(yaml_reader.read(after).data, env={})


def test_all_changes_at_once_say_what_each_of_them_says() -> None:
    everything = [case[0] for case in CASES]
    assert yaml_reader.read(edited(shipped(), everything)).data == changed(yaml_reader.read(shipped()).data, everything)


STYLES = {
    "flow models": "version: 1\nproviders:\n  p: {base_url: 'https://a.example', models: [{id: m, cost: {input: 0, output: 0}}]}\n",
    "flow model": "version: 1\nproviders:\n  p:\n    base_url: https://a.example\n    models:\n    - {id: m, cost: {input: 0, output: 0}}  # x\n    # end\n",
    "block price and capabilities": (
        "version: 1\nproviders:\n  p:\n    models:\n      -   context_window:\n          id: m   # é €\n          cost:\n"
        "            input: 0  # in\n            output: 0\n          capabilities:\n          - tools\n          # kept\n"
        "          - vision # v\n    base_url: https://a.example"
    ),
    "nothing after the last line": "version: 1\nproviders:\n  p:\n    models:\n      - capabilities:\n          - tools\n          - vision\n        id: m",
    "only an id": 'version: 1\nproviders:\n  "p":\n    models:\n      - "id": "m"   # it\n  q: {}\n',
}  # fmt: skip


@pytest.mark.parametrize("text", STYLES.values(), ids=STYLES)
def test_every_style_of_writing_is_understood_and_every_comment_stays(text: str) -> None:
    changes = [
        change("p", "m", What.GONE, **GONE),
        change("p", "m", What.CONTEXT, context_window=99),
        change("p", "m", What.PRICE, cost={"input": 0.5, "output": 0}),
        change("p", "m", What.CAPABILITIES, capabilities=["vision", "streaming"]),
        change("p", "x/y:free", What.NEW, capabilities=[], cost={"input": 0, "output": 0}),
    ]
    after = edited(text, changes)
    assert yaml_reader.read(after).data == changed(yaml_reader.read(text).data, changes)
    for comment in re.findall("#.*", text):
        assert comment in after


def test_a_model_that_is_not_there_is_no_reason_to_write_anything() -> None:
    with pytest.raises(ValueError, match="no nobody"):
        edited(shipped(), [change("nobody", "m", What.GONE, **GONE)])


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "true"), (3, "3"), (0.15, "0.15"), (2.0, "2"), ("true", '"true"'), ("a: b", '"a: b"'), ("tools", "tools"),
     ("2026-01-01", '"2026-01-01"'), ({"checked": "2026-01-01"}, "{checked: 2026-01-01}"), ('"\n', '"\\"\\n"'), ({"a": [1, "b"]}, "{a: [1, b]}")],
)  # fmt: skip
def test_a_value_is_written_as_yaml_reads_it(value: object, text: str) -> None:
    assert flow(value) == text
    assert yaml_reader.read(f"k: {text}").data == {"k": value}


@pytest.mark.parametrize(
    "id", ["no", "Yes", "on", "OFF", "y", "N", "null", "2026-01-01", "1e3", "0x10", "1:30", "a", "@"]
)
def test_the_id_of_a_new_model_is_text_to_every_reader(id: str) -> None:
    text = STYLES["only an id"]
    for before in (text, text.replace('      - "id": "m"   # it', '      [{id: "m"}]')):
        after = edited(before, [change("p", id, What.NEW, cost={"input": 0, "output": 0}, checked="2026-11-23")])
        (entry,) = re.findall(r"id: ([^,\n]+)[,\n] *cost", after)
        assert yaml.safe_load(entry) == id
        # PyYAML reads `y` and `n` as text, other readers of YAML 1.1 do not
        assert entry == id if id == "a" else entry == f'"{id}"'
        assert "checked: 2026-11-23" in after
