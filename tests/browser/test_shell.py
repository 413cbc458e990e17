"""Signing in by hand, the themes, the phone, no scripts."""

import pytest
from django.utils import timezone

from accounts.roles import Role
from jobs.domain.state import State
from jobs.models import Job
from tests.browser.conftest import PHONE
from tests.factories.accounts import PASSWORD, person_with
from tests.factories.jobs import JobFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


class TestSigningIn:
    def test_by_keyboard_alone(self, open_page, shoot):
        person_with(Role.VIEWER, username="vic", password=PASSWORD)
        page = open_page()
        page.goto("/")
        shoot(page, "signin")
        page.keyboard.type("vic")
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url("**/")
        assert page.get_by_role("heading", level=1).inner_text()
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the content"

    def test_a_refusal_takes_the_focus(self, open_page, faults_of):
        page = open_page()
        page.goto("/signin")
        page.get_by_label("Name").fill("vic")
        page.get_by_label("Password").fill("wrong")
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_selector("[role=alert]")
        assert "The name or the password is wrong" in page.evaluate("document.activeElement.textContent")
        assert faults_of(page) == []


class TestThemes:
    @pytest.mark.parametrize("theme", ["light", "dark"])
    def test_follows_the_system(self, open_page, theme):
        page = open_page(theme=theme)
        page.goto("/signin")
        assert page.evaluate("document.documentElement.dataset.bsTheme") == theme

    def test_a_choice_holds_without_scripts(self, open_page):
        page = open_page(scripts=False)
        page.goto("/signin")
        page.get_by_role("button", name="Dark").click()
        assert page.locator("html").get_attribute("data-bs-theme") == "dark"


class TestPhone:
    def test_the_menu_opens_without_scripts(self, open_page):
        page = open_page(person_with(Role.VIEWER), scripts=False, viewport=PHONE)
        page.goto("/jobs")
        page.get_by_text("Menu").click()
        page.locator(".gg-top").get_by_role("link", name="People").click()
        page.wait_for_url("**/people")


class TestProgress:
    def test_is_followed_by_itself_and_stops_at_the_end(self, open_page):
        job = JobFactory(
            state=State.RUNNING, done=10, total=100, unit="layers", text="Fetching.", created_at=timezone.now()
        )
        page = open_page(person_with(Role.VIEWER))
        page.goto(f"/jobs/{job.pk}")
        assert "10 of 100 layers" in page.inner_text("main")
        Job.objects.filter(pk=job.pk).update(done=50)
        page.get_by_text("50 of 100 layers").wait_for(timeout=15_000)
        Job.objects.filter(pk=job.pk).update(
            state=State.SUCCEEDED, lease_token=None, lease_until=None, finished_at=timezone.now()
        )
        page.get_by_text("It is done.").wait_for(timeout=15_000)
        assert page.locator("[hx-trigger]").count() == 0

    def test_reads_without_scripts_by_looking_again(self, open_page):
        job = JobFactory(state=State.RUNNING, done=10, total=100, unit="layers", created_at=timezone.now())
        page = open_page(person_with(Role.VIEWER), scripts=False)
        page.goto(f"/jobs/{job.pk}")
        Job.objects.filter(pk=job.pk).update(done=50)
        page.get_by_role("link", name="Look again").click()
        assert "50 of 100 layers" in page.inner_text("main")


class TestComforts:
    def test_slash_goes_to_the_search_box(self, open_page):
        page = open_page(person_with(Role.VIEWER))
        page.goto("/jobs")
        page.keyboard.press("/")
        page.keyboard.type("debian/12")
        page.keyboard.press("Enter")
        page.wait_for_url("**/find?q=debian%2F12")

    def test_nothing_is_loaded_from_elsewhere(self, open_page, live_server):
        page = open_page(person_with(Role.VIEWER))
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto("/jobs")
        assert asked
        assert all(url.startswith(live_server.url) for url in asked)


class TestPaper:
    @pytest.mark.parametrize("theme", ["light", "dark"])
    def test_is_white_without_menu_and_buttons_in_either_theme(self, open_page, theme):
        page = open_page(person_with(Role.VIEWER), theme=theme)
        page.goto("/decisions")
        page.emulate_media(media="print", color_scheme=theme)
        colours = page.evaluate(
            "['body', '.gg-lead'].map(q => getComputedStyle(document.querySelector(q)))"
            ".map((style, i) => i ? style.color : style.backgroundColor)"
        )
        assert colours == ["rgb(255, 255, 255)", "rgb(86, 94, 108)"]
        assert not page.locator(".gg-side").is_visible()
        assert not page.get_by_role("link", name="CSV").is_visible()
        assert page.get_by_role("heading", level=1).is_visible()
