"""A real browser for tests of pages: Debian's Chromium."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from tests.programs import found

GRAVE = {"serious", "critical"}


class Visit:
    """A page in the browser, with all that it asked for and said."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.asked: list[str] = []
        self.said: list[str] = []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("console", lambda each: self.said.append(f"{each.type}: {each.text} {each.location['url']}"))
        page.on("pageerror", lambda error: self.said.append(f"pageerror: {error}"))
        page.goto(url)

    def outside(self, home: str) -> list[str]:
        """What was asked for that is neither under `home` nor in the page itself."""
        return [url for url in self.asked if not url.startswith((home, "data:"))]

    def faults(self, *, grave: set[str] = GRAVE) -> list[str]:
        """What axe-core finds, of those impacts."""
        violations = Axe().run(self.page).response["violations"]
        return [f"{each['id']}: {each['nodes'][0]['html']}" for each in violations if each["impact"] in grave]

    def texts(self, selector: str) -> list[str]:
        """The visible texts of all elements."""
        return [each.inner_text() for each in self.page.locator(selector).all() if each.is_visible()]


type Look = Callable[..., Visit]
"""The `look` fixture."""


# Not for the whole session: while playwright runs, its thread has a running event loop.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, without a window."""
    chromium, arguments = found("chromium"), ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=arguments)
        yield running
        running.close()


@pytest.fixture
def look(browser: Browser) -> Iterator[Look]:
    """Opens pages: `look(url, width=1400, color_scheme="light", ...)`, closed at the end."""
    opened = []

    def visit(url: str, *, width: int = 1400, **options: Any) -> Visit:
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        opened.append(context)
        return Visit(context.new_page(), url)

    yield visit
    for context in opened:
        context.close()
