"""AdmissionReview v1: whatever comes in, one well-formed answer goes out, and nothing unread reads as yes."""

import json
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.admission_review import API_VERSION, MAX_BODY_BYTES, answer
from gate.checks import reference
from gate.line import MAX_LINE, MAX_WARNING
from gate.record import short_id
from tests.factories.gate import (
    APP_NAME,
    APP_REFERENCE,
    BASE_NAME,
    DAY,
    NOW,
    SnapshotFactory,
    application,
    certified_base,
    digest_of,
)
from tests.factories.reviews import KINDS, container, object_of, pod, pod_spec, review

UID = review()["request"]["uid"]
UNCERTIFIED = f"{APP_NAME}@{digest_of('uncertified')}"


def ask(snapshot: Any, value: Any, at: int = NOW) -> tuple[dict[str, Any], Any]:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    found = answer(body, snapshot=snapshot, at=at, cluster="prod")
    reply = json.loads(found.reply)
    assert (reply["apiVersion"], reply["kind"]) == (API_VERSION, "AdmissionReview")
    assert set(reply) == {"apiVersion", "kind", "response"}
    assert isinstance(reply["response"]["allowed"], bool)
    if not reply["response"]["allowed"]:
        assert reply["response"]["status"]["code"] == 403
        assert reply["response"]["status"]["message"]
    return reply["response"], found.decision


class TestCreate:
    def test_a_certified_pod_is_admitted_with_the_decision_id(self, snapshot_of: SnapshotFactory):
        response, decision = ask(snapshot_of(), review())
        assert response == {"uid": UID, "allowed": True, "auditAnnotations": {"decision": decision.id}}

    def test_an_uncertified_one_is_refused(self, snapshot_of: SnapshotFactory):
        response, decision = ask(snapshot_of(), review(pod(pod_spec(container(UNCERTIFIED)))))
        assert response["uid"] == UID
        assert response["allowed"] is False
        assert decision.allowed is False
        assert decision.message == response["status"]["message"]

    def test_the_decision_keeps_who_asked_for_what(self, snapshot_of: SnapshotFactory):
        owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-7", "uid": "r-1", "controller": True}
        _, decision = ask(snapshot_of(), review(pod(ownerReferences=[owner])))
        assert decision.user == "kim@corp"
        assert decision.user_uid == "u-1"
        assert decision.groups == ["dev", "system:authenticated"]
        assert decision.owner_refs == [owner]
        assert decision.object_uid == "0c1d"
        assert (decision.operation, decision.object_kind, decision.object_namespace) == ("CREATE", "Pod", "web")
        assert (decision.object_name, decision.cluster) == ("web-1", "prod")
        assert decision.short_id == short_id(UUID(decision.id))
        assert json.loads(msgspec.json.encode(decision))["images"][0]["checks"][0]["outcome"] == "pass"

    @pytest.mark.parametrize("kind", KINDS[:9])
    def test_a_kind_that_carries_pods_but_shows_no_image_is_refused(self, snapshot_of: SnapshotFactory, kind):
        response, decision = ask(snapshot_of(), review(object_of(kind, {"containers": []})))
        assert response["allowed"] is False
        assert decision.allowed is False

    @pytest.mark.parametrize(
        "value", [{"apiVersion": "v1", "kind": "ConfigMap", "data": {}}, {"apiVersion": "v1", "kind": "Binding"}]
    )
    def test_what_runs_nothing_passes_and_is_not_kept(self, snapshot_of: SnapshotFactory, value):
        response, decision = ask(snapshot_of(), review(value))
        assert response == {"uid": UID, "allowed": True}
        assert decision is None

    def test_a_kind_hidden_by_the_review_but_shown_by_the_object_is_refused(self, snapshot_of: SnapshotFactory):
        value = {"apiVersion": "v1", "kind": "Pod", "spec": {}}
        kind = {"group": "", "version": "v1", "kind": "ConfigMap"}
        assert ask(snapshot_of(), review(value, kind=kind, requestKind=kind))[0]["allowed"] is False

    @pytest.mark.parametrize(
        "metadata",
        [
            pytest.param({"labels": {"goldgate.dev/ignore": "true"}}, id="label"),
            pytest.param({"annotations": {"admission.goldgate.dev/skip": "true"}}, id="annotation"),
            pytest.param({"deletionTimestamp": "2026-11-24T12:00:00Z"}, id="deletion-timestamp"),
            pytest.param({"ownerReferences": [{"kind": "ReplicaSet", "name": "approved", "uid": "1"}]}, id="owner"),
            pytest.param({"namespace": "kube-system"}, id="namespace-in-the-object"),
        ],
    )
    def test_nothing_in_the_object_exempts_it(self, snapshot_of: SnapshotFactory, metadata):
        value = pod(pod_spec(container(UNCERTIFIED)), **metadata)
        assert ask(snapshot_of(), review(value))[0]["allowed"] is False

    @pytest.mark.parametrize("user", ["system:admin", "system:serviceaccount:kube-system:daemon-set-controller"])
    def test_no_user_is_exempt(self, snapshot_of: SnapshotFactory, user):
        value = review(pod(pod_spec(container(UNCERTIFIED))), userInfo={"username": user, "groups": ["system:masters"]})
        assert ask(snapshot_of(), value)[0]["allowed"] is False


class TestUpdateAndDelete:
    OLD = pod(pod_spec(container(UNCERTIFIED)))

    def test_an_unchanged_set_passes_although_it_would_not_be_admitted_now(self, snapshot_of: SnapshotFactory):
        new = pod(pod_spec(container(UNCERTIFIED)), labels={"changed": "yes"}, finalizers=[])
        response, decision = ask(snapshot_of(), review(new, operation="UPDATE", oldObject=self.OLD))
        assert response == {"uid": UID, "allowed": True}
        assert decision is None

    def test_a_changed_set_is_judged_whole(self, snapshot_of: SnapshotFactory):
        new = pod(pod_spec(container(UNCERTIFIED), container(APP_REFERENCE)))
        response, decision = ask(snapshot_of(), review(new, operation="UPDATE", oldObject=self.OLD))
        assert response["allowed"] is False
        assert [image.allowed for image in decision.images] == [False, True]

    def test_a_change_to_certified_images_passes(self, snapshot_of: SnapshotFactory):
        assert ask(snapshot_of(), review(pod(), operation="UPDATE", oldObject=self.OLD))[0]["allowed"] is True

    def test_the_same_image_as_root_is_a_change(self, snapshot_of: SnapshotFactory):
        added = pod(pod_spec(ephemeralContainers=[container(securityContext={"runAsUser": 0})]))
        value = review(added, operation="UPDATE", oldObject=pod(), subResource="ephemeralcontainers")
        assert ask(snapshot_of(), value)[0]["allowed"] is False
        added = pod(pod_spec(ephemeralContainers=[container()]))
        value = review(added, operation="UPDATE", oldObject=pod(), subResource="ephemeralcontainers")
        assert ask(snapshot_of(), value)[0]["allowed"] is True

    @pytest.mark.parametrize("old", [None, [], "x"])
    def test_an_update_without_its_former_object_is_judged(self, snapshot_of: SnapshotFactory, old):
        assert ask(snapshot_of(), review(self.OLD, operation="UPDATE", oldObject=old))[0]["allowed"] is False
        empty = object_of("Pod", {"containers": []})
        assert ask(snapshot_of(), review(empty, operation="UPDATE", oldObject=old))[0]["allowed"] is False

    def test_taking_the_images_out_of_what_carries_no_pods_passes_and_out_of_a_pod_does_not(self, snapshot_of):
        old = {"apiVersion": "x/v1", "kind": "Thing", "spec": {"image": UNCERTIFIED}}
        new = {"apiVersion": "x/v1", "kind": "Thing", "spec": {}}
        assert ask(snapshot_of(), review(new, operation="UPDATE", oldObject=old))[0]["allowed"] is True
        empty = object_of("Pod", {"containers": []})
        assert ask(snapshot_of(), review(empty, operation="UPDATE", oldObject=self.OLD))[0]["allowed"] is False

    @pytest.mark.parametrize("operation", ["DELETE", "CONNECT"])
    def test_what_starts_nothing_passes_even_without_a_snapshot(self, operation):
        value = review(operation=operation)
        value["request"]["object"] = None
        response, decision = ask(None, value)
        assert response["allowed"] is True
        assert decision is None

    @pytest.mark.parametrize("operation", ["", "PATCH", "create", "delete"])
    def test_an_operation_nobody_knows_is_refused(self, snapshot_of: SnapshotFactory, operation):
        assert ask(snapshot_of(), review(operation=operation))[0]["allowed"] is False


class TestDryRun:
    @pytest.mark.parametrize("image", [APP_REFERENCE, UNCERTIFIED])
    def test_the_same_answer_and_nothing_to_keep(self, snapshot_of: SnapshotFactory, image):
        value = pod(pod_spec(container(image)))
        snapshot = snapshot_of()
        real, _ = ask(snapshot, review(value))
        dry, decision = ask(snapshot, review(value, dryRun=True))
        assert decision is None
        assert dry["allowed"] is real["allowed"]
        assert "auditAnnotations" not in dry
        if not dry["allowed"]:
            assert real["status"]["message"].startswith(dry["status"]["message"])


class TestMalformed:
    @pytest.mark.parametrize(
        "body",
        [
            pytest.param(b"", id="empty"),
            pytest.param(b"null", id="null"),
            pytest.param(b"[]", id="list"),
            pytest.param(b"{", id="cut"),
            pytest.param(b"\xff\xfe", id="not-utf8"),
            pytest.param(b"[" * 100_000, id="deep"),
            pytest.param(b'{"a":' * 100_000, id="deep-objects"),
            pytest.param(b"{} trailing", id="trailing"),
            pytest.param(b"x" * (MAX_BODY_BYTES + 1), id="too-large"),
        ],
    )
    def test_what_is_no_review_is_denied(self, snapshot_of: SnapshotFactory, body):
        response, decision = ask(snapshot_of(), body)
        assert response["allowed"] is False
        assert response["uid"] == ""
        assert decision is None

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param({"operation": 7}, id="operation"),
            pytest.param({"kind": "Pod"}, id="kind"),
            pytest.param({"userInfo": []}, id="user"),
            pytest.param({"dryRun": "no"}, id="dry-run"),
            pytest.param({"namespace": None}, id="namespace"),
            pytest.param({"object": None}, id="no-object"),
            pytest.param({"object": "x"}, id="object-is-text"),
        ],
    )
    def test_a_wrong_field_is_denied_with_the_uid(self, snapshot_of: SnapshotFactory, change):
        response, _ = ask(snapshot_of(), review(pod(), **change))
        assert response["allowed"] is False
        assert response["uid"] == UID

    @pytest.mark.parametrize("field", ["apiVersion", "kind"])
    def test_another_version_or_kind_is_denied_with_the_uid(self, snapshot_of: SnapshotFactory, field):
        response, _ = ask(snapshot_of(), {**review(), field: "other"})
        assert response["allowed"] is False
        assert response["uid"] == UID

    def test_a_review_without_uid_is_denied(self, snapshot_of: SnapshotFactory):
        assert ask(snapshot_of(), review(uid=""))[0]["allowed"] is False

    @settings(max_examples=300, deadline=None)
    @given(body=st.binary(max_size=200))
    def test_no_bytes_are_admitted(self, body):
        assert ask(None, body)[0]["allowed"] is False

    @settings(max_examples=300, deadline=None)
    @given(data=st.data())
    def test_no_damage_to_a_review_of_an_uncertified_pod_admits_it(self, data):
        body = bytearray(json.dumps(review(pod(pod_spec(container(UNCERTIFIED))))).encode())
        position = data.draw(st.integers(0, len(body) - 1))
        body[position] = data.draw(st.integers(0, 255))
        response, _ = ask(None, bytes(body))
        assert response["allowed"] is False


class TestWithoutSnapshot:
    def test_a_review_is_denied_and_kept(self):
        response, decision = ask(None, review())
        assert response["allowed"] is False
        assert "no valid snapshot" in decision.message

    def test_an_expired_one_denies(self, snapshot_of: SnapshotFactory):
        response, _ = ask(snapshot_of(expires_at=NOW), review())
        assert response["allowed"] is False
        assert "expired" in response["status"]["message"]


class TestWords:
    def test_the_line_names_image_path_check_cause_cure_and_link(self, snapshot_of: SnapshotFactory):
        successor = f"{BASE_NAME}@{digest_of('next')}"
        ended = certified_base(certified_until=NOW - 4 * DAY, use_instead=successor, use_instead_name="12.15-2")
        value = pod(pod_spec(container(f"{BASE_NAME}@{ended.digest}")))
        response, decision = ask(snapshot_of(ended), review(value))
        assert response["status"]["message"] == (
            f"{BASE_NAME}@{ended.digest[:19]} (spec.containers[0].image): approved: certificate ended 2026-11-20. "
            f"Use {successor} (12.15-2). https://goldgate.corp/d/{decision.short_id}"
        )

    def test_a_pending_scan_says_when_to_try_again(self, snapshot_of: SnapshotFactory):
        response, _ = ask(snapshot_of(certified_base(), application(scan="running")), review())
        assert response["status"]["details"] == {"retryAfterSeconds": 20}
        assert "Try again in 20 s." in response["status"]["message"]

    @pytest.mark.parametrize("length", [10, 100, 180, 250])
    @pytest.mark.parametrize("reason", ["", "backdoor " * 200])
    def test_the_line_is_at_most_500_characters_and_the_cure_is_whole(self, snapshot_of, length, reason):
        name = f"registry.corp/{'a' * length}"
        successor = f"{name}@{digest_of('next')}"
        gone = certified_base(repositories=(name,), revoked_at=NOW - 1, reason=reason, use_instead=successor)
        response, decision = ask(snapshot_of(gone), review(pod(pod_spec(container(f"{name}@{gone.digest}")))))
        line = response["status"]["message"].removesuffix(f" https://goldgate.corp/d/{decision.short_id}")
        assert len(line) <= MAX_LINE
        assert f"Use {successor}." in line
        assert "approved:" in line

    def test_several_refused_images_are_counted(self, snapshot_of: SnapshotFactory):
        value = pod(pod_spec(container(UNCERTIFIED), container("x"), container("y")))
        assert "(2 more images refused)" in ask(snapshot_of(), review(value))[0]["status"]["message"]

    def test_warnings_are_short_and_few(self, snapshot_of: SnapshotFactory):
        name = f"registry.corp/{'w' * 200}"
        old = application(repositories=(name,), scanned_at=NOW - 9 * DAY)
        containers = [container(f"{name}@{old.digest}")] * 40
        response, _ = ask(snapshot_of(certified_base(), old), review(pod(pod_spec(*containers))))
        assert response["allowed"] is True
        assert 0 < len(response["warnings"]) <= 20
        assert all(len(warning) <= MAX_WARNING for warning in response["warnings"])
        assert sum(map(len, response["warnings"])) <= 4096

    def test_words_from_the_object_stay_on_one_line(self, snapshot_of: SnapshotFactory):
        value = pod(pod_spec(container("evil\n\u202eimage\r\nallowed: true")))
        assert "\n" not in ask(snapshot_of(), review(value))[0]["status"]["message"]


class TestSize:
    """What somebody writes into an object is answered and kept, never many times over."""

    def test_megabytes_of_reference_are_neither_kept_nor_remembered(self, snapshot_of: SnapshotFactory):
        before = reference._parsed.cache_info().currsize
        response, decision = ask(snapshot_of(), review(pod(pod_spec(*[container("x" * 10_000)] * 100))))
        assert response["allowed"] is False
        assert "longer than" in response["status"]["message"]
        assert len(msgspec.json.encode(decision)) < 400_000
        assert reference._parsed.cache_info().currsize == before

    def test_an_image_under_a_key_of_megabytes_is_kept_short(self, snapshot_of: SnapshotFactory):
        value = pod({"containers": [container()], "k" * 1_000_000: [{"image": "x"}] * 100})
        response, decision = ask(snapshot_of(), review(value))
        assert response["allowed"] is False
        assert len(msgspec.json.encode(decision)) < 400_000
