"""The line by keyboard alone: an archive goes in, two people judge it, it is certified, signed, tried, and revoked."""

from collections.abc import Callable

import pytest
from django.utils import timezone
from playwright.sync_api import Page

from accounts.roles import Role
from catalog.models import Subversion
from tests.browser.conftest import PHONE
from tests.factories.accounts import TeamFactory, person_with
from tests.factories.admission import publisher_in
from tests.factories.registry import LayoutFactory, archive
from tests.factories.scans import import_real_feeds
from tests.factories.signing import signing_key
from tests.jobs.support import run_due_jobs

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


def press_until(page: Page, text: str, *, key: str = "Tab", most: int = 120) -> None:
    """Walk with the keyboard until what is focused says ``text``."""
    for _ in range(most):
        page.keyboard.press(key)
        focused = page.evaluate(
            "(() => { const e = document.activeElement;"
            " return (e.labels?.[0]?.textContent || e.textContent || e.value || '').trim(); })()"
        )
        if focused.startswith(text):
            return
    raise AssertionError(f"the keyboard never reaches {text!r} on {page.url}")


def choose(page: Page, text: str) -> None:
    """Reach a link or button by keyboard, and press it."""
    press_until(page, text)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def judge(page: Page, reason: str, look: Callable[[], None] = lambda: None) -> None:
    """From the start page to an approval."""
    page.goto("/")
    choose(page, "debian/12")
    look()
    press_until(page, "Approve")
    page.keyboard.press("Space")
    press_until(page, "Reason")
    page.keyboard.type(reason)
    choose(page, "Give the judgement")


class TestTheLine:
    def test_by_keyboard(self, open_page, shoot, settings, tmp_path):
        settings.GOLDGATE_HOME = tmp_path
        settings.GOLDGATE_SIGNING_KEY_FILE = str(tmp_path / "signing.pem")
        signing_key(tmp_path, now=timezone.now())
        import_real_feeds(timezone.now())
        LayoutFactory("registry.example/golden")
        pat = person_with(Role.REQUESTER, Role.PLATFORM_ADMIN, username="pat")
        rita, sam = person_with(Role.REVIEWER, username="rita"), person_with(Role.SECURITY_REVIEWER, username="sam")
        TeamFactory("platform", pat)

        page = open_page(pat)
        page.goto("/catalog")
        choose(page, "New image")
        page.locator("#id_name").focus()
        page.keyboard.type("debian")
        choose(page, "Add the image")
        choose(page, "New version")
        page.locator("#id_name").focus()
        page.keyboard.type("12")
        choose(page, "Add the version")

        choose(page, "Import a subversion")
        page.set_input_files("#id_archive", archive("debian-12-rebuilt"))
        page.locator("#id_archive").focus()
        choose(page, "Upload and import")
        assert "It is on its way." in page.inner_text("main")
        run_due_jobs()
        page.reload()
        shoot(page, "line-import")
        choose(page, "Go on")
        choose(page, "Add it as a candidate")
        choose(page, "Propose it")
        assert "is before its reviewers" in page.inner_text("main")
        address = page.url

        own = open_page(pat)
        own.goto(address)
        choose(own, "To the review")
        assert "You proposed it, so others judge it." in own.inner_text("main")

        desk = open_page(rita)
        judge(desk, "Read the packet.", lambda: shoot(desk, "readme-review", whole=False))
        phone = open_page(sam, viewport=PHONE)
        judge(phone, "On a phone.")
        assert "it is being certified" in phone.inner_text("main")
        shoot(phone, "line-review-phone")
        run_due_jobs()
        page.goto(address)
        shoot(page, "readme-verdict", whole=False)
        assert "May be used until" in page.inner_text("main")
        assert "FROM registry.example/golden/debian@sha256:" in page.inner_text("main")

        now = timezone.now()
        publisher = publisher_in(tmp_path, now=now)
        publisher.publish_due(now=now)
        digest = Subversion.objects.get().certified_digest
        page.goto("/try")
        page.locator("#id_question").focus()
        page.keyboard.type(f"registry.example/golden/debian@{digest}")
        choose(page, "Would it run?")
        assert "allowed" in page.inner_text("main").lower()

        guard = open_page(sam)
        guard.goto(address)
        choose(guard, "Revoke …")
        guard.locator("#id_reason").focus()
        guard.keyboard.type("A backdoor in xz.")
        choose(guard, "Revoke it for good")
        assert "Not yet published" in guard.inner_text("main")
        publisher.publish_due(now=timezone.now())
        guard.reload()
        shoot(guard, "line-revoked")
        assert "every gate that is connected refuses it" in guard.inner_text("main")
        page.goto("/try")
        page.locator("#id_question").focus()
        page.keyboard.type(f"registry.example/golden/debian@{digest}")
        choose(page, "Would it run?")
        shoot(page, "readme-decision", whole=False)
        assert "A backdoor in xz." in page.inner_text("main")
