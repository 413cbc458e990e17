"""Scans, findings and bills of materials over REST."""

import csv
import io
from dataclasses import replace

import pytest
from rest_framework.test import APIClient

from accounts.roles import Role
from jobs.models import Job
from registry.blobs import kept_blobs
from scans.models import Inventory
from tests.factories.accounts import person_with
from tests.factories.scans import (
    ENDS,
    FIXES,
    UNFIXED,
    deb,
    image_artifact,
    import_real_feeds,
    import_records,
    osv,
    scan_of,
)

pytestmark = pytest.mark.django_db


def client_of(*roles: Role) -> APIClient:
    client = APIClient()
    client.force_authenticate(person_with(*roles))
    return client


@pytest.fixture
def viewer() -> APIClient:
    return client_of(Role.VIEWER)


@pytest.fixture
def image(now):
    import_real_feeds(now, files=(FIXES, UNFIXED, ENDS))
    image = image_artifact(now)
    components = [deb(f"lib{number}", "1:1.2.13-1", source="zlib") for number in range(5)]
    scan_of(image, now, [*components, deb("tar", "1.34+dfsg-1.2+deb12u1")])
    return image


class TestScan:
    def test_is_judged_for_now(self, viewer, image):
        body = viewer.get(f"/api/v1/artifacts/{image.digest}/scan").json()
        # Its advisories are of November 2026: by the clock of whoever runs this they may be too old.
        assert body["state"] in ("complete", "stale")
        assert body["os"] == "debian 12"
        assert body["summary"]["unfixed_pairs"] == 6
        assert body["component_count"] == 6

    def test_of_what_nobody_looked_into_is_missing(self, viewer, now):
        image = image_artifact(now)
        for part in ("scan", "findings", "sbom"):
            answer = viewer.get(f"/api/v1/artifacts/{image.digest}/{part}")
            assert (answer.status_code, answer.json()["code"]) == (404, "not_inventoried")

    @pytest.mark.parametrize("digest", ["sha256:" + "0" * 64, "latest", "sha256:'; DROP TABLE"])
    def test_of_an_unknown_digest_is_missing(self, viewer, digest):
        for part in ("scan", "findings", "sbom"):
            assert viewer.get(f"/api/v1/artifacts/{digest}/{part}").status_code == 404

    def test_again_is_a_job(self, image):
        answer = client_of(Role.REQUESTER).post(f"/api/v1/artifacts/{image.digest}/scan")
        job = Job.objects.get(kind="scans.inventory")
        assert answer.status_code == 202
        assert answer.headers["Location"] == f"/api/v1/jobs/{job.pk}"

    def test_again_is_not_for_viewers(self, viewer, image):
        assert viewer.post(f"/api/v1/artifacts/{image.digest}/scan").status_code == 403
        assert not Job.objects.filter(kind="scans.inventory").exists()


class TestFindings:
    def test_come_in_pages_that_miss_nothing(self, viewer, image):
        url, seen = f"/api/v1/artifacts/{image.digest}/findings?limit=4&count=exact", []
        while url:
            answer = viewer.get(url)
            body = answer.json()
            assert body.get("count", 6) == 6
            seen += [(row["severity"], row["vulnerability_id"], row["package"]) for row in body["results"]]
            url = body["next"]
        assert seen == [
            *[("critical", "CVE-2023-45853", f"lib{number}") for number in range(5)],
            ("high", "CVE-2005-2541", "tar"),
        ]

    @pytest.mark.parametrize(
        ("query", "count"),
        [
            ("severity=critical", 5),
            ("severity=low", 0),
            ("fixable=true", 0),
            ("fixable=false", 6),
            ("package=tar", 1),
            ("package=zlib", 5),
            ("vulnerability=CVE-2005-2541", 1),
            ("vulnerability=DEBIAN-CVE-2005-2541", 1),
            ("known_exploited=true", 0),
            ("outcome=cannot_compare", 0),
        ],
    )
    def test_can_be_filtered(self, viewer, image, query, count):
        assert len(viewer.get(f"/api/v1/artifacts/{image.digest}/findings?{query}").json()["results"]) == count

    @pytest.mark.parametrize(
        "query",
        [
            "severity=severe",
            "fixable=1",
            "limit=0",
            "limit=x",
            "cursor=x",
            "count=about",
            "sort=x",
            "severity=low&severity=high",
        ],
    )
    def test_a_wrong_parameter_is_named(self, viewer, image, query):
        answer = viewer.get(f"/api/v1/artifacts/{image.digest}/findings?{query}")
        assert answer.status_code == 400
        assert query.split("=")[0] in answer.json()["errors"][0]["pointer"]

    def test_a_cursor_is_good_for_its_own_list_alone(self, viewer, image):
        following = viewer.get(f"/api/v1/artifacts/{image.digest}/findings?limit=1").json()["next"]
        answer = viewer.get(following + "&severity=critical")
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "bad_cursor")

    @pytest.mark.parametrize("headers", [{"HTTP_ACCEPT": "text/csv"}, {"QUERY_STRING": "format=csv"}])
    def test_are_also_csv(self, viewer, image, headers):
        answer = viewer.get(f"/api/v1/artifacts/{image.digest}/findings", **headers)
        assert answer.headers["Content-Type"].startswith("text/csv")
        rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode())))
        assert len(rows) == 6
        assert (rows[0]["vulnerability"], rows[0]["severity"]) == ("CVE-2023-45853", "critical")

    @pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t"])
    def test_no_cell_is_a_formula(self, viewer, now, tmp_path, start):
        import_records(now, tmp_path, [osv("X-1", "zlib", ("introduced", "0"))])
        image = image_artifact(now)
        hostile = deb("x", "1", source="zlib")
        scan_of(image, now, [replace(hostile, name=f"{start}cmd|' /C calc'!A0")])
        answer = viewer.get(f"/api/v1/artifacts/{image.digest}/findings?format=csv")
        (row,) = csv.DictReader(io.StringIO(answer.getvalue().decode()))
        assert row["package"].startswith(f"'{start}")

    def test_need_a_sign_in(self, image):
        assert APIClient().get(f"/api/v1/artifacts/{image.digest}/findings").status_code == 401


class TestSbom:
    def test_is_byte_for_byte_what_the_scanner_wrote(self, viewer, image):
        body = b'{"bomFormat": "CycloneDX",\n "x": "<script>"}'
        Inventory.objects.update(sbom_digest=str(kept_blobs().put(body)))
        answer = viewer.get(f"/api/v1/artifacts/{image.digest}/sbom", HTTP_ACCEPT="text/html")
        assert answer.getvalue() == body
        assert answer.headers["Content-Type"] == "application/vnd.cyclonedx+json; version=1.6"
        assert answer.headers["Content-Disposition"].startswith("attachment")

    def test_whose_bytes_are_lost_is_missing(self, viewer, image):
        answer = viewer.get(f"/api/v1/artifacts/{image.digest}/sbom")
        assert (answer.status_code, answer.json()["code"]) == (404, "blob_missing")
