from datetime import datetime, timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.roles import Role
from approvals.models import Certification, Packet
from approvals.services import end_waiver
from audit.actor import Actor, Subject
from audit.services import record
from audit.verbs import Verb
from jobs.models import Job
from tests.factories.accounts import person_with
from tests.factories.approvals import (
    Finding,
    ProposalFactory,
    approve,
    bare,
    certifying,
    inventory_waiver,
    known,
    publish,
)
from tests.factories.catalog import SubversionFactory, VersionFactory
from tests.jobs.support import run_due_jobs

pytestmark = pytest.mark.django_db


@pytest.fixture
def now() -> datetime:
    """Jobs read the machine's clock, and waivers and evidence end."""
    return timezone.now() - timedelta(minutes=2)


def told(verb, kind, thing, now):
    with transaction.atomic():
        record(verb, actor=Actor.system("tests"), subject=Subject(kind, str(thing.pk), "x"), at=now)


class TestRefresh:
    @pytest.mark.parametrize("verb", [Verb.FINDINGS_CHANGED, Verb.ARTIFACT_SCANNED])
    def test_what_moves_evidence_freezes_a_new_packet(self, now, verb):
        proposal = ProposalFactory(now)
        approve(proposal, person_with(Role.REVIEWER), now)
        artifact = proposal.subversion.artifact
        known(artifact, now, [Finding("CVE-2026-9", "zlib1g", "1.2", "", "high")])
        told(verb, "artifact", artifact, now)
        told(verb, "artifact", artifact, now)
        jobs = [job for job in run_due_jobs() if job.kind == "approvals.refresh"]
        assert [job.state for job in jobs] == ["succeeded"], "two changes before it ran are one job"
        assert Packet.objects.filter(proposal=proposal).count() == 2


class TestRefreshWaived:
    def ran(self) -> list[str]:
        return [job.state for job in run_due_jobs() if job.kind == "approvals.refresh_waived"]

    def inventory(self, proposal) -> dict:
        proposal.refresh_from_db()
        return proposal.current_packet.document["artifacts"][0]["inventory"]

    def test_a_waiver_given_and_ended_freezes_new_packets(self, now):
        subversion = SubversionFactory(now, version=VersionFactory(now, "hello/1"))
        bare(subversion.artifact, now)
        proposal = ProposalFactory(now, subversion=subversion)
        grant = inventory_waiver(now, scope_kind="version", scope="hello/1")
        assert "waiver" not in self.inventory(proposal)
        assert self.ran() == ["succeeded"]
        assert self.inventory(proposal)["waiver"]["waived_by"] == grant.given_by.username
        end_waiver(grant_id=grant.pk, person=grant.asked_by, reason="It is attested.", now=timezone.now())
        assert self.ran() == ["succeeded"]
        assert "waiver" not in self.inventory(proposal)


class TestFinalise:
    def test_follows_from_the_signature_that_was_sent(self, now):
        certification = certifying(now)
        Job.objects.all().delete()
        publish(certification, now)
        told(Verb.PUBLICATION_SENT, "publication", certification.publication, now)
        assert [job.state for job in run_due_jobs() if job.kind == "approvals.finalise"] == ["succeeded"]
        assert Certification.objects.get().finalised_at is not None

    def test_waits_where_the_signature_is_not_sent(self, now):
        certification = certifying(now)
        Job.objects.all().delete()
        told(Verb.PUBLICATION_SENT, "publication", certification.publication, now)
        job = next(job for job in run_due_jobs() if job.kind == "approvals.finalise")
        assert (job.state, job.error_code) == ("queued", "publication_not_sent")
