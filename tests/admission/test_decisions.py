"""The portal's own verdict: the gate's engine on the published snapshot; lists of decisions; the webhook; the files."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.roles import Role, Scope
from admission.errors import MalformedQuestion
from admission.manifests import documents_of, namespace_in, uses_in
from admission.models import Cluster, Decision
from gate.objects import TooManyImages
from tests.factories.accounts import person_with, token_for
from tests.factories.admission import certified_subversion, enrolled_gate, publisher_of

REPOSITORY = "registry.example/golden/debian"


@pytest.fixture
def now() -> datetime:
    """The portal reads the machine's clock, and what the publisher signs ends after a year."""
    return timezone.now() - timedelta(minutes=2)


@pytest.fixture
def asker() -> APIClient:
    _, secret = token_for(person_with(Role.VIEWER, username="vera"), Scope.READ, Scope.DECIDE)
    found = APIClient()
    found.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    return found


def pod(image: str, **fields) -> str:
    security = "".join(f"  securityContext: {{runAsUser: {fields['user']}}}\n" for _ in [0] if "user" in fields)
    return (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: shop}\n"
        f"spec:\n{security}  containers:\n  - {{name: a, image: '{image}'}}\n"
    )


@pytest.mark.django_db
class TestAsk:
    def ask(self, asker, **body):
        return asker.post("/api/v1/decisions", body, format="json")

    def test_without_a_snapshot_there_is_no_verdict(self, asker):
        answer = self.ask(asker, images=["a/b@sha256:" + "0" * 64])
        assert (answer.status_code, answer.json()["code"]) == (503, "snapshot_unavailable")
        assert not Decision.objects.exists()

    def test_the_answer_names_its_snapshot_and_is_kept(self, asker, publisher, artifact):
        at = timezone.now()
        certified_subversion(artifact, now=at - timedelta(days=1))
        publisher.publish_due(now=at)
        body = self.ask(asker, manifest=pod(f"{REPOSITORY}@{artifact.digest}")).json()
        assert body["snapshot_version"] == 1
        image = body["images"][0]
        assert image["path"] == "spec.containers[0].image"
        outcomes = {check["code"]: check["outcome"] for check in image["checks"]}
        assert outcomes["known"] == outcomes["registry"] == outcomes["approved"] == "pass"
        assert outcomes["scanned"] == outcomes["signed"] != "pass" or not body["allowed"]
        kept = Decision.objects.get()
        assert (kept.object_namespace, kept.gate, kept.failed_codes) == ("shop", None, body["failed_codes"])
        assert asker.get(f"/api/v1/decisions/{body['short_id']}").json()["id"] == body["id"]
        assert asker.get(f"/api/v1/decisions/{body['id']}").json()["short_id"] == body["short_id"]

    def test_an_unknown_image_is_refused_in_words(self, asker, publisher):
        publisher.publish_due(now=timezone.now())
        body = self.ask(asker, images=["evil.example/x:latest"]).json()
        assert body["allowed"] is False
        assert "evil.example/x" in body["message"]
        assert body["url"].endswith(f"/d/{body['short_id']}")

    def test_an_expired_snapshot_allows_nothing(self, asker, home, publisher):
        publisher_of(home, timestamp_seconds=20).publish_due(now=timezone.now() - timedelta(seconds=21))
        body = self.ask(asker, images=["a.example/b@sha256:" + "0" * 64]).json()
        assert body["allowed"] is False
        assert "expired" in body["message"]

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"images": []},
            {"images": ["a"], "manifest": "a: 1"},
            {"images": ["a"] * 201},
            {"images": ["x" * 1001]},
            {"images": ["a"], "surprise": 1},
            {"manifest": "a: 1\na: 2"},
            {"manifest": "["},
            {"manifest": ""},
            {"manifest": "just text"},
            {"images": [1, {}]},
        ],
        ids=str,
    )
    def test_what_is_no_question_is_refused(self, asker, publisher, body):
        publisher.publish_due(now=timezone.now())
        assert self.ask(asker, **body).status_code == 400
        assert not Decision.objects.exists()

    def test_an_unknown_cluster_is_missing(self, asker, publisher):
        publisher.publish_due(now=timezone.now())
        assert self.ask(asker, images=["a"], cluster="nowhere").status_code == 404

    def test_a_token_without_the_scope_asks_nothing(self, publisher):
        _, secret = token_for(person_with(Role.VIEWER), Scope.READ)
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
        assert self.ask(client, images=["a"]).status_code == 403


@pytest.mark.django_db
class TestList:
    def test_filters_narrow_it(self, asker, publisher):
        publisher.publish_due(now=timezone.now())
        for image in ("a.example/b:1", "a.example/c:1"):
            asker.post("/api/v1/decisions", {"images": [image], "namespace": image[10]}, format="json")

        def count(query: str) -> int:
            answer = asker.get(f"/api/v1/decisions?{query}")
            assert answer.status_code == 200, answer.content
            return len(answer.json()["results"])

        assert count("") == 2
        assert count("allowed=false") == 2
        assert count("allowed=true") == 0
        assert count("namespace=b") == 1
        assert count("code=reference") == 2
        assert count("code=root") in (0, 2)
        assert count("cluster=east") == 0

    @pytest.mark.parametrize("query", ["alowed=true", "allowed=maybe", "cursor=x", "gate=1", "limit=0"])
    def test_a_filter_that_is_none_is_refused(self, asker, query):
        assert asker.get(f"/api/v1/decisions?{query}").status_code == 400

    @pytest.mark.parametrize("name", ["ZZZZ", "0190f6f0-0000-7000-8000-000000000000"])
    def test_an_unknown_decision_is_missing(self, asker, name):
        assert asker.get(f"/api/v1/decisions/{name}").status_code == 404

    def test_the_snapshot_s_state_is_shown(self, asker, publisher):
        assert asker.get("/api/v1/snapshot").json()["version"] is None
        publisher.publish_due(now=timezone.now())
        body = asker.get("/api/v1/snapshot").json()
        assert (body["version"], body["waiting"], len(body["root_sha256"])) == (1, 0, 64)


@pytest.mark.django_db
class TestWebhook:
    def test_it_waits_for_a_gate_then_pins_its_certificate(self, asker, home):
        reader, asker = asker, APIClient()
        asker.force_authenticate(person_with(Role.PLATFORM_ADMIN))
        assert reader.get("/api/v1/clusters/east/webhook.yaml").status_code == 403
        gate, _ = enrolled_gate(now=timezone.now())
        address = "/api/v1/clusters/east/webhook.yaml"
        assert asker.get(address).status_code == 409
        gate.ca_bundle_pem = "-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----\n"
        gate.save()
        assert asker.get(address).status_code == 409
        text = asker.get(f"{address}?url=https://gate.example:9443").content.decode()
        (document,) = documents_of(text)
        (webhook,) = document["webhooks"]
        assert webhook["failurePolicy"] == "Fail"
        assert webhook["clientConfig"]["url"].startswith("https://gate.example:9443/")
        assert "pods/ephemeralcontainers" in webhook["rules"][0]["resources"]
        gate.webhook_url = f"https://gate.example:9443/v1/admit/{'t' * 43}"
        gate.save()
        for query in ("", "?url=https://balancer.example"):
            (document,) = documents_of(asker.get(f"{address}{query}").content.decode())
            assert document["webhooks"][0]["clientConfig"]["url"].endswith(f"/v1/admit/{'t' * 43}")
        (told,) = asker.get("/api/v1/gates").json()["results"]
        assert told["webhook_url"] == "https://gate.example:9443/v1/admit"
        for url in ("http://gate.example", "https://[", "https://a@b", "x"):
            assert asker.get(address, {"url": url}).status_code == 400
        assert asker.get("/api/v1/clusters/nowhere/webhook.yaml").status_code == 404
        assert Cluster.objects.count() == 1


@pytest.mark.django_db
class TestFiles:
    def test_metadata_and_targets_are_served_with_their_etags(self, client, publisher, now):
        publisher.publish_due(now=now)
        first = client.get("/tuf/metadata/timestamp.json")
        assert (first.status_code, first["Cache-Control"]) == (200, "no-cache")
        assert client.get("/tuf/metadata/timestamp.json", headers={"If-None-Match": first["ETag"]}).status_code == 304
        for path in publisher.repository.targets_dir.iterdir():
            answer = client.get(f"/tuf/targets/{path.name}")
            assert b"".join(answer.streaming_content) == path.read_bytes()
            assert "immutable" in answer["Cache-Control"]

    @pytest.mark.parametrize(
        "path",
        [
            "metadata/../../keys/targets.pem",
            "metadata/..%2f..%2fkeys%2ftargets.pem",
            "metadata/targets.pem",
            "metadata/9.root.json",
            "metadata/.lock",
            "targets/" + "0" * 64 + ".base-1.bin",
            "targets/status.json",
            "status.json",
            "metadata/timestamp.json%00",
        ],
    )
    def test_nothing_else_is(self, client, publisher, now, path):
        publisher.publish_due(now=now)
        assert client.get(f"/tuf/{path}").status_code in (403, 404)

    def test_nothing_is_written(self, client, publisher, now):
        publisher.publish_due(now=now)
        assert client.put("/tuf/metadata/timestamp.json", b"{}").status_code == 405


class TestManifest:
    def test_several_objects_are_named(self):
        text = pod("a@sha256:1") + "---\n" + pod("b@sha256:2").replace("web", "api")
        assert [use.path for use in uses_in(documents_of(text))] == [
            "Pod/web: spec.containers[0].image",
            "Pod/api: spec.containers[0].image",
        ]

    def test_the_items_of_a_list_count_each(self):
        text = '{"kind": "List", "items": [{"kind": "Pod", "spec": {"containers": [{"image": "a"}]}}, {"kind": "Pod"}]}'
        assert [use.reference for use in uses_in(documents_of(text))] == ["a", ""]

    def test_an_object_that_runs_pods_and_shows_no_image_counts_as_an_empty_one(self):
        assert [use.reference for use in uses_in([{"kind": "Deployment", "spec": {}}])] == [""]

    def test_one_namespace_is_told_and_two_are_not(self):
        assert namespace_in(documents_of(pod("a"))) == "shop"
        assert namespace_in(documents_of(pod("a") + "---\n" + pod("b").replace("shop", "bank"))) == ""

    def test_images_are_counted_over_all_objects(self):
        one = {"kind": "Pod", "spec": {"containers": [{"image": "a"}] * 300}}
        with pytest.raises(TooManyImages):
            uses_in([one, one])

    def test_long_names_are_not_repeated_for_each_image(self):
        long = "x" * 1_000_000
        one = {"kind": long, "metadata": {"name": long}, long: {long: [{"image": "a"}] * 200}}
        assert sum(len(use.path) for use in uses_in([one, one])) < 200 * 2 * 1000

    @pytest.mark.parametrize(
        "text",
        [
            pytest.param("a: 1\na: 2", id="doubled"),
            pytest.param("spec:\n  image: good\n  'image': evil", id="doubled-quoted"),
            pytest.param('{"image": "a", "image": "b"}', id="doubled-json"),
            pytest.param("a: &x [1]\nb: *x", id="alias"),
            pytest.param("a: &x {image: b}\nb: {<<: {image: c}}", id="merge"),
            pytest.param("1: a", id="number-key"),
            pytest.param("on: a", id="boolean-key"),
            pytest.param("a: !!python/object:os.system x", id="python"),
            pytest.param("[" * 100_000, id="deep"),
            pytest.param("- a", id="list"),
            pytest.param("---\n" * 3, id="empty"),
            pytest.param("a: 1\n---\n" * 101, id="many"),
            pytest.param("a: [" + "x," * 60_000 + "]", id="large"),
            pytest.param("a: \x00", id="nul"),
            pytest.param("a: 2026-99-99", id="date"),
        ],
    )
    def test_what_cannot_be_judged_is_refused(self, text):
        with pytest.raises(MalformedQuestion):
            documents_of(text)
