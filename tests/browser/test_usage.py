"""Usage history on the dashboard, in a real browser: a gateway over a state directory that already has some days."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llm7router.history.database import SqliteHistory
from llm7router.history.usage import HOUR_S, Key, Usage
from tests.browser.conftest import CONFIG, EVIL, MISSING, Gateway
from tests.upstream import Upstream

expect = pytest.importorskip("playwright.sync_api", reason=MISSING).expect
SIZES = {"phone": (390, 844), "desktop": (1280, 900)}


@pytest.fixture(scope="module")
def gateway(behind: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """One with a week of the past."""
    started = Gateway(tmp_path_factory.mktemp("past"))
    state = started.directory / "state"
    config = CONFIG.replace("store: memory", f"path: {state}")
    (started.directory / "router.yaml").write_text(config.format(url=behind.base_url, evil='"evil"'))
    hour = int(time.time()) // HOUR_S * HOUR_S
    past = {
        Key(hour - ago * HOUR_S, provider, "m", "chat", ""): Usage(
            requests,
            requests,
            calls=requests + 1,
            failures=1,
            tokens_input=400_000,
            tokens_output=100_000,
            latency={72: 9},
        )
        for ago in range(2, 150, 3)
        for provider, requests in (("good", 10 + ago % 7), ("a-provider-with-a-long-name", 2), (EVIL, 1))
    }
    SqliteHistory(state).add(past, 0)
    started.start()
    yield started
    started.kill()


def test_the_past_is_plotted_and_listed_by_provider_with_the_saving(page: Any) -> None:
    page.wait_for_selector("#usage-rows td")
    assert re.search(r"[\d\s]+ requests in 7 days; 100 % answered", page.get_attribute("#past", "aria-label"))
    rows = page.locator("#usage-rows tbody tr").all_inner_texts()
    assert [row.split()[0] for row in rows] == ["good", "a-provider-with-a-long-name", "<img"]
    # 50 hours of three providers, each with 0.4 and 0.1 million tokens at 0.15 and 0.60 USD.
    assert "18.0000 USD in all: gpt-4o-mini would have cost 18.0000, and 0 was paid" in page.inner_text("#reference")
    assert page.locator("#usage img").count() == 0


def test_a_new_request_is_counted_and_the_period_and_what_is_plotted_can_be_chosen_by_keyboard(
    page: Any, gateway: Gateway
) -> None:
    page.wait_for_selector("#usage-rows td")
    gateway.ask()
    page.focus("#period")
    page.keyboard.press("ArrowUp")
    expect(page.locator("#past-words")).to_contain_text("in 24 hours")
    assert page.locator("#past .bar-ok").count() == 24
    page.focus("#measure")
    page.keyboard.press("End")
    expect(page.locator("#past-words")).to_contain_text("USD saved in 24 hours")
    page.locator("#usage summary").press("Enter")
    assert page.locator("#stretches tbody tr").count() == 24
    page.select_option("#measure", "requests")
    last = page.locator("#stretches tbody tr").last.locator("td").nth(1)
    assert int(last.inner_text()) >= 1


def test_logging_out_leaves_nothing_of_it(page: Any) -> None:
    page.wait_for_selector("#usage-rows td")
    page.click("#leave")
    assert page.locator("#past *, #usage-rows *, #stretches *").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_it_fits(page: Any, size: tuple[int, int], scheme: str, tmp_path: Path) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.emulate_media(color_scheme=scheme)
    page.wait_for_selector("#usage-rows td")
    page.locator("#usage").screenshot(path=tmp_path / "usage.png")
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    cut = "[...document.querySelectorAll('#usage *')].filter(n => n.checkVisibility() && !n.closest('.unseen') && n.getBoundingClientRect().right > innerWidth + 1).length"
    assert page.evaluate(cut) == 0
