"""Chromium against the live server. Each page of a test is watched: a script error or a refused resource fails it."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, Page, sync_playwright

from accounts.models import Person

# Playwright's loop runs in this thread; the ORM is only used between its calls.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

CHROMIUM = os.environ.get("GOLDGATE_CHROMIUM", "/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 900}
# Where screenshots are kept as test output.
SHOTS = Path(os.environ.get("GOLDGATE_SHOTS", settings.GOLDGATE_HOME / "shots"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser: Browser, live_server) -> Iterator[Callable[..., Page]]:
    """A page of the browser, signed in as a person; what goes wrong on it fails the test at its end."""
    contexts = []
    troubles: list[str] = []

    def make(
        person: Person | None = None, *, scripts: bool = True, viewport: dict | None = None, theme="light"
    ) -> Page:
        context = browser.new_context(
            java_script_enabled=scripts,
            viewport=viewport or DESK,
            color_scheme=theme,
            base_url=live_server.url,
            reduced_motion="reduce",
        )
        contexts.append(context)
        if person is not None:
            client = Client()
            client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
            value = client.cookies[settings.SESSION_COOKIE_NAME].value
            context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": value, "url": live_server.url}])
        page = context.new_page()
        page.on("pageerror", lambda error: troubles.append(f"{page.url}: {error}"))
        page.on("console", lambda line: troubles.append(f"{page.url}: {line.text}") if _is_trouble(line) else None)
        return page

    yield make
    for context in contexts:
        context.close()
    assert troubles == []


def _is_trouble(line) -> bool:
    # A page that answers 400 or 404 on purpose is no trouble of its own.
    return line.type == "error" and "the server responded with a status of 4" not in line.text


@pytest.fixture
def shoot() -> Callable[..., None]:
    """Keep a screenshot of the whole page, or of what stands in the window."""
    SHOTS.mkdir(parents=True, exist_ok=True)

    def take(page: Page, name: str, *, whole: bool = True) -> None:
        page.screenshot(path=SHOTS / f"{name}.png", full_page=whole)

    return take


@pytest.fixture
def faults_of() -> Callable[[Page], list[str]]:
    """What axe finds against WCAG 2.1 A and AA, each with the first place where it stands."""
    axe = Axe()
    options = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}}

    def look(page: Page) -> list[str]:
        found = axe.run(page, options=options).response["violations"]
        return [f"{v['id']}: {v['nodes'][0]['html'][:200]} ({len(v['nodes'])})" for v in found]

    return look
