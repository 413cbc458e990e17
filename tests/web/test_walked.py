"""What a walk through the pages of Supply met: words that were wrong, a next step that was missing."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from approvals import services as approvals
from audit.models import Record
from builds.models import Check, DriftAlarm, PullProbe
from tests.factories.builds import BuildFactory, RecipeFactory
from tests.factories.catalog import SubversionFactory
from tests.web.world import text_of
from web.supply import CheckGroup, CheckRow, hardening_told
from web.templatetags.components import in_words
from web.timeline import told

pytestmark = pytest.mark.django_db


class TestBuild:
    def test_that_ended_says_nothing_is_yet_to_come(self, world, signed_in):
        page = text_of(signed_in(world.viewer).get(f"/builds/{world.supply.build.pk}"))
        facts = page[page.index('id="facts"') : page.index('id="prov"')]
        assert "not known" in facts
        assert "yet" not in facts

    def test_that_failed_leads_to_where_it_is_built_by_hand(self, world, signed_in):
        page = text_of(signed_in(world.admin).get(f"/builds/{world.supply.build.pk}"))
        link = f'<a class="btn btn-primary" href="/sources/{world.supply.source.pk}">To its source</a>'
        assert page.index(link) < page.index('id="log"')

    @pytest.mark.parametrize(("seen", "answer"), [("running", None), ("asked", "true"), ("", "true")])
    def test_followed_in_another_state_is_loaded_anew(self, world, signed_in, seen, answer):
        now = timezone.now()
        running = BuildFactory(now, recipe=RecipeFactory(now), state="running", started_at=now)
        client = signed_in(world.viewer)
        page = client.get(f"/builds/{running.pk}?seen={seen}", headers={"HX-Request": "true"})
        assert page.headers.get("HX-Refresh") == answer
        assert "HX-Refresh" not in client.get(f"/builds/{running.pk}").headers


class TestRecipe:
    def test_that_a_check_refuses_says_first_that_nothing_is_built_from_it(self, world, signed_in):
        page = text_of(signed_in(world.reviewer).get(f"/recipes/{world.supply.recipe.pk}"))
        assert page.index("Nothing is built from it: GG1004 refuses.") < page.index('id="diff"')

    def test_says_it_once_approved_as_well(self, world, signed_in):
        Check.objects.create(recipe=world.supply.approved, rule="GG1020", severity="error", message="Root.", remedy="")
        page = text_of(signed_in(world.viewer).get(f"/recipes/{world.supply.approved.pk}"))
        assert "Nothing is built from it: GG1020 refuses." in page

    def test_a_waiver_takes_it_away(self, world, signed_in):
        signed_in(world.second).post(f"/waivers/{world.supply.waiver.pk}/give")
        page = text_of(signed_in(world.reviewer).get(f"/recipes/{world.supply.recipe.pk}"))
        assert "Nothing is built from it" not in page


class TestWaiver:
    def asked(self, world, rule: str) -> str:
        made = approvals.ask_waiver(
            rule=rule,
            scope_kind="version",
            scope="debian/12",
            reason="Until its release.",
            ends_at=world.now + timedelta(days=9),
            asked_by=world.requester,
            now=world.now,
        )
        return f"/waivers/{made.pk}"

    def test_says_what_the_check_is_and_who_gives_it(self, world, signed_in):
        page = text_of(signed_in(world.viewer).get(self.asked(world, "GG1055")))
        assert "a reviewer or security reviewer gives it, who neither asked nor owns the source." in page
        assert "GG1055: sudo" in page
        assert "Instead of a waiver: Leave it out." in page

    def test_about_secrets_is_offered_to_security_reviewers_alone(self, world, signed_in):
        address = self.asked(world, "GG1022")
        page = text_of(signed_in(world.second).get(address))
        assert "a security reviewer gives it" in page
        assert f"{address}/give" not in page
        assert f"{address}/give" in text_of(signed_in(world.security).get(address))


class TestHardening:
    def row(self, severity: str, rule: str = "GG2001") -> list[CheckGroup]:
        return [CheckGroup(severity, (CheckRow(Check(rule=rule, severity=severity), "a"),))]

    def test_says_first_whether_a_rule_refuses(self, world, signed_in):
        page = text_of(signed_in(world.viewer).get(f"/a/{world.good.artifact.digest}/hardening"))
        assert page.index("No rule refuses what is in it.") < page.index("Has a shell.")

    def test_nobody_looked_is_not_called_clean(self, world, signed_in):
        page = text_of(signed_in(world.viewer).get(f"/a/{world.bad.artifact.digest}/hardening"))
        assert "Nobody knows: not all of it was looked into." in page

    def test_names_each_rule_once(self):
        assert hardening_told([[], self.row("error") + self.row("error")]).sentence == "GG2001 refuses it."
        both = hardening_told([None, self.row("error") + self.row("error", "GG2004")])
        assert (both.word, both.sentence) == ("fail", "GG2001 and GG2004 refuse it.")
        assert hardening_told([self.row("note"), None]).word == "unknown"


class TestCertifiedSide:
    def test_that_was_never_looked_at_is_not_called_in_order(self, world, signed_in):
        DriftAlarm.objects.all().delete()
        PullProbe.objects.all().delete()
        page = text_of(signed_in(world.viewer).get("/certified-side"))
        assert "Nothing was tried yet: whether it can be pulled is not known." in page
        assert "could be pulled" not in page


class TestDifference:
    def test_its_title_names_both(self, world, signed_in):
        other = SubversionFactory(world.now)
        answer = signed_in(world.viewer).get(f"/difference/{world.good.artifact.digest}/{other.artifact.digest}")
        title = re.search(r"<title>(.*?)</title>", text_of(answer), re.DOTALL).group(1)
        assert f"{other} against {world.good}" in title


class TestWords:
    @pytest.mark.parametrize(
        ("value", "words"),
        [([], "none"), (["deb", "gem"], "deb, gem"), ({"deb": 99}, "deb 99"), (True, "yes"), (0, "0"), (None, "none")],
    )
    def test_of_stored_facts_are_no_code(self, value, words):
        assert in_words(value) == words

    @pytest.mark.parametrize(
        ("cause", "words"), [("by_hand", "by hand"), ("The base_image of ours moved.", "The base_image of ours moved.")]
    )
    def test_of_a_timeline_are_no_code_either(self, world, cause, words):
        assert told([Record(verb="cause.noted", at=world.now, data={"cause": cause})])[0].reason == words


def told_at(page: str, field: str) -> str:
    """What a form says at one of its fields."""
    found = re.search(rf'id="id_{field}_error"[^>]*>(.*?)</div>', page, re.DOTALL)
    return re.sub(r"<[^>]*>|\s+", " ", found.group(1)) if found else ""


class TestForms:
    def asked(self, world, **changed: str) -> dict[str, str]:
        last = (world.now + timedelta(days=20)).strftime("%Y-%m-%d")
        fields = {"rule": "GG1020", "scope_kind": "version", "scope": "debian/12", "ends_on": last}
        return fields | {"reason": "Until its release."} | changed

    @pytest.mark.parametrize(
        ("changed", "field", "words"),
        [
            ({"scope": "debian/99"}, "scope", "There is no debian/99"),
            ({"scope_kind": "source", "scope": "nope"}, "scope", "nope"),
            ({"scope_kind": "digest", "scope": "sha256:12"}, "scope", "a digest as sha256:"),
            ({"ends_on": "2099-01-01"}, "ends_on", "at most 180 days"),
        ],
    )
    def test_of_a_waiver_says_what_is_wrong_at_its_field(self, world, signed_in, changed, field, words):
        answer = signed_in(world.requester).post("/waivers/new", self.asked(world, **changed))
        assert answer.status_code == 400
        assert words in told_at(text_of(answer), field)

    def test_says_a_cure_once_above_the_form(self, world, signed_in):
        page = text_of(signed_in(world.requester).post("/waivers/new", self.asked(world, rule="nonsense")))
        above = page[page.index("This was not done.") : page.index('class="gg-form"')]
        assert above.count("Name it as the check does") == 1

    def test_of_a_difference_says_it_at_each_field(self, world, signed_in):
        answer = signed_in(world.viewer).get(f"/difference?older=foo&newer=sha256:{'f' * 64}")
        assert answer.status_code == 400
        assert "foo" in told_at(text_of(answer), "older")
        assert "is known" in told_at(text_of(answer), "newer")

    def test_of_a_cluster_and_of_an_import_name_their_field(self, world, signed_in):
        client = signed_in(world.admin)
        assert "is no cluster name" in told_at(text_of(client.post("/clusters/new", {"name": "No Name!"})), "name")
        page = text_of(client.post("/imports/new", {"way": "reference", "reference": "nope nope"}))
        assert "is not an image reference" in told_at(page, "reference")
