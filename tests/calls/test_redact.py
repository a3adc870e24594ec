"""What of other people's words is shown: no keys, no commands for terminals, nothing of this machine."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm7router.calls.backend import LiteLLMBackend
from llm7router.calls.redact import LONGEST, printable, redact
from llm7router.types import Failure
from tests.calls.helpers import call, deployment, make
from tests.guard import CANARY
from tests.upstream import Upstream


def test_commands_for_terminals_are_taken_out_and_text_stays() -> None:
    said = "\x1b]0;owned\x07\x1b[31mred\x1b[0m\x9b2J\x00\x7f\r\n\tÄ €\u3042 👍\u200d"
    assert printable(said) == "]0;owned[31mred[0m2J\n\tÄ €\u3042 👍\u200d"


@given(st.text())
def test_no_control_character_but_newline_and_tab_is_printed(text: str) -> None:
    shown = printable(text)
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in shown.replace("\n", "").replace("\t", ""))
    assert printable(shown) == shown


def test_a_key_that_is_broken_up_by_control_characters_is_found() -> None:
    target = deployment("http://127.0.0.1:9/v1")
    assert redact(f"no: {CANARY[:9]}\x00{CANARY[9:]}", target) == "no: ***"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "Cannot connect to host api.x.io:443 ssl:<ssl.SSLContext object at 0x7fbf70056450> [Name not known]",
            "Cannot connect to host api.x.io:443 [Name not known]",
        ),
        ("Cannot connect to host a:1 ssl:default [refused]", "Cannot connect to host a:1 [refused]"),
        ("got <x.Y object at 0x7f00> here", "got here"),
        ("boom\nTraceback (most recent call last):\n File '/usr/lib/x.py', line 1", "boom"),
        ("Traceback (most recent call last):\n File '/usr/lib/x.py', line 1", "a traceback"),
        ("cannot open /home/me/models/x.gguf: no such file", "cannot open …/x.gguf: no such file"),
        ('File "/usr/lib/python3/x.py", line 3', 'File "…/x.py", line 3'),
        ("(/usr/lib/python3/x.py)", "(…/x.py)"),
        (r"cannot open C:\Users\me\x.gguf", "cannot open …/x.gguf"),
        ("see https://example.com/docs/limits", "see https://example.com/docs/limits"),
        ("50 requests/day and/or input/output; text/plain", "50 requests/day and/or input/output; text/plain"),
        ("models/x.gguf: no such file", "models/x.gguf: no such file"),
        ("1/2 and / and //", "1/2 and / and //"),
    ],
)
def test_nothing_of_this_machine_is_in_a_detail(text: str, shown: str) -> None:
    assert redact(text) == shown


@given(st.text(alphabet="/\\ab. :C\x1bT\n"))
def test_any_text_ends_as_one_short_line(text: str) -> None:
    shown = redact(text)
    assert len(shown) <= LONGEST
    assert shown == " ".join(shown.split())


async def test_a_fault_inside_of_litellm_shows_no_traceback(
    backend: LiteLLMBackend, upstream: Upstream, prefix: str, way: str
) -> None:
    upstream.always("raw", b'{"id": "c1", "choices": [{"index": 0, "message": [1, 2]}]}')
    outcome = await make(backend, way, call(upstream, prefix=prefix))
    assert outcome.failure is Failure.BAD_ANSWER
    assert "Traceback" not in outcome.detail
    assert str(Path(sys.prefix)) not in outcome.detail
    assert outcome.detail


async def test_a_providers_words_cannot_command_a_terminal(
    backend: LiteLLMBackend, upstream: Upstream, prefix: str, way: str
) -> None:
    upstream.always("status", 400, "bad\x1b[2J thing\u009b1m")
    outcome = await make(backend, way, call(upstream, prefix=prefix))
    assert outcome.detail == "bad[2J thing1m"
