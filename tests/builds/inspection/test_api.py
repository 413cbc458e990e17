"""Inspections, checks and rules over REST."""

import pytest
from rest_framework.test import APIClient

from accounts.roles import Role
from builds.models import Inspection
from builds.services.inspections import inspect_artifact
from jobs.models import Job
from tests.builds.inspection.imported import imported
from tests.builds.inspection.layer_bytes import entry, layer
from tests.factories.accounts import person_with
from tests.factories.catalog import IndexFactory
from tests.factories.registry import artifact_row

pytestmark = pytest.mark.django_db


def client_of(*roles: Role) -> APIClient:
    client = APIClient()
    client.force_authenticate(person_with(*roles))
    return client


@pytest.fixture
def viewer() -> APIClient:
    return client_of(Role.VIEWER)


@pytest.fixture
def image(now, tmp_path):
    found = imported(tmp_path, layer(entry("bin/sh", b"x", mode=0o755), entry("opt/su", b"x", mode=0o4755)))
    inspect_artifact(found.pk, now=now)
    return found


class TestInspection:
    def test_says_what_is_known_of_each_image(self, viewer, image, now):
        unknown, failed = artifact_row(), artifact_row()
        inspect_artifact(failed.pk, now=now)
        index = IndexFactory(now, image, unknown, failed)
        rows = viewer.get(f"/api/v1/artifacts/{index.digest}/inspection").json()["images"]
        assert [row["state"] for row in rows] == ["complete", "unknown", "failed"]
        assert rows[0]["checks"] == {"error": 0, "warning": 2, "note": 1}
        assert rows[0]["profile"]["shells"] == ["sh"]
        assert rows[1]["checks"] is None
        assert rows[2]["checks"] is None
        assert "Import it" in rows[2]["failure"]

    def test_of_an_unknown_digest_is_missing(self, viewer):
        assert viewer.get(f"/api/v1/artifacts/sha256:{'0' * 64}/inspection").status_code == 404

    def test_again_is_a_job(self, image):
        Inspection.objects.all().delete()
        answer = client_of(Role.REQUESTER).post(f"/api/v1/artifacts/{image.digest}/inspection")
        assert answer.status_code == 202
        assert Job.objects.get(kind="builds.inspect").subject_id == str(image.pk)
        assert answer["Location"].startswith("/api/v1/jobs/")

    def test_again_is_not_for_viewers(self, viewer, image):
        assert viewer.post(f"/api/v1/artifacts/{image.digest}/inspection").status_code == 403


class TestChecks:
    def test_are_listed_with_rule_and_cure(self, viewer, image):
        rows = viewer.get(f"/api/v1/artifacts/{image.digest}/checks").json()["results"]
        first = next(row for row in rows if row["rule"] == "GG2001")
        assert (first["severity"], first["path"], first["image"]) == ("warning", "opt/su", image.digest)
        assert first["title"] == "Set-uid or set-gid program"
        assert first["remedy"]

    @pytest.mark.parametrize(
        ("query", "count"), [("", 3), ("?severity=note", 1), ("?rule=GG2001", 1), ("?rule=GG2001&severity=error", 0)]
    )
    def test_can_be_filtered(self, viewer, image, query, count):
        assert len(viewer.get(f"/api/v1/artifacts/{image.digest}/checks{query}").json()["results"]) == count

    def test_a_wrong_filter_is_named(self, viewer, image):
        assert viewer.get(f"/api/v1/artifacts/{image.digest}/checks?severity=bad").status_code == 400


class TestRules:
    def test_say_why_and_what_to_do(self, viewer):
        rows = viewer.get("/api/v1/image-rules").json()
        assert {"id", "title", "why", "cure"} == set(rows[0])
        assert rows[0]["id"] == "GG2001"
