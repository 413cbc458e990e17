"""Waves over REST."""

from datetime import datetime, timedelta

import pytest
from django.db import transaction
from rest_framework.test import APIClient

from accounts.roles import Role
from approvals.services import propose, review_packet
from builds.models import Source
from builds.services.events import fix_seen
from builds.services.waves import advance_waves
from tests.builds.waves.world import certified, finish, row_of, with_fixes
from tests.factories.accounts import person_with

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin() -> APIClient:
    client = APIClient()
    client.force_authenticate(person_with(Role.PLATFORM_ADMIN))
    return client


class TestWaves:
    def test_are_opened_by_hand(self, admin: APIClient, now: datetime) -> None:
        base = certified(now)
        child = certified(now, on=base)

        answer = admin.post("/api/v1/waves", {"version": str(base.version)}, format="json")

        assert answer.status_code == 201
        told = answer.json()
        assert [(row["version"], row["parent"], row["outcome"]) for row in told["rows"]] == [
            (str(base.version), None, "building"),
            (str(child.version), str(base.version), "waits"),
        ]
        assert admin.get(answer.headers["Location"]).json() == told
        listed = admin.get("/api/v1/waves?open=true").json()["results"]
        assert [(row["id"], row["image_count"], row["done_count"]) for row in listed] == [(told["id"], 2, 0)]

    def test_of_a_paused_source_are_refused_and_nothing_is_opened(self, admin: APIClient, now: datetime) -> None:
        base = certified(now)
        Source.objects.update(is_paused=True)

        answer = admin.post("/api/v1/waves", {"version": str(base.version)}, format="json")

        assert (answer.status_code, answer.json()["code"]) == (409, "source_paused")
        assert admin.get("/api/v1/waves").json()["results"] == []

    def test_a_viewer_may_not_open_one(self, now: datetime) -> None:
        client = APIClient()
        client.force_authenticate(person_with(Role.VIEWER))

        answer = client.post("/api/v1/waves", {"version": str(certified(now).version)}, format="json")

        assert answer.status_code == 403

    def test_one_that_is_not_there(self, admin: APIClient) -> None:
        answer = admin.get("/api/v1/waves/01980000-0000-7000-8000-000000000000")

        assert (answer.status_code, answer.json()["code"]) == (404, "wave_missing")

    def test_a_candidate_says_how_many_reviewers_are_missing(self, admin: APIClient, now: datetime) -> None:
        base = certified(now)
        with_fixes(base, now, "CVE-1")
        wave = fix_seen(artifact_id=base.artifact_id, now=now)
        assert wave is not None
        candidate = finish(row_of(wave, base), now + timedelta(hours=1))
        assert candidate is not None
        advance_waves(now=now + timedelta(hours=1))
        with transaction.atomic():
            proposal = propose(subversion=candidate, proposed_by=person_with(Role.PLATFORM_ADMIN), now=now)

        def told() -> tuple[str, str]:
            row = admin.get(f"/api/v1/waves/{wave.pk}").json()["rows"][0]
            return row["outcome"], row["sentence"]

        assert told() == ("in_review", f"{candidate.name} waits for 2 reviewers.")
        review_packet(
            proposal_id=proposal.pk,
            reviewer=person_with(Role.SECURITY_REVIEWER),
            outcome="request_changes",
            reason="Why?",
            packet_sha256=proposal.current_packet.sha256,
            now=now,
        )
        assert told() == ("in_review", f"{candidate.name} waits for 2 reviewers.")
