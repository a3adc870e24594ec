import time

import pytest
import yaml

from llm7router.config import yaml_reader
from llm7router.config.yaml_reader import MAX_BYTES, read


@pytest.fixture(autouse=True, params=["libyaml", "pure Python"])
def _loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "pure Python":
        monkeypatch.setattr(yaml_reader, "_LOADER", yaml.SafeLoader)


def fault(text: str | bytes) -> str:
    document = read(text, "f.yaml")
    assert document.faults
    return str(document.faults[0])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("yes", "yes"),
        ("22:22", "22:22"),
        ("2026-10-05", "2026-10-05"),
        ("0x1F", "0x1F"),
        ("0o17", "0o17"),
        ("017", 17.0),
        ("1_000", "1_000"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("true", True),
        ("False", False),
        ("'true'", "true"),
        ("~", None),
        ("null", None),
        ("", None),
        ('""', ""),
        ("12", 12),
        ("-3", -3),
        ("2.5", 2.5),
        ("1e3", 1000.0),
        ("'12'", "12"),
        ("9" * 5000, "9" * 5000),
        ("<<", "<<"),
        ("=", "="),
    ],
)
def test_a_scalar_is_read_by_yaml_1_2_and_whatever_is_unclear_stays_text(text: str, value: object) -> None:
    document = read(f"key: {text}\n")
    assert not document.faults
    found = document.data["key"]
    assert (found, type(found)) == (value, type(value))


def test_every_key_and_list_item_knows_its_line() -> None:
    document = read("a: 1\nb:\n  c:\n    - x\n    - {d: 2,\n       e: 3}\n")
    assert document.data == {"a": 1, "b": {"c": ["x", {"d": 2, "e": 3}]}}
    assert document.lines == {
        (): 1,
        ("a",): 1,
        ("b",): 2,
        ("b", "c"): 3,
        ("b", "c", 0): 4,
        ("b", "c", 1): 5,
        ("b", "c", 1, "d"): 5,
        ("b", "c", 1, "e"): 6,
    }


def test_keys_are_always_text() -> None:
    assert read("1: a\ntrue: b\nnull: c\n").data == {"1": "a", "true": "b", "null": "c"}


def test_a_merge_key_is_a_key_like_any_other() -> None:
    assert read("<<: {a: 1}\n").data == {"<<": {"a": 1}}


def test_a_duplicate_key_is_a_fault_with_both_lines() -> None:
    assert fault("a:\n  b: 1\n  b: 2\n") == "f.yaml:3: a.b: the key is there twice, first in line 2; keep one"


def test_every_duplicate_key_is_reported() -> None:
    assert [item.line for item in read("a: 1\na: 2\nb: 1\nb: {c: 1, c: 2}\n").faults] == [2, 4, 4]


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("a: &x 1\n", 1, "anchor `&x`"),
        ("a: 1\nb: *x\n", 2, "alias `*x`"),
        ("a: !!python/object:os.system x\n", 1, "a tag"),
        ("a: !!str 5\n", 1, "a tag"),
        ("a: 1\n---\nb: 2\n", 2, "a second document"),
        ("? [a]\n: 1\n", 1, "a key must be plain text"),
        ("a: 1\nb: [1, 2\n", 3, "not valid YAML"),
        ("a: 1\n\tb: 2\n", 2, "not valid YAML"),
        ("a: 1\nb: 'x\n", 3, "not valid YAML"),
        ("a: 1\nb: \x07\n", 2, "control character U+0007"),
        (b"a: 1\nb: \xff\n", 2, "not UTF-8"),
    ],
)
def test_what_is_not_allowed_is_a_fault_with_its_line(text: str | bytes, line: int, word: str) -> None:
    assert fault(text).startswith(f"f.yaml:{line}: ")
    assert word in fault(text)


def test_a_variable_in_braces_is_told_to_be_quoted() -> None:
    assert 'quote it: "${VAR}"' in fault("a: {b: ${VAR}}\n")


def test_a_tab_is_told_to_become_spaces() -> None:
    assert "spaces instead of tabs" in fault("a:\n\tb: 2\n")


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_three_thousand_levels_are_one_fault_at_once(opening: str) -> None:
    began = time.thread_time()  # of the processor: the machine may be busy
    assert "f.yaml:1: " in fault(opening * 3000)
    assert time.thread_time() - began < 0.5


def test_thirty_two_levels_are_read() -> None:
    assert not read("[" * 32 + "]" * 32).faults
    assert "deeper than 32" in fault("[" * 33 + "]" * 33)


def test_a_text_beyond_the_size_is_refused_unread() -> None:
    assert "longer than 1,000,000 bytes" in fault(b"#" * (MAX_BYTES + 1))
    assert not read("#" * MAX_BYTES).faults


def test_a_byte_order_mark_is_no_part_of_the_first_key() -> None:
    assert read("\ufeffa: 1\n".encode()).data == {"a": 1}


def test_an_empty_text_is_nothing() -> None:
    assert read("# nothing\n").data is None
