"""The command as a person meets it: the real program on a real terminal, the providers' pages stood in for."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import sys
import time
import urllib.request
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlsplit

import pytest

from llm7router.config import load
from tests.cli.terminal import CTRL_C, CTRL_D, Terminal
from tests.onboarding.conftest import CHECK, GOOD_KEY, routed
from tests.onboarding.vendor import CODE, KEY, OpenRouter
from tests.upstream import Exchange, Upstream, wait_until

pytestmark = pytest.mark.slow

PROMPT = "hidden; Enter skips): "
WAITS = "Ctrl-C ends."
WORST_S = 180.0  # what a newcomer may take; a program has no need to read or think


def visit(address: str) -> tuple[int, str]:
    """What a browser is shown."""
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:  # noqa: S310
            return answer.status, answer.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()


def address_in(screen: str) -> str:
    found = re.search(r"http://\S+/auth\?\S+", screen)
    assert found, screen
    return found[0]


def test_a_newcomer_with_a_groq_key_gets_a_routed_answer_by_doing_what_the_screen_says(groq: Upstream) -> None:
    began = time.monotonic()
    with Terminal("chat", "Say", "hello.", "--max-tokens", "8") as terminal:
        assert terminal.exit_code(90)[0] == 0
    said = re.search(r"`llm7router (setup)` gets and stores free ones", terminal.seen)
    assert said, terminal.seen
    with Terminal(said[1]) as terminal:
        terminal.wait_for("groq: 30 requests/minute a model; ")
        terminal.wait_for("trains on prompts: no")
        terminal.wait_for("Set up groq? (y, Enter skips, q quits) ")
        terminal.type("y\n")
        terminal.wait_for("  https://console.groq.com/keys")
        terminal.wait_for(PROMPT)
        terminal.type(f"{GOOD_KEY}\n")
        terminal.wait_for("The key is good.")
        terminal.wait_for("Set up openrouter? ")
        terminal.type("q\n")
        assert terminal.exit_code()[0] == 0
    assert GOOD_KEY not in terminal.seen
    next_command = re.search(r"Next: llm7router (.*)", terminal.seen)
    assert next_command, terminal.seen
    with Terminal(*shlex.split(next_command[1])) as terminal:
        assert terminal.exit_code(90)[0] == 0
    assert "Hello!" in terminal.seen
    assert "[groq/openai/gpt-oss-120b" in terminal.seen
    assert groq.last.headers["authorization"] == f"Bearer {GOOD_KEY}"
    assert time.monotonic() - began < WORST_S


@pytest.mark.parametrize(
    "pasted",
    [f"\n{GOOD_KEY}\n", f"  {GOOD_KEY}\r\n\n", f"\x1b[200~{GOOD_KEY}\n\x1b[201~\n"],
    ids=["after an empty line", "before one", "bracketed"],
)
def test_a_line_end_that_was_pasted_with_a_key_does_no_harm(groq: Upstream, pasted: str) -> None:
    with Terminal("setup", "groq") as terminal:
        terminal.wait_for(PROMPT)
        terminal.type(pasted)
        assert terminal.exit_code()[0] == 0
    assert load().env["GROQ_API_KEY"] == GOOD_KEY
    assert GOOD_KEY not in terminal.seen


def test_a_paste_of_several_lines_is_refused_whole_and_a_bad_key_and_nonsense_are_asked_for_again(
    groq: Upstream,
) -> None:
    with Terminal("setup", "groq") as terminal:
        for pasted, said in (
            (f"{GOOD_KEY}\nrm -rf x", "What was pasted is no key: it has more than one line. Paste the key alone."),
            (f"{GOOD_KEY}\n\n{GOOD_KEY}\n", "it has more than one line"),
            (f"GROQ_API_KEY = {GOOD_KEY}\n", "it has a space inside"),
            (f"{GOOD_KEY[:-1]}\x1b[D\n", "it has a character that no key has"),
            ("gsk_wrong0123456789\n", "Groq refuses this key (401: Invalid API Key)."),
        ):
            terminal.wait_for(PROMPT)
            assert not Path(".env").exists()
            terminal.type(pasted)
            terminal.wait_for(said)
        terminal.wait_for(PROMPT)
        terminal.type(f"{GOOD_KEY}\n")
        assert terminal.exit_code()[0] == 0
    assert "canary" not in terminal.seen
    assert "rm -rf" not in terminal.seen
    assert load().env["GROQ_API_KEY"] == GOOD_KEY


def test_the_enter_behind_a_refused_paste_does_not_skip_so_that_the_next_paste_is_hidden_too(groq: Upstream) -> None:
    with Terminal("setup", "groq") as terminal:
        terminal.wait_for(PROMPT)
        terminal.type(f"My key\n{GOOD_KEY}")
        terminal.wait_for("it has more than one line")
        terminal.wait_for(PROMPT)
        terminal.type("\n")
        terminal.wait_for(PROMPT)
        terminal.type(f"{GOOD_KEY}\n")
        assert terminal.exit_code()[0] == 0
    assert GOOD_KEY not in terminal.seen
    assert load().env["GROQ_API_KEY"] == GOOD_KEY


def test_an_enter_while_the_key_is_checked_answers_no_question_that_comes_after(groq: Upstream) -> None:
    async def slowly_refused(exchange: Exchange) -> None:
        await asyncio.sleep(1)
        groq.paths[CHECK] = ("json_body", {"data": []})
        await exchange.respond(401, b'{"error": "no"}', {})

    groq.paths[CHECK] = slowly_refused
    with Terminal("setup", "groq") as terminal:
        terminal.wait_for(PROMPT)
        terminal.type("gsk_wrong0123456789\n")
        assert wait_until(lambda: groq.others, 10)
        terminal.type("\n")
        terminal.wait_for("Groq refuses this key")
        terminal.wait_for(PROMPT)
        time.sleep(0.3)  # nobody pastes in the tenth of a second in which what follows is part of a paste
        terminal.type(f"{GOOD_KEY}\n")
        assert terminal.exit_code()[0] == 0
    assert load().env["GROQ_API_KEY"] == GOOD_KEY


ENDED = "Error: the input ended; nothing more was stored"


@pytest.mark.parametrize(
    ("provider", "waits", "typed", "code", "said"),
    [
        ("groq", PROMPT, CTRL_C, 130, ""),
        ("groq", PROMPT, CTRL_D, 1, ENDED),
        ("groq", PROMPT, "\n", 1, "Nothing was stored."),
        ("openrouter", WAITS, CTRL_C, 130, ""),
        ("openrouter", WAITS, CTRL_D, 1, ENDED),
        (None, "q quits) ", CTRL_C, 130, ""),
        (None, "q quits) ", CTRL_D, 1, ENDED),
    ],
)
def test_who_leaves_stores_nothing(
    groq: Upstream, provider: str | None, waits: str, typed: str, code: int, said: str
) -> None:
    with Terminal("setup", *([provider] if provider else [])) as terminal:
        terminal.wait_for(waits)
        time.sleep(0.2)  # the question is on the screen just before the terminal is read
        terminal.type(typed)
        assert terminal.exit_code()[0] == code
    assert said in terminal.seen
    assert "Traceback" not in terminal.seen
    assert sorted(os.listdir()) == ["router.yaml"]


@pytest.mark.parametrize(("provider", "waits"), [("groq", PROMPT), ("openrouter", WAITS)])
def test_a_terminal_that_is_closed_ends_the_program_and_stores_nothing(
    groq: Upstream, provider: str, waits: str
) -> None:
    with Terminal("setup", provider) as terminal:
        terminal.wait_for(waits)
        terminal.type(GOOD_KEY[:9])
        os.close(terminal._side)
        assert wait_until(lambda: terminal.process.poll() is not None, 5)
        terminal._side = os.open(os.devnull, os.O_RDONLY)  # for its end to close
    assert terminal.process.returncode != 0
    assert sorted(os.listdir()) == ["router.yaml"]


def test_whom_a_check_waits_for_is_said_before_there_is_an_answer(groq: Upstream) -> None:
    groq.paths[CHECK] = "stall"
    with Terminal("setup", "groq") as terminal:
        terminal.wait_for(PROMPT)
        terminal.type(f"{GOOD_KEY}\n")
        terminal.wait_for("Asking Groq, which costs no request...", within_s=8.0)  # it is given 10 s to answer
        assert "could not be asked" not in terminal.screen()


def test_a_key_that_cannot_be_checked_is_stored_if_the_person_says_so(groq: Upstream) -> None:
    groq.paths[CHECK] = ("status", 503, "Come back later")
    with Terminal("setup", "groq") as terminal:
        terminal.wait_for(PROMPT)
        terminal.type(f"{GOOD_KEY}\n")
        terminal.wait_for("Groq could not be asked about this key: 503: Come back later.")
        terminal.wait_for("Store it all the same? (y/N) ")
        terminal.type("\n")
        terminal.wait_for(PROMPT)
        terminal.type(f"{GOOD_KEY}\n")
        terminal.wait_for("(y/N) ")
        terminal.type("y\n")
        assert terminal.exit_code()[0] == 0
    assert load().env["GROQ_API_KEY"] == GOOD_KEY


def test_a_provider_without_a_free_check_is_asked_with_one_request_if_the_person_agrees(
    tmp_path: Path, upstream: Upstream
) -> None:
    routed(tmp_path, llm7=upstream.base_url)
    upstream.script("minimax-m2.7", [("status", 401, "Bad token"), "answer"])
    question = "It has no free check for keys. Spend one request on a check? (y/N) "
    with Terminal("setup", "llm7") as terminal:
        for key, said in (
            ("llm7_wrong0123456789", "LLM7.io refuses this key (key rejected: Bad token)."),
            (GOOD_KEY, "The key is good."),
        ):
            terminal.wait_for(PROMPT)
            terminal.type(f"{key}\n")
            terminal.wait_for(question)
            terminal.type("y\n")
            terminal.wait_for("Asking LLM7.io, which costs one request...")
            terminal.wait_for(said, within_s=90.0)  # LiteLLM is imported for it
        assert terminal.exit_code()[0] == 0
    assert upstream.count == 2, "one request for each check"
    assert upstream.last.headers["authorization"] == f"Bearer {GOOD_KEY}"
    assert load().env["LLM7_API_KEY"] == GOOD_KEY


def test_openrouter_gives_a_key_by_a_click_in_the_browser(openrouter: OpenRouter, tmp_path: Path) -> None:
    browser = tmp_path / "browser"
    browser.write_text(f"#!{sys.executable}\nimport sys, urllib.request\nurllib.request.urlopen(sys.argv[1]).read()\n")
    browser.chmod(0o700)
    with Terminal("setup", "openrouter", env={"BROWSER": str(browser)}) as terminal:
        assert terminal.exit_code()[0] == 0
    screen = terminal.seen
    for said in ("The key is good.", "Free requests today: 3 of 50 used.", "https://openrouter.ai/settings/privacy"):
        assert said in screen
    (asked,), (exchanged,) = openrouter.asked, openrouter.exchanged
    assert asked["code_challenge_method"] == exchanged["code_challenge_method"] == "S256"
    for secret in (KEY, CODE, exchanged["code_verifier"]):
        assert secret not in screen
    assert load().env["OPENROUTER_API_KEY"] == KEY


def test_a_wrong_state_is_turned_away_and_the_right_one_still_taken(openrouter: OpenRouter) -> None:
    with Terminal("setup", "openrouter", "--no-browser") as terminal:
        terminal.wait_for(WAITS)
        callback = parse_qs(urlsplit(address_in(terminal.seen)).query)["callback_url"][0]
        status, page = visit(re.sub(r"state=[^&]+", "state=guessed", callback) + "&code=evil")
        assert (status, "not the answer that llm7router waits for" in page) == (400, True)
        status, _ = visit(callback.partition("?")[0] + "?code=evil")
        assert status == 400
        assert not openrouter.exchanged
        assert visit(address_in(terminal.seen))[0] == 200
        assert terminal.exit_code()[0] == 0
    assert [given["code"] for given in openrouter.exchanged] == [CODE]
    assert load().env["OPENROUTER_API_KEY"] == KEY


def test_nobody_is_asked_for_a_key_that_could_not_be_stored(openrouter: OpenRouter, tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    with Terminal("setup", "openrouter") as terminal:
        assert terminal.exit_code()[0] == 1
    assert f"Error: {tmp_path / '.env'}: not a file; remove it, or use --store keyring" in terminal.seen
    assert "Agree on this page" not in terminal.seen


def test_over_ssh_the_address_is_printed_and_what_the_browser_shows_may_be_pasted(openrouter: OpenRouter) -> None:
    with Terminal("setup", "openrouter", env={"SSH_CONNECTION": "a 1 b 2", "DISPLAY": ":0"}) as terminal:
        terminal.wait_for(WAITS)
        assert "Your browser opens it." not in terminal.seen
        openrouter.asked.append(
            {name: values[0] for name, values in parse_qs(urlsplit(address_in(terminal.seen)).query).items()}
        )
        elsewhere = openrouter.back_to(f"code={CODE}")  # the address at which the browser of the other machine fails
        terminal.type(re.sub(r"state=[^&]+", "state=guessed", elsewhere) + "\n")
        terminal.wait_for("That was not it: its state is not the one of this run. Still waiting.")
        terminal.type("\n")
        time.sleep(0.3)
        terminal.type(f"{elsewhere}\n")
        assert terminal.exit_code()[0] == 0
    assert CODE not in terminal.seen
    assert load().env["OPENROUTER_API_KEY"] == KEY


def test_who_declines_in_the_browser_learns_that_nothing_was_stored(openrouter: OpenRouter) -> None:
    openrouter.declines = True
    with Terminal("setup", "openrouter", "--no-browser") as terminal:
        terminal.wait_for(WAITS)
        visit(address_in(terminal.seen))
        assert terminal.exit_code()[0] == 1
    assert "Error: openrouter: it was declined in the browser; nothing was stored, run this again" in terminal.seen
    assert not Path(".env").exists()


def test_a_wrong_code_brings_no_key(openrouter: OpenRouter) -> None:
    with Terminal("setup", "openrouter") as terminal:
        terminal.wait_for(WAITS)
        openrouter.asked.append({"code_challenge": "?"})
        terminal.type("wrong-code\n")
        assert terminal.exit_code()[0] == 1
    assert "Error: openrouter: no key came for the code (400: Invalid code); nothing was stored" in terminal.seen


def test_a_key_may_be_pasted_in_place_of_the_click(openrouter: OpenRouter) -> None:
    with Terminal("setup", "openrouter") as terminal:
        terminal.wait_for(WAITS)
        terminal.type(f"{KEY}\n")
        terminal.wait_for(
            "That was not it: it looks like a key; type `k` and Enter, then paste the key. Still waiting."
        )
        terminal.type("k\n")
        terminal.wait_for(PROMPT)
        terminal.type(f"{KEY}\n")
        assert terminal.exit_code()[0] == 0
    assert not openrouter.exchanged
    assert load().env["OPENROUTER_API_KEY"] == KEY


def test_a_keyring_that_works_is_used_and_the_next_command_finds_the_key(groq: Upstream, tmp_path: Path) -> None:
    env = {
        "PYTHON_KEYRING_BACKEND": "tests.onboarding.file_keyring.FileKeyring",
        "TEST_KEYRING_FILE": str(tmp_path / "kept.json"),
    }
    with Terminal("setup", "groq", env=env) as terminal:
        terminal.wait_for(PROMPT)
        terminal.type(f"{GOOD_KEY}\n")
        terminal.wait_for("Stored GROQ_API_KEY …WXYZ in the system's keyring.")
        assert terminal.exit_code()[0] == 0
    assert not Path(".env").exists()
    with Terminal("validate", env=env) as terminal:
        assert terminal.exit_code()[0] == 0
    assert "groq: openai/gpt-oss-120b, " in terminal.seen
    with Terminal("validate") as terminal:  # with a keyring that is gone
        assert terminal.exit_code()[0] == 0
    assert "groq: skipped, no key" in terminal.seen


def test_cloudflare_is_also_asked_for_the_account(tmp_path: Path, upstream: Upstream) -> None:
    routed(tmp_path, cloudflare=f"http://127.0.0.1:{upstream.port}")
    upstream.paths["/client/v4/user/tokens/verify"] = ("json_body", {"result": {"status": "active"}, "success": True})
    with Terminal("setup", "cloudflare") as terminal:
        terminal.wait_for("CLOUDFLARE_ACCOUNT_ID: ")
        terminal.type("abc?d\n")
        terminal.wait_for("With that the provider's address cannot be used; try again")
        terminal.wait_for("CLOUDFLARE_ACCOUNT_ID: ")
        terminal.type("acc0unt\n")
        terminal.wait_for(PROMPT)
        terminal.type(f"{GOOD_KEY}\n")
        assert terminal.exit_code()[0] == 0
    loaded = load()
    assert (loaded.env["CLOUDFLARE_ACCOUNT_ID"], loaded.env["CLOUDFLARE_API_KEY"]) == ("acc0unt", GOOD_KEY)
    cloudflare = next(spec for spec in loaded.providers if spec.name == "cloudflare")
    assert cloudflare.unset == ()
    assert (cloudflare.config.base_url or "").endswith("/accounts/acc0unt/ai/v1")


def test_one_provider_that_fails_does_not_keep_the_next_from_its_turn(openrouter: OpenRouter) -> None:
    openrouter.declines = True
    with Terminal("setup", "--no-browser") as terminal:
        terminal.wait_for("Set up groq? ")
        terminal.type("\n")
        terminal.wait_for("Set up openrouter? ")
        terminal.type("y\n")
        terminal.wait_for(WAITS)
        visit(address_in(terminal.seen))
        terminal.wait_for("Error: openrouter: it was declined in the browser")
        terminal.wait_for("Set up gemini? ")
        terminal.type("q\n")
        assert terminal.exit_code()[0] == 1
    assert "Disabled in router.yaml, and set up by name only: nvidia_nim, " in terminal.seen
    assert "Nothing was stored." in terminal.seen
