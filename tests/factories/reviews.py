"""AdmissionReviews and the objects in them, as an API server sends them."""

from typing import Any

from tests.factories.gate import APP_REFERENCE


def container(image: str = APP_REFERENCE, **fields: Any) -> dict[str, Any]:
    """A container of ``image``."""
    return {"name": "main", "image": image, "resources": {}, **fields}


def pod_spec(*containers: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A PodSpec with one container of the application unless told otherwise."""
    return {"containers": list(containers) or [container()], "restartPolicy": "Always", **fields}


def pod(spec: dict[str, Any] | None = None, **metadata: Any) -> dict[str, Any]:
    """A Pod as the API server shows it."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web-1", "namespace": "web", "uid": "0c1d", "labels": {"app": "web"}, **metadata},
        "spec": spec or pod_spec(),
        "status": {"phase": "Pending"},
    }


def object_of(kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    """An object of ``kind`` whose Pods have ``spec``."""
    template = {"metadata": {"labels": {"app": "web"}}, "spec": spec}
    shapes: dict[str, tuple[str, dict[str, Any]]] = {
        "Pod": ("v1", {"spec": spec}),
        "PodTemplate": ("v1", {"template": template}),
        "ReplicationController": ("v1", {"spec": {"replicas": 1, "template": template}}),
        "ReplicaSet": ("apps/v1", {"spec": {"replicas": 1, "template": template}}),
        "Deployment": ("apps/v1", {"spec": {"replicas": 1, "template": template}}),
        "StatefulSet": ("apps/v1", {"spec": {"serviceName": "web", "template": template}}),
        "DaemonSet": ("apps/v1", {"spec": {"template": template}}),
        "Job": ("batch/v1", {"spec": {"template": template}}),
        "CronJob": ("batch/v1", {"spec": {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": template}}}}),
        "Rollout": ("argoproj.io/v1alpha1", {"spec": {"template": template}}),
        "Service": ("serving.knative.dev/v1", {"spec": {"template": template}}),
    }
    api_version, rest = shapes[kind]
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "web", "namespace": "web"}, **rest}


KINDS = (
    "Pod",
    "PodTemplate",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "Job",
    "CronJob",
    "Rollout",
    "Service",
)


def review(value: Any = None, **request: Any) -> dict[str, Any]:
    """A CREATE of ``value`` in namespace web, by a person."""
    shown = pod() if value is None else value
    kind = shown.get("kind", "") if isinstance(shown, dict) else ""
    group, _, version = str(shown.get("apiVersion", "v1") if isinstance(shown, dict) else "v1").rpartition("/")
    fields = {
        "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
        "kind": {"group": group, "version": version, "kind": kind},
        "resource": {"group": group, "version": version, "resource": f"{kind.lower()}s"},
        "requestKind": {"group": group, "version": version, "kind": kind},
        "name": "web-1",
        "namespace": "web",
        "operation": "CREATE",
        "userInfo": {"username": "kim@corp", "uid": "u-1", "groups": ["dev", "system:authenticated"]},
        "object": shown,
        "oldObject": None,
        "dryRun": False,
        "options": {"apiVersion": "meta.k8s.io/v1", "kind": "CreateOptions"},
    }
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {**fields, **request}}
