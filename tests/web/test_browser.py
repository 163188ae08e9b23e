"""The pages in a real browser: by keyboard alone, on a small screen, and for a screen reader."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from connector.core.resubscribe import State
from connector.core.said import Kind
from connector.core.suppression import Reason
from connector.core.token import LinkDeed
from playwright.sync_api import Browser, Page, expect, sync_playwright

pytestmark = [pytest.mark.prove, pytest.mark.browser]

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's chromium; without it these tests fail, for what was not looked at is not known to be good."""
    if not CHROMIUM.exists():
        pytest.fail(f"There is no {CHROMIUM}. Install it: apt-get install -y chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of a phone that runs no script, so that nothing can depend on one."""
    context = browser.new_context(viewport={"width": 390, "height": 760}, java_script_enabled=False)
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()


@pytest.fixture
def small(browser: Browser) -> Iterator[Page]:
    """The smallest screen that has to do (WCAG 1.4.10); scripts only measure."""
    context = browser.new_context(viewport={"width": 320, "height": 640})
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()


def addresses(web) -> dict[str, str]:
    """Every page of the site, by what it is."""
    web.ask()
    return {"signup": f"{web.base}/signup", "missing": f"{web.base}/nothing/here"} | {
        deed.value: web.url(deed, days=30) for deed in LinkDeed
    }


def test_signing_up_by_keyboard_alone(web, page):
    """A person who has no mouse and runs no script reaches every control in order, signs up, and hears how it went."""
    page.goto(f"{web.base}/signup")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Your e-mail address")).to_be_focused()
    page.keyboard.type("ada@example.com")
    page.keyboard.press("Tab")
    expect(page.get_by_role("checkbox", name="News")).to_be_focused()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Sign up")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("ada@example.com")
    (said,) = web.said()
    assert said.lists == {"News"}


def test_correcting_a_mistake_by_keyboard_alone(web, page):
    """A wrong address is named in words beside its field, which has the cursor and keeps what was typed and ticked."""
    page.goto(f"{web.base}/signup")
    page.get_by_label("Your e-mail address").fill("ada")
    page.get_by_role("checkbox", name="News").check()
    page.get_by_role("button", name="Sign up").click()
    field = page.get_by_label("Your e-mail address")
    expect(field).to_be_focused()
    expect(field).to_have_value("ada")
    expect(field).to_have_accessible_description("This is not a whole address. Please write it as name@example.com.")
    expect(page.get_by_role("checkbox", name="News")).to_be_checked()
    page.keyboard.press("End")
    page.keyboard.type("@example.com")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_be_visible()
    assert len(web.said()) == 1


def test_confirming(web, page):
    """Opening the link of the mail changes nothing; its one button confirms, and says so."""
    web.ask()
    page.goto(web.url(LinkDeed.CONFIRM, days=30))
    assert web.said() == []
    page.keyboard.press("Tab")
    expect(page.get_by_role("button")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("You have confirmed")
    assert [s.kind for s in web.said()] == [Kind.CONFIRM]


def test_stopping_and_coming_back(web, page):
    """A person unsubscribes with one button, and finds the way to the form from there."""
    web.ask(State.COMPLETED)
    page.goto(web.url(LinkDeed.UNSUBSCRIBE))
    page.get_by_role("button", name="Stop all mail").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are unsubscribed")
    assert web.member().suppressed is Reason.UNSUBSCRIBED
    page.get_by_role("link", name="Go to the signup form").click()
    expect(page.get_by_role("button", name="Sign up")).to_be_visible()


def test_trying_again(web, page):
    """Where the database refuses, the page's button repeats what was asked, and works once the database does."""
    web.ask()
    page.goto(web.url(LinkDeed.ABUSE))
    web.refuse()
    page.get_by_role("button", name="This was not me").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was lost")
    web.door.trouble = None
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("status")).to_contain_text("Thank you for telling us")


def test_nothing_scrolls_sideways(web, small):
    """On a screen 320 pixels wide every page fits, long words included, and what is to be pressed is 24 pixels high."""
    web.door.addresses.clear()
    for name, url in addresses(web).items():
        small.goto(url)
        assert small.evaluate("document.documentElement.scrollWidth") <= 320, name
        for box in [c.bounding_box() for c in small.locator("button, input:not([type=checkbox]), .box").all()]:
            assert box is not None
            assert box["height"] >= 24, name
            assert box["x"] >= 0, name
            assert box["x"] + box["width"] <= 320, name
    small.goto(f"{web.base}/signup")
    small.get_by_label("Your e-mail address").fill("a" * 60 + "@" + "b" * 60 + ".example.com")
    small.get_by_role("button").click()
    expect(small.get_by_role("status")).to_be_visible()
    assert small.evaluate("document.documentElement.scrollWidth") <= 320


def test_readable(web, small):
    """No text is smaller than 16 pixels, in light and in dark."""
    smallest = """() => Math.min(...[...document.querySelectorAll('main *')].filter(e => e.innerText)
        .map(e => parseFloat(getComputedStyle(e).fontSize)))"""
    for name, url in addresses(web).items():
        small.goto(url)
        assert small.evaluate(smallest) >= 16, name
    background = "getComputedStyle(document.body).backgroundColor"
    light = small.evaluate(background)
    small.emulate_media(color_scheme="dark")
    assert small.evaluate(background) != light


def test_for_a_screen_reader(web, small):
    """Every page has a language, a title, one main part, one first heading, and a name for each of its controls."""
    for name, url in addresses(web).items():
        small.goto(url)
        assert small.locator("html").get_attribute("lang") == "en", name
        assert small.title().strip(), name
        assert small.get_by_role("main").count() == 1, name
        assert small.get_by_role("heading", level=1).count() == 1, name
        for role in ("button", "checkbox", "textbox", "link"):
            for control in small.get_by_role(role).all():
                expect(control, name).to_have_accessible_name(re.compile(r"\S"))


def test_nothing_from_elsewhere(web, small):
    """A page asks this one host for itself and its style sheet, breaks none of its own rules, and leaves no cookie."""
    asked, trouble = [], []
    small.on("request", lambda request: asked.append(request.url))
    small.on("console", lambda message: trouble.append(message.text))
    small.on("pageerror", lambda error: trouble.append(str(error)))
    for url in addresses(web).values():
        small.goto(url)
    assert all(url.startswith(web.server.base_url) for url in asked)
    assert not [line for line in trouble if "404" not in line]
    assert small.context.cookies() == []


def test_the_focus_can_be_seen(web, small):
    """What has the keyboard's focus shows it by an outline of at least two pixels."""
    small.goto(f"{web.base}/signup")
    for _ in range(4):
        small.keyboard.press("Tab")
        width = small.evaluate(
            """() => { const e = document.activeElement; const shown = e.closest('.box') || e;
            return parseFloat(getComputedStyle(shown).outlineWidth) }"""
        )
        assert width >= 2
