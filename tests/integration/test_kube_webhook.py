"""The rendered webhook in a real API server: what is stored is what was admitted."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gate.webhook_manifest import NAME, render
from tests.factories.gate import APP_REFERENCE, BASE_REFERENCE, application, certified_base, digest_of
from tests.gate.process import GateProcess
from tests.gate.support import PortalServer, Repository, make_home
from tests.integration.kube import KubeApiServer, kube
from tests.ports import free_port

__all__ = ["kube"]
pytestmark = pytest.mark.integration

UNKNOWN = f"registry.corp/apps/web@{digest_of('never certified')}"
ROOT_BASE = f"registry.corp/certified/root@{digest_of('runs as root')}"
NAMED_BASE = f"registry.corp/certified/named@{digest_of('runs as nobody')}"


def facts() -> list[Any]:
    root = {"digest": digest_of("runs as root"), "repositories": ("registry.corp/certified/root",), "user": ""}
    named = {
        "digest": digest_of("runs as nobody"),
        "repositories": ("registry.corp/certified/named",),
        "user": "nobody",
    }
    return [certified_base(), application(), certified_base(**root), certified_base(**named)]


@pytest.fixture(scope="module")
def gate(
    kube: KubeApiServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[GateProcess, PortalServer, Repository]]:
    directory: Path = tmp_path_factory.mktemp("gate")
    repository = Repository(directory / "published")
    repository.publish(*facts())
    with PortalServer(repository.directory) as portal:
        home = make_home(
            directory / "home",
            repository,
            portal_url=portal.url,
            metadata_url=f"{portal.url}/tuf/metadata",
            listen=f"127.0.0.1:{free_port()}",
            workers=1,
            poll_seconds=0.2,
        )
        with GateProcess(home, log=directory / "log") as process:
            process.wait()
            manifest = render(url=process.url, ca_bundle=(home.tls_path / "ca.pem").read_text(), cluster="prod")
            kube.kubectl("create", "namespace", "web", check=True)
            kube.kubectl("apply", "-f", "-", stdin=manifest, check=True)
            wait_until_in_force(kube)
            yield process, portal, repository
            kube.kubectl("delete", "validatingwebhookconfiguration", NAME, check=True)


def wait_until_in_force(kube: KubeApiServer) -> None:
    """The API server takes a moment to see a new webhook configuration."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if create(kube, pod("probe", UNKNOWN), "?dryRun=All")[0] == 403:
            return
        time.sleep(0.1)
    raise AssertionError("the webhook is not in force")


def pod(name: str, image: str, *, namespace: str = "web", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"containers": [{"name": "main", "image": image}], **spec},
    }


def create(kube: KubeApiServer, value: dict[str, Any], query: str = "") -> tuple[int, dict[str, Any]]:
    namespace = value["metadata"]["namespace"]
    return kube.request("POST", f"/api/v1/namespaces/{namespace}/pods{query}", value)


class TestPods:
    def test_a_certified_pod_is_stored_and_an_uncertified_one_is_not(self, kube, gate):
        assert create(kube, pod("good", APP_REFERENCE))[0] == 201
        status, answer = create(kube, pod("bad", UNKNOWN))
        assert status == 403
        assert UNKNOWN[: UNKNOWN.index("@") + 20] in answer["message"]
        assert "spec.containers[0].image" in answer["message"]
        assert kube.request("GET", "/api/v1/namespaces/web/pods/good")[0] == 200
        assert kube.request("GET", "/api/v1/namespaces/web/pods/bad")[0] == 404

    @pytest.mark.parametrize(
        "spec",
        [
            pytest.param({"initContainers": [{"name": "init", "image": UNKNOWN}]}, id="init-container"),
            pytest.param({"volumes": [{"name": "v", "image": {"reference": UNKNOWN}}]}, id="image-volume"),
            pytest.param(
                {"initContainers": [{"name": "side", "image": UNKNOWN, "restartPolicy": "Always"}]}, id="sidecar"
            ),
        ],
    )
    def test_one_uncertified_image_anywhere_refuses_the_pod(self, kube, gate, spec):
        assert create(kube, pod("mixed", APP_REFERENCE, **spec))[0] == 403

    @pytest.mark.parametrize("image", [ROOT_BASE, NAMED_BASE])
    def test_root_or_a_named_user_is_refused_until_the_pod_names_a_number(self, kube, gate, image):
        status, answer = create(kube, pod("user", image), "?dryRun=All")
        assert status == 403
        assert "root:" in answer["message"]
        numbered = pod("user", image, securityContext={"runAsUser": 65532})
        assert create(kube, numbered, "?dryRun=All")[0] == 201

    def test_an_ephemeral_container_is_judged(self, kube, gate):
        assert create(kube, pod("debugged", APP_REFERENCE))[0] == 201
        path = "/api/v1/namespaces/web/pods/debugged/ephemeralcontainers"
        kind = "application/strategic-merge-patch+json"

        def debug(image: str, **fields: Any) -> int:
            added = {"name": f"debug-{len(image) + len(fields)}", "image": image, **fields}
            return kube.request("PATCH", path, {"spec": {"ephemeralContainers": [added]}}, content_type=kind)[0]

        assert debug(UNKNOWN) == 403
        assert debug(APP_REFERENCE, securityContext={"runAsUser": 0}) == 403
        assert debug(BASE_REFERENCE) == 200

    def test_delete_and_unchanged_updates_pass_even_when_it_would_not_be_admitted_now(self, kube, gate):
        _, _, repository = gate
        assert create(kube, pod("old", APP_REFERENCE))[0] == 201
        kube.kubectl("-n", "web", "patch", "pod", "old", "-p", '{"metadata":{"finalizers":["t/x"]}}', check=True)
        revoked = certified_base(revoked_at=int(repository.now.timestamp()))
        repository.publish(revoked, application(), *facts()[2:])
        try:
            published = time.monotonic()
            while create(kube, pod("new", APP_REFERENCE), "?dryRun=All")[0] != 403:
                assert time.monotonic() - published < 5
            kube.kubectl("-n", "web", "label", "pod", "old", "a=b", check=True)
            assert kube.request("DELETE", "/api/v1/namespaces/web/pods/old")[0] == 200
            kube.kubectl("-n", "web", "patch", "pod", "old", "-p", '{"metadata":{"finalizers":null}}', check=True)
            end = time.monotonic() + 60
            while kube.request("GET", "/api/v1/namespaces/web/pods/old")[0] != 404:
                assert time.monotonic() < end
                kube.request("DELETE", "/api/v1/namespaces/web/pods/old?gracePeriodSeconds=0")
        finally:
            repository.publish(*facts())
            end = time.monotonic() + 60
            while create(kube, pod("new", APP_REFERENCE), "?dryRun=All")[0] != 201:
                assert time.monotonic() < end

    def test_an_update_to_an_uncertified_image_is_refused(self, kube, gate):
        assert create(kube, pod("moved", APP_REFERENCE))[0] == 201
        done = kube.kubectl("-n", "web", "set", "image", "pod/moved", f"main={UNKNOWN}")
        assert done.returncode != 0
        assert "known" in done.stderr


class TestTemplates:
    @pytest.mark.parametrize(
        ("path", "kind"),
        [
            ("apps/v1/namespaces/web/deployments", "Deployment"),
            ("apps/v1/namespaces/web/replicasets", "ReplicaSet"),
            ("apps/v1/namespaces/web/statefulsets", "StatefulSet"),
            ("apps/v1/namespaces/web/daemonsets", "DaemonSet"),
            ("batch/v1/namespaces/web/jobs", "Job"),
            ("batch/v1/namespaces/web/cronjobs", "CronJob"),
            ("v1/namespaces/web/replicationcontrollers", "ReplicationController"),
            ("v1/namespaces/web/podtemplates", "PodTemplate"),
        ],
    )
    @pytest.mark.parametrize(("image", "status"), [(APP_REFERENCE, 201), (UNKNOWN, 403)])
    def test_every_kind_that_makes_pods_is_asked_about(self, kube, gate, path, kind, image, status):
        labels = {"app": "t"}
        spec: dict[str, Any] = {"containers": [{"name": "main", "image": image}]}
        if kind in ("Job", "CronJob"):
            spec["restartPolicy"] = "Never"
        template = {"metadata": {"labels": labels}, "spec": spec}
        bodies: dict[str, dict[str, Any]] = {
            "Job": {"spec": {"template": template}},
            "CronJob": {"spec": {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": template}}}},
            "ReplicationController": {"spec": {"selector": labels, "template": template}},
            "PodTemplate": {"template": template},
            "StatefulSet": {"spec": {"serviceName": "t", "selector": {"matchLabels": labels}, "template": template}},
        }
        body = bodies.get(kind, {"spec": {"selector": {"matchLabels": labels}, "template": template}})
        root = "/api/" if path.startswith("v1") else "/apis/"
        group = path.split("/namespaces")[0]
        value = {"apiVersion": group, "kind": kind, "metadata": {"name": "t", "namespace": "web"}, **body}
        assert kube.request("POST", f"{root}{path}?dryRun=All", value)[0] == status


class TestScope:
    def test_only_the_named_namespaces_are_exempt_and_no_label_makes_one(self, kube, gate):
        assert create(kube, pod("system", UNKNOWN, namespace="kube-system"), "?dryRun=All")[0] == 201
        assert create(kube, pod("default", UNKNOWN, namespace="default"), "?dryRun=All")[0] == 403
        kube.kubectl("label", "namespace", "web", "kubernetes.io/metadata.name=kube-system", "--overwrite")
        kube.kubectl("label", "namespace", "web", "goldgate.dev/ignore=true")
        assert create(kube, pod("labelled", UNKNOWN), "?dryRun=All")[0] == 403

    def test_a_dry_run_leaves_no_decision_and_a_real_one_leaves_its_id_in_the_audit_log(self, kube, gate):
        _, portal, _ = gate
        create(kube, pod("probe", UNKNOWN), "?dryRun=All")
        status, _ = create(kube, pod("kept", UNKNOWN))
        assert status == 403

        def kept() -> list[dict[str, Any]]:
            return [item for item in portal.decisions.values() if item["object_name"] == "kept"]

        end = time.monotonic() + 60
        while not kept():
            assert time.monotonic() < end
            time.sleep(0.1)
        assert not [item for item in portal.decisions.values() if item["object_name"] == "probe"]
        decision = kept()[0]
        assert (decision["user"], decision["object_namespace"], decision["cluster"]) == ("admin", "web", "prod")
        events = [json.loads(line) for line in kube.audit_log.read_text().splitlines()]
        annotations = [event.get("annotations", {}).get(f"{NAME}/decision") for event in events]
        assert decision["id"] in annotations

    def test_a_dead_gate_admits_nothing(self, kube, gate):
        process, _, _ = gate
        process.kill()
        try:
            status, answer = create(kube, pod("unanswered", APP_REFERENCE))
            assert status == 500
            assert "failed calling webhook" in answer["message"]
            assert kube.request("GET", "/api/v1/namespaces/web/pods/unanswered")[0] == 404
        finally:
            process.start()
            process.wait()
