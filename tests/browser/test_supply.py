"""Supply in Chromium: recipe and wave judged by keyboard alone, a log that grows by itself, no scripts, the phone."""

import pytest
from django.utils import timezone

from accounts.roles import Role
from approvals.models import RecipeReview, Review
from builds.models import Build, LogChunk
from tests.browser.conftest import PHONE
from tests.browser.test_line import choose, press_until
from tests.factories.accounts import person_with
from tests.factories.builds import BuildFactory, RecipeFactory
from tests.web.world import World, build

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


@pytest.fixture
def world(transactional_db) -> World:
    return build()


class TestRecipe:
    def test_is_approved_by_keyboard_from_the_start_page(self, world, open_page, shoot):
        page = open_page(world.reviewer)
        page.goto("/")
        choose(page, "debian-12 recipe")
        shoot(page, "recipe")
        assert "Not approved: 0 of 2 approvals" in page.inner_text("main")
        press_until(page, "Approve")
        page.keyboard.press("Space")
        press_until(page, "Reason")
        page.keyboard.type("Read line by line.")
        choose(page, "Give the judgement")
        assert "Your judgement is recorded." in page.inner_text("main")

        last = open_page(world.second, viewport=PHONE)
        last.goto(f"/recipes/{world.supply.recipe.pk}")
        press_until(last, "Approve")
        last.keyboard.press("Space")
        choose(last, "Give the judgement")
        shoot(last, "recipe-approved-phone")
        assert "the recipe is approved" in last.inner_text("main")
        assert RecipeReview.objects.count() == 2

    def test_leads_from_a_check_to_its_line(self, world, open_page):
        page = open_page(world.reviewer)
        page.goto(f"/recipes/{world.supply.recipe.pk}")
        page.get_by_role("link", name="line 3").first.click()
        assert page.url.endswith("#L3")
        assert page.locator("#L3:target code").first.inner_text() == "USER root"

    def test_writes_unseen_characters_out(self, world, open_page):
        page = open_page(world.reviewer)
        page.goto(f"/recipes/{world.supply.recipe.pk}")
        shown = page.locator("#L2 code").first.inner_text()
        assert "⟨U+202E⟩gnol⟨U+202C⟩⟨U+200B⟩" in shown
        assert "\u202e" not in page.inner_text("main")

    def test_says_added_and_removed_in_words(self, world, open_page):
        page = open_page(world.reviewer)
        page.goto(f"/recipes/{world.supply.recipe.pk}")
        words = page.locator(".gg-diff > li.is-added .visually-hidden").first.text_content()
        assert words.strip() == "added:"


class TestWave:
    def test_many_rows_are_judged_by_keyboard_with_one_reason(self, world, open_page, shoot):
        page = open_page(world.second)
        page.goto("/waves")
        choose(page, "A fix")
        press_until(page, "Judge debian/12")
        page.keyboard.press("Space")
        press_until(page, "Approve")
        page.keyboard.press("Space")
        press_until(page, "Reason")
        page.keyboard.type("Only packages rose.")
        shoot(page, "wave")
        choose(page, "Give the judgements")
        text = page.inner_text("main")
        assert "1 judgement recorded." in text
        assert "Your judgement is recorded." in text
        assert Review.objects.get(proposal=world.waiting).reason == "Only packages rose."


class TestBuild:
    def test_log_grows_by_itself_and_stops_at_the_end(self, world, open_page, shoot):
        now = timezone.now()
        recipe = RecipeFactory(now)
        running = BuildFactory(now, recipe=recipe, state="running", started_at=now, log_bytes=9)
        LogChunk.objects.create(build=running, number=0, text="STEP 1\n", at=now)
        page = open_page(person_with(Role.VIEWER))
        page.goto(f"/builds/{running.pk}")
        assert "STEP 1" in page.inner_text("main")
        LogChunk.objects.create(build=running, number=1, text="STEP 2\n", at=now)
        page.get_by_text("STEP 2").wait_for(timeout=15_000)
        Build.objects.filter(pk=running.pk).update(state="no_change", finished_at=now)
        page.get_by_text("nothing new to review").wait_for(timeout=15_000)
        assert page.locator("[hx-trigger]").count() == 0
        # What stands around the log knows it too.
        page.locator("dt:text-is('Took')").wait_for(timeout=15_000)

    def test_log_keeps_the_place_of_its_reader(self, world, open_page):
        now = timezone.now()
        running = BuildFactory(now, recipe=RecipeFactory(now), state="running", started_at=now, log_bytes=9)
        LogChunk.objects.create(build=running, number=0, text="line\n" * 400, at=now)
        page = open_page(person_with(Role.VIEWER))
        page.goto(f"/builds/{running.pk}")
        at_end = "(e) => e.scrollTop > 0 && e.scrollTop + e.clientHeight >= e.scrollHeight - 4"
        log = page.locator("#log-end")
        assert log.evaluate(at_end)
        LogChunk.objects.create(build=running, number=1, text="more\n" * 100 + "STEP 2\n", at=now)
        page.get_by_text("STEP 2").wait_for(timeout=15_000)
        assert log.evaluate(at_end), "who reads along goes on reading along"
        log.evaluate("(e) => { e.scrollTop = 100; }")
        LogChunk.objects.create(build=running, number=2, text="STEP 3\n", at=now)
        page.get_by_text("STEP 3").wait_for(timeout=15_000)
        assert log.evaluate("(e) => e.scrollTop") == 100

    def test_reads_without_scripts_by_looking_again(self, world, open_page):
        now = timezone.now()
        running = BuildFactory(now, recipe=RecipeFactory(now), state="running", started_at=now, log_bytes=9)
        page = open_page(person_with(Role.VIEWER), scripts=False)
        page.goto(f"/builds/{running.pk}")
        LogChunk.objects.create(build=running, number=0, text="STEP 1\n", at=now)
        page.get_by_role("link", name="Look again").click()
        assert "STEP 1" in page.inner_text("main")

    def test_that_failed_shows_what_it_said_last_first(self, world, open_page, shoot):
        page = open_page(world.admin)
        page.goto("/")
        choose(page, "debian-12 build 2")
        shoot(page, "build-failed")
        assert "Unable to locate package" in page.locator(".gg-failed-line").inner_text()
        assert "What is certified stays as it is." in page.inner_text("main")


SHOWN = (
    *("sources", "source", "source-new", "recipes", "recipe", "builds", "build", "waves", "wave", "watches"),
    *(
        "difference",
        "waivers",
        "waiver",
        "waiver-new",
        "promotion",
        "starter",
        "host-new",
        "artifact-hardening",
        "artifact-profile",
    ),
)


class TestNarrow:
    def test_a_copy_button_keeps_its_word_on_one_line(self, world, open_page):
        page = open_page(world.viewer, viewport=PHONE)
        page.goto(f"/a/{world.good.artifact.digest}/profile")
        box = page.locator(".gg-lead .gg-copy").bounding_box()
        assert box["width"] > box["height"]

    def test_what_made_a_layer_is_not_cut_off(self, world, open_page):
        """A line without a blank, in a cell that may break it, makes no table wider than its place."""
        page = open_page(world.viewer)
        page.goto("/sources")
        page.locator("td.gg-any").first.evaluate("(e) => { e.innerHTML = `<code>${'x'.repeat(300)}</code>`; }")
        assert page.locator(".gg-table").first.evaluate("(e) => e.scrollWidth <= e.clientWidth")


class TestPictures:
    @pytest.mark.parametrize("theme", ["light", "dark"])
    def test_of_every_page_of_supply(self, world, open_page, shoot, theme):
        page = open_page(world.admin, theme=theme)
        for name in SHOWN:
            answer = page.goto(world.addresses()[name])
            assert answer.status == 200, name
            shoot(page, f"supply-{name}-{theme}")
