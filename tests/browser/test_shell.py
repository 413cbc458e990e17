"""Signing in by hand, the themes, the phone, no scripts."""

import pytest

from accounts.roles import Role
from tests.browser.conftest import PHONE
from tests.factories.accounts import PASSWORD, person_with

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
