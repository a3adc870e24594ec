"""The dashboard in a real browser. Skipped without Chromium and playwright (`pip install 'llm7router[browser]'`)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import EVIL, MISSING, Gateway, Visit

expect = pytest.importorskip("playwright.sync_api", reason=MISSING).expect
SIZES = {"phone": (390, 844), "small phone": (360, 740), "desktop": (1280, 900)}

# The least contrast of any text on the page with what is behind it, and that text.
CONTRAST = """() => {
  const rgba = (text) => { const [r, g, b, a] = text.match(/[\\d.]+/g).map(Number); return [r, g, b, a ?? 1]; };
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (node) => { for (; node; node = node.parentElement) { const c = rgba(getComputedStyle(node).backgroundColor);
    if (c[3] === 1) return c; } return [255, 255, 255, 1]; };
  let worst = [99, ""];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const parent = texts.currentNode.parentElement, style = getComputedStyle(parent);
    if (!texts.currentNode.data.trim() || !parent.checkVisibility() || parent.closest(".unseen, script, style")) continue;
    const ink = rgba(parent.namespaceURI.endsWith("svg") ? style.fill : style.color);
    const [a, b] = [light(ink), light(ground(parent))].sort((x, y) => y - x), ratio = (a + 0.05) / (b + 0.05);
    if (ratio < worst[0]) worst = [ratio, texts.currentNode.data];
  }
  return worst;
}"""


def test_a_wrong_key_is_refused_and_the_right_one_lets_in(visit: Visit, gateway: Gateway) -> None:
    page = visit.page
    for wrong in ("sk-llm7-wrong", "ключ"):
        page.fill("#key", wrong)
        page.keyboard.press("Enter")
        expect(page.locator("#refused")).to_contain_text("not a key of this gateway")
    assert page.locator("#inside").is_hidden()
    page.fill("#key", gateway.key)
    page.click("#login button")
    page.wait_for_selector("text=● live")
    assert page.locator("#refused").text_content() == ""


def test_the_key_lasts_until_logout(page: Any, gateway: Gateway) -> None:
    gateway.ask()
    page.reload()
    page.wait_for_selector("#list .row")
    page.click("#leave")
    assert page.locator("#key").is_visible()
    assert page.locator("#list li, #cards *").count() == 0
    assert page.evaluate("sessionStorage.length + localStorage.length + document.cookie.length") == 0
    page.reload()
    assert page.locator("#key").is_visible()


def test_too_many_wrong_keys_name_the_time_to_wait(visit: Visit) -> None:
    error = {"error": {"message": "too many wrong keys"}}
    visit.page.route("**/events", lambda route: route.fulfill(status=429, json=error, headers={"retry-after": "42"}))
    visit.page.fill("#key", "sk-llm7-any")
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_selector("text=The gateway asks you to wait: too many wrong keys. Try again in 42 s.")


def test_a_request_shows_up_while_one_looks(page: Any, gateway: Gateway) -> None:
    shown, total = page.locator("#list li").count(), int(page.locator("#totals dd").first.text_content())
    gateway.ask("auto", "Write a haiku", max_tokens=20)
    expect(page.locator("#list li")).to_have_count(shown + 1)
    newest = re.sub(r"\s+", " ", page.locator("#list .row").first.inner_text())
    assert "answered" in newest
    assert "good" in newest
    assert "7 → 5" in newest
    expect(page.locator("#totals dd").first).to_have_text(str(total + 1))
    assert re.search(r"\d+ requests?, \d+ not answered", page.get_attribute("#rate", "aria-label"))
    assert "Half took up to" in page.get_attribute("#speed", "aria-label")


def test_a_request_opens_by_keyboard_and_stays_open_when_others_come(page: Any, gateway: Gateway) -> None:
    gateway.ask("auto", "SECRET-PROMPT translate this")
    page.wait_for_selector("#list .row")
    row = page.locator("#list .row").first.element_handle()
    row.focus()
    page.keyboard.press("Enter")
    assert row.get_attribute("aria-expanded") == "true"
    detail = page.locator(f"#{row.get_attribute('aria-controls')}")
    for text in ("Attempts", "Points", "expected to succeed", "free", "Rejected", "NO_SUCH_KEY"):
        assert text in detail.inner_text(), text
    count = page.locator("#list li").count()
    gateway.ask()
    expect(page.locator("#list li")).to_have_count(count + 1)
    assert row.evaluate("row => row === document.activeElement && row.getAttribute('aria-expanded') === 'true'")
    assert "SECRET" not in page.content()
    page.keyboard.press(" ")
    assert detail.is_hidden()


def test_the_list_can_be_paused_and_filtered(page: Any, gateway: Gateway) -> None:
    gateway.ask("good")
    gateway.ask("evil")
    page.wait_for_selector("#list >> text=all failed")
    count = page.locator("#list li").count()
    page.click("#pause")
    gateway.ask("good")
    page.wait_for_selector("text=Go on (1 new)")
    assert page.locator("#list li").count() == count
    page.click("#pause")
    expect(page.locator("#list li")).to_have_count(count + 1)
    page.select_option("#by-provider", "evil")
    outcomes = page.locator("#list .how").all_inner_texts()
    assert outcomes
    assert all("answered" not in each for each in outcomes)


def test_a_dry_run_shows_pick_points_and_rejected_and_calls_nobody(page: Any, behind: Any) -> None:
    before = behind.count
    page.fill("#prompt", "Translate 'good morning' to Italian")
    page.keyboard.press("Tab")
    page.click("text=Decide")
    page.wait_for_selector("text=Pick: good/m")
    assert "Task translate ('translate', 'italian'" in page.locator("#points").inner_text()
    assert page.locator("#points [aria-expanded=true]").count() == 1
    second = page.locator("#points td > button").nth(1)
    second.press("Enter")
    assert second.get_attribute("aria-expanded") == "true"
    page.check("text=vision")
    page.click("text=Decide")
    page.wait_for_selector("#verdict >> text=without vision")
    assert behind.count == before


def test_providers_show_state_headroom_and_what_is_off(page: Any, gateway: Gateway) -> None:
    gateway.ask("scarce")
    for _ in range(8):
        gateway.ask("evil")
    page.wait_for_selector("#cards >> text=/breaker open, probe in \\d+/", timeout=8000)
    cards = page.locator("#cards").inner_text()
    assert re.search(r"tokens/day\s+\d+ of 200\s000", cards)
    assert re.search(r"exhausted\s+over requests/day, free in 1 d", cards)
    assert page.locator("#off p").first.is_hidden()
    page.locator("#off summary").press("Enter")
    assert "nokey (2 models): no key" in page.locator("#off").inner_text()


def test_a_limit_s_name_stays_whole_beside_large_figures(page: Any) -> None:
    heights = page.evaluate("""() => [...document.querySelectorAll(".limits .line")].map((line) => {
      line.lastElementChild.textContent = "123 456 of 200 000";
      return line.firstElementChild.getClientRects().length && line.firstElementChild.offsetHeight;
    })""")
    assert heights
    assert max(heights) < 25, "pixels; two lines have more"


def test_hostile_names_and_errors_stay_text(page: Any, gateway: Gateway) -> None:
    gateway.ask("evil")
    page.wait_for_selector("#list >> text=evil")
    row = page.locator("#list .row", has_text="evil").first
    row.click()
    page.wait_for_selector("#list .detail")
    assert EVIL in page.locator("#list .detail").inner_text()
    assert EVIL in page.locator("#cards").inner_text()
    page.fill("#prompt", EVIL)
    page.click("text=Decide")
    page.wait_for_selector("#points table")
    assert page.locator("img").count() == 0


def test_a_lost_connection_is_said_and_found_again(page: Any, gateway: Gateway) -> None:
    gateway.kill()
    page.wait_for_selector("text=✕ connection lost", timeout=8000)
    assert "What you see is from" in page.locator("#lost").inner_text()
    page.click("text=Try now")
    assert page.locator("#lost").is_visible()
    gateway.start()
    page.wait_for_selector("text=● live", timeout=20000)  # longer than the longest pause between attempts
    assert page.locator("#lost").is_hidden()
    gateway.ask()
    expect(page.locator("#totals dd").first).to_have_text("1")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_everything_fits_and_can_be_read(
    page: Any, gateway: Gateway, size: tuple[int, int], scheme: str, tmp_path: Path
) -> None:
    gateway.ask()
    gateway.ask("evil")
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.emulate_media(color_scheme=scheme)
    page.fill("#prompt", "Hello " * 40 + "a" * 200)
    page.click("text=Decide")
    page.wait_for_selector("#points table")
    page.locator("#list .row", has_text="evil").first.click()
    page.locator("#off summary").click()
    page.wait_for_selector("#list .detail")
    page.screenshot(path=tmp_path / "page.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    cut = "[...document.querySelectorAll('#inside *')].filter(n => n.checkVisibility() && !n.closest('.unseen') && n.getBoundingClientRect().right > innerWidth + 1).length"
    assert page.evaluate(cut) == 0
    ratio, text = page.evaluate(CONTRAST)
    assert ratio >= 4.5, text


def test_focus_is_visible_and_controls_have_names(page: Any) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    nameless = "[...document.querySelectorAll('button, select, input:not([hidden]), textarea')].filter(n => n.checkVisibility() && !n.textContent.trim() && !n.labels?.length).length"
    assert page.evaluate(nameless) == 0
