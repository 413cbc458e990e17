"""What the pages say of an image in which nobody can tell what is in it, and of the waiver that lets that pass."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.roles import Role
from approvals import services
from catalog.models import Subversion
from tests.factories.accounts import person_with
from tests.factories.approvals import ProposalFactory, bare, certified, inventory_waiver, known
from tests.factories.catalog import SubversionFactory, VersionFactory
from web.views.subversion import url_of

pytestmark = pytest.mark.django_db
NOTHING_COMPARED = "Nothing was compared: an empty list says nothing."


@pytest.fixture
def hello() -> Subversion:
    now = timezone.now()
    made = SubversionFactory(now, version=VersionFactory(now, "hello/1"))
    bare(made.artifact, now)
    return made


@pytest.fixture
def text_of(signed_in, reviewer):
    return lambda path, person=reviewer: signed_in(person).get(path).content.decode()


class TestBuild:
    def test_no_finding_is_not_shown_as_clean_and_a_waiver_can_be_asked_for(self, hello, text_of):
        page = text_of(url_of(hello), person_with(Role.REQUESTER))
        assert "Nothing was compared that would count" in page
        for clean in ("Nothing in it is known to be exploited", "Nothing in it has a fix", "Nothing in it is without"):
            assert clean not in page
        assert f"rule=GG3001&amp;scope_kind=digest&amp;scope={hello.artifact.digest.replace(':', '%3A')}" in page

    def test_under_a_waiver_it_says_who_and_why_and_names_it(self, hello, text_of):
        grant = inventory_waiver(timezone.now(), scope_kind="version", scope="hello/1")
        page = text_of(url_of(hello))
        assert f"by {grant.given_by}" in page
        assert grant.reason in page
        assert f"/waivers/{grant.pk}" in page
        assert "Nothing was compared: there is no inventory of it; waived until" in page

    def test_a_certified_one_whose_waiver_ended_says_that_gates_refuse_it(self, hello, text_of):
        now = timezone.now()
        grant = inventory_waiver(now, scope_kind="version", scope="hello/1")
        certified(now, proposal=ProposalFactory(now, subversion=hello))
        said = "gates refuse it where it does not run yet, although it is certified"
        assert said not in text_of(url_of(hello))
        services.end_waiver(grant_id=grant.pk, person=grant.asked_by, reason="No.", now=timezone.now())
        assert said in text_of(url_of(hello))


class TestReview:
    def review(self, subversion: Subversion, text_of) -> str:
        proposal = ProposalFactory(timezone.now(), subversion=subversion)
        return text_of(f"/reviews/{proposal.pk}")

    def test_an_empty_list_is_not_shown_as_nothing_found(self, hello, text_of):
        page = self.review(hello, text_of)
        assert NOTHING_COMPARED in page
        assert "The scan found nothing" not in page

    def test_the_waiver_that_stands_in_the_packet_is_shown(self, hello, text_of):
        grant = inventory_waiver(timezone.now(), scope_kind="version", scope="hello/1")
        page = self.review(hello, text_of)
        told = f"That there is no inventory may pass until {grant.ends_at:%Y-%m-%d}, by {grant.given_by.username}"
        assert told in page

    def test_a_complete_scan_that_found_nothing_says_so(self, text_of):
        made = SubversionFactory(timezone.now())
        known(made.artifact, timezone.now())
        page = self.review(made, text_of)
        assert "The scan found nothing." in page
        assert NOTHING_COMPARED not in page


class TestWaiver:
    def test_it_says_what_it_speaks_about(self, hello, text_of):
        now = timezone.now()
        other = SubversionFactory(now, version=hello.version, name="1-other")
        known(other.artifact, now)
        grant = inventory_waiver(now, scope_kind="version", scope="hello/1")
        page = text_of(f"/waivers/{grant.pk}")
        assert "That nobody can tell what is in it may pass until its end." in page
        assert url_of(hello) in page
        assert url_of(other) not in page
        services.end_waiver(grant_id=grant.pk, person=grant.asked_by, reason="Attested.", now=timezone.now())
        assert "certifying and gates refuse again" in text_of(f"/waivers/{grant.pk}")

    def test_one_of_a_hardening_check_says_nothing_of_it(self, hello, text_of):
        now = timezone.now()
        asked = services.ask_waiver(
            rule="GG2001",
            scope_kind="version",
            scope="hello/1",
            reason="Another matter.",
            ends_at=now + timedelta(days=1),
            asked_by=person_with(Role.REQUESTER),
            now=now,
        )
        assert "What it speaks about" not in text_of(f"/waivers/{asked.pk}")
