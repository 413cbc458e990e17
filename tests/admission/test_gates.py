"""Clusters, enrolment, and what a gate tells: over the API, as a gate and as people."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
import uuid6
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.roles import Role, Scope
from admission import selectors, services
from admission.errors import ClusterExists, EnrolmentRefused, MalformedClusterName
from admission.models import AdmittedDigest, Decision, EnrolmentToken, Gate, SnapshotChange
from admission.published import published_snapshot
from audit.models import Record
from tests.factories.accounts import person_with, token_for
from tests.factories.admission import ACTOR, decision_row, enrolled_gate

DIGEST = "sha256:" + "ab" * 32

pytestmark = pytest.mark.django_db


@pytest.fixture
def at():
    return timezone.now()


@pytest.fixture
def gate_and_secret(at):
    return enrolled_gate(now=at)


@pytest.fixture
def gate(gate_and_secret) -> Gate:
    return gate_and_secret[0]


def client(secret: str = "") -> APIClient:
    found = APIClient()
    if secret:
        found.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    return found


@pytest.fixture
def gate_client(gate_and_secret) -> APIClient:
    return client(gate_and_secret[1])


@pytest.fixture
def admin() -> APIClient:
    _, secret = token_for(person_with(Role.PLATFORM_ADMIN), Scope.READ, Scope.CLUSTERS)
    return client(secret)


class TestEnrolment:
    def test_the_whole_way_over_the_api(self, admin, publisher, now):
        publisher.publish_due(now=now)
        assert admin.post("/api/v1/clusters", {"name": "east"}, format="json").status_code == 201
        token = admin.post("/api/v1/clusters/east/enrolment-tokens").json()
        assert token["root_sha256"] == selectors.root_fingerprint()
        body = {"enrolment_token": token["enrolment_token"], "name": "host-1"}
        answer = client().post("/api/v1/gates", body, format="json")
        assert answer.status_code == 201
        assert answer.json()["cluster"] == "east"
        assert answer.json()["metadata_url"].endswith("/tuf/metadata")
        beat = {
            "snapshot_version": 7,
            "spool_depth": 0,
            "spool_bytes": 9,
            "ca_bundle_pem": "",
            "asks_callers_for": "a token",
        }
        sent = client(answer.json()["token"]).post("/api/v1/gates/heartbeat", beat, format="json")
        assert sent.status_code == 204
        told = admin.get("/api/v1/gates").json()["results"][0]
        assert (told["snapshot_version"], told["asks_callers_for"]) == (7, "a token")

    def test_secrets_are_kept_by_hash_alone(self, at):
        cluster = services.add_cluster(name="east", actor=ACTOR, now=at)
        _, secret = services.create_enrolment_token(cluster=cluster, actor=ACTOR, now=at)
        _, gate_secret = services.enrol_gate(secret=secret, now=at)
        kept = [
            *EnrolmentToken.objects.values_list("sha256", flat=True),
            *Gate.objects.values_list("token_sha256", flat=True),
        ]
        assert all(len(text) == 64 for text in kept)
        record = "".join(str(row) for row in Record.objects.values_list("data", "subject_label"))
        assert secret not in record
        assert gate_secret not in record

    def test_a_token_is_good_once_and_for_a_day(self, at):
        cluster = services.add_cluster(name="east", actor=ACTOR, now=at)
        _, used = services.create_enrolment_token(cluster=cluster, actor=ACTOR, now=at)
        services.enrol_gate(secret=used, now=at)
        _, late = services.create_enrolment_token(cluster=cluster, actor=ACTOR, now=at)
        for secret, when in ((used, at), (late, at + timedelta(hours=24)), ("gge_unknown", at), ("", at)):
            with pytest.raises(EnrolmentRefused):
                services.enrol_gate(secret=secret, now=when)
        assert Gate.objects.count() == 1
        services.enrol_gate(secret=late, now=at + timedelta(hours=23, minutes=59))

    @pytest.mark.parametrize("name", ["", "East", "-east", "east-", "a.b", "a" * 64, "east\n", "../x"])
    def test_a_name_that_is_no_label_is_refused(self, at, name):
        with pytest.raises(MalformedClusterName):
            services.add_cluster(name=name, actor=ACTOR, now=at)

    def test_a_name_is_taken_once(self, at):
        services.add_cluster(name="east", actor=ACTOR, now=at)
        with pytest.raises(ClusterExists):
            services.add_cluster(name="east", actor=ACTOR, now=at)

    def test_a_retired_gate_is_heard_no_more(self, gate, gate_client, at):
        services.retire_gate(gate_id=gate.pk, actor=ACTOR, now=at)
        assert gate_client.post("/api/v1/gates/heartbeat", {}, format="json").status_code == 401

    @pytest.mark.parametrize("secret", ["ggg_unknown", "ggt_" + "x" * 40, "x" * 5000])
    def test_another_token_is_no_gates(self, gate, secret):
        assert client(secret).post("/api/v1/gates/heartbeat", {}, format="json").status_code == 401

    def test_a_person_is_no_gate_and_a_gate_is_no_person(self, admin, gate_client):
        assert admin.post("/api/v1/gates/decisions", {"decisions": []}, format="json").status_code == 401
        assert client().post("/api/v1/gates/heartbeat", {}, format="json").status_code == 401
        assert gate_client.get("/api/v1/clusters").status_code == 401

    def test_a_viewer_adds_no_cluster(self):
        _, secret = token_for(person_with(Role.VIEWER), Scope.READ, Scope.CLUSTERS)
        assert client(secret).get("/api/v1/clusters").status_code == 200
        assert client(secret).post("/api/v1/clusters", {"name": "east"}, format="json").status_code == 403


class TestShippedDecisions:
    def ship(self, gate_client, *rows):
        return gate_client.post("/api/v1/gates/decisions", {"decisions": list(rows)}, format="json")

    def test_each_is_kept_once_and_belongs_to_the_gates_own_cluster(self, gate_client, gate, at):
        row = decision_row(str(uuid6.uuid7()), at=at, digest=DIGEST, cluster="another")
        for _ in range(3):
            assert self.ship(gate_client, row).json() == {"accepted": [row["id"]]}
        decision = Decision.objects.get()
        assert (decision.cluster.name, decision.gate, decision.user) == ("east", gate, "alice")

    def test_what_was_admitted_is_said_in_the_next_snapshot(self, gate_client, publisher, at):
        publisher.publish_due(now=at)
        self.ship(gate_client, decision_row(str(uuid6.uuid7()), at=at, digest=DIGEST))
        publisher.publish_due(now=at)
        assert published_snapshot().ran_at(cluster="east", namespace="shop", digest=DIGEST) == int(at.timestamp())
        assert published_snapshot().ran_at(cluster="east", namespace="other", digest=DIGEST) == 0

    def test_what_was_refused_did_not_run(self, gate_client, at):
        self.ship(gate_client, decision_row(str(uuid6.uuid7()), at=at, digest=DIGEST, allowed=False))
        assert not AdmittedDigest.objects.exists()

    def test_what_was_only_asked_about_did_not_run(self, gate_client, at):
        self.ship(gate_client, decision_row(str(uuid6.uuid7()), at=at, digest=DIGEST, operation="ASK"))
        assert Decision.objects.count() == 1
        assert not AdmittedDigest.objects.exists()

    def test_the_same_digest_again_wakes_nobody(self, gate_client, at):
        for minutes in (0, 5, 10):
            row = decision_row(str(uuid6.uuid7()), at=at - timedelta(minutes=minutes), digest=DIGEST)
            self.ship(gate_client, row)
        assert SnapshotChange.objects.filter(verb="digest.admitted").count() == 1

    @pytest.mark.parametrize(
        "wrong",
        [
            {"id": "1"},
            {"at": "yesterday"},
            {"at": "2026-11-24T12:00:00"},
            {"allowed": "yes"},
            {"images": [{"reference": 1}]},
            {"groups": "all"},
            {"snapshot_version": None},
            {"snapshot_version": 2**63},
            {"policy_version": -1},
            {"at": "2026-13-41T00:00:00Z"},
            {"valid_until": "9999-99-99T00:00:00Z"},
            {"valid_until": "9999-12-31T23:00:00-05:00"},
            {"at": "0001-01-01T00:00:00+05:00"},
        ],
    )
    def test_one_row_that_cannot_be_read_refuses_the_batch_and_is_named(self, gate_client, at, wrong):
        good = decision_row(str(uuid6.uuid7()), at=at, digest=DIGEST)
        bad = decision_row(str(uuid6.uuid7()), at=at, digest=DIGEST) | wrong
        answer = self.ship(gate_client, good, bad)
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["pointer"] == "/decisions/1"
        assert not Decision.objects.exists()

    def test_a_missing_member_is_refused(self, gate_client, at):
        row = decision_row(str(uuid6.uuid7()), at=at, digest=DIGEST)
        del row["allowed"]
        assert self.ship(gate_client, row).status_code == 400

    def test_too_many_at_once_are_refused(self, gate_client, at):
        rows = [decision_row(str(uuid6.uuid7()), at=at, digest=DIGEST)] * 1001
        assert self.ship(gate_client, *rows).status_code == 400

    def test_a_nul_and_long_texts_are_kept_short_and_clean(self, gate_client, at):
        row = decision_row(str(uuid6.uuid7()), at=at, digest=DIGEST, object_name="a\0" * 500)
        assert self.ship(gate_client, row).status_code == 200
        assert len(Decision.objects.get().object_name) == 253

    def test_an_offset_that_the_database_does_not_know_is_understood(self, gate_client, at):
        row = decision_row(str(uuid6.uuid7()), at=at, digest=DIGEST) | {"at": "2020-01-01T00:00:00-19:21"}
        assert self.ship(gate_client, row).status_code == 200
        assert Decision.objects.get().at == datetime(2020, 1, 1, 19, 21, tzinfo=UTC)

    def test_a_gate_whose_clock_is_ahead_extends_no_window(self, gate_client, at):
        self.ship(gate_client, decision_row(str(uuid6.uuid7()), at=at + timedelta(days=400), digest=DIGEST))
        assert AdmittedDigest.objects.get().last_at <= timezone.now()

    def test_a_decision_about_very_many_images_is_kept_with_the_refused_ones(self, gate_client, at):
        check = {"code": "known", "outcome": "pass", "reason": "x" * 5000}
        image = {"reference": "a", "path": "p", "digest": "", "allowed": True, "line": "deploy", "checks": [check]}
        images = [image | {"allowed": number != 399, "valid_until": 0} for number in range(400)]
        row = decision_row(str(uuid6.uuid7()), at=at, digest=DIGEST, images=images)
        assert self.ship(gate_client, row).status_code == 200
        assert Decision.objects.get().images[0]["allowed"] is False

    def test_one_gate_cannot_overwrite_anothers_decision(self, gate_client, at):
        row = decision_row(str(uuid6.uuid7()), at=at, digest=DIGEST)
        self.ship(gate_client, row)
        _, other = enrolled_gate(now=at, cluster="west")
        self.ship(client(other), row | {"user": "mallory", "allowed": False})
        assert (Decision.objects.get().user, Decision.objects.get().cluster.name) == ("alice", "east")


@pytest.mark.django_db(transaction=True)
class TestTwoGates:
    def test_of_two_with_one_token_one_joins(self, at):
        cluster = services.add_cluster(name="east", actor=ACTOR, now=at)
        _, secret = services.create_enrolment_token(cluster=cluster, actor=ACTOR, now=at)
        barrier = threading.Barrier(4)
        outcomes = []

        def join():
            barrier.wait(10)
            try:
                services.enrol_gate(secret=secret, now=at)
                outcomes.append("joined")
            except EnrolmentRefused:
                outcomes.append("refused")
            finally:
                connection.close()

        threads = [threading.Thread(target=join) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert sorted(outcomes) == ["joined", "refused", "refused", "refused"]
        assert Gate.objects.count() == 1
