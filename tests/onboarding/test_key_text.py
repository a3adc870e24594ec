import pytest

from llm7router.onboarding.key_text import LONGEST, KeyTextError, cleaned, masked

KEY = "gsk_0123456789abcdefWXYZ"


@pytest.mark.parametrize(
    "given",
    [KEY, f"  {KEY}\n", f"\r\n\t{KEY}\r\n", f"\x1b[200~{KEY}\n\x1b[201~", f"\x1b[200~\n{KEY}\x1b[201~\n"],
    ids=["as it is", "spaces and a line's end", "tab and Windows' line ends", "bracketed paste", "its end after it"],
)
def test_what_surrounds_a_key_is_taken_off(given: str) -> None:
    assert cleaned(given) == KEY


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("", "is empty"),
        (" \n ", "is empty"),
        ("\x1b[200~\x1b[201~", "is empty"),
        (f"{KEY}\n{KEY}", "has more than one line"),
        (f"{KEY}\r{KEY}", "has more than one line"),
        (f"{KEY}\u2028{KEY}", "has more than one line"),
        (f"export GROQ_API_KEY={KEY}", "has a space inside"),
        (f"{KEY}\u00a0x", "has a space inside"),
        (f"{KEY}\x00x", "has a character that no key has"),
        (f"{KEY}\x1b[A", "has a character that no key has"),
        (f"{KEY}\u200b", "has a character that no key has"),
        (f"{KEY}…", "has a character that no key has"),
        ("x" * (LONGEST + 1), "is longer than any key (513 characters, at most 512)"),
    ],
)
def test_what_can_be_no_key_is_refused_without_being_repeated(given: str, why: str) -> None:
    with pytest.raises(KeyTextError) as caught:
        cleaned(given)
    assert str(caught.value) == why


@pytest.mark.parametrize(("key", "shown"), [(KEY, "…WXYZ"), ("0123456789abcdef", "…cdef"), ("short-key", "…")])
def test_of_a_key_only_the_end_is_shown_and_nothing_of_a_short_one(key: str, shown: str) -> None:
    assert masked(key) == shown
