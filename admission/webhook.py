"""The ValidatingWebhookConfiguration that ties a cluster to its gates.

Each choice answers a way around a gate that was found in practice (docs/how-to/connect-a-cluster.md):

- ``failurePolicy: Fail``: a gate that does not answer refuses.
- ``matchPolicy: Equivalent``, ``scope: Namespaced``, every kind that carries Pods, and ``pods/ephemeralcontainers``,
  which ``pods`` does not include.
- CREATE and UPDATE alone: DELETE must always go through, or nothing can be taken away.
- Excluded are ``kube-system`` and the gate's own namespace, by the label that Kubernetes itself sets: a label that a
  tenant can set would be a door.
- No object selector. ``NoneOnDryRun``: a dry run leaves nothing.
"""

import base64
from typing import Any

import yaml

from admission import selectors
from admission.errors import SnapshotUnavailable
from admission.models import Cluster, Gate

TIMEOUT_SECONDS = 5
OWN_NAMESPACE = "goldgate"
EXCLUDED = ("kube-system", OWN_NAMESPACE)
RULES = (
    ("", ("pods", "pods/ephemeralcontainers", "podtemplates", "replicationcontrollers")),
    ("apps", ("deployments", "daemonsets", "replicasets", "statefulsets")),
    ("batch", ("jobs", "cronjobs")),
)


class GateAddressUnknown(SnapshotUnavailable):
    """No gate of the cluster has said yet where it is and which certificate it shows."""

    code = "gate_address_unknown"


def webhook_yaml(cluster: Cluster) -> str:
    """The configuration as YAML. Raises GateAddressUnknown until a gate of the cluster was heard."""
    gates = selectors.gates().filter(cluster=cluster, retired_at__isnull=True)
    gate = gates.exclude(ca_bundle_pem="").exclude(webhook_url="").first()
    if gate is None:
        raise GateAddressUnknown(
            f"No gate of {cluster.name} was heard yet.", cure="Enrol a gate, start it, and ask again in some seconds."
        )
    return yaml.safe_dump(configuration(gate), sort_keys=False, width=120)


def configuration(gate: Gate) -> dict[str, Any]:
    """The configuration for one gate (``admissionregistration.k8s.io/v1``)."""
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "goldgate"},
        "webhooks": [
            {
                "name": "images.goldgate.dev",
                "admissionReviewVersions": ["v1"],
                "sideEffects": "NoneOnDryRun",
                "failurePolicy": "Fail",
                "matchPolicy": "Equivalent",
                "timeoutSeconds": TIMEOUT_SECONDS,
                "namespaceSelector": {
                    "matchExpressions": [
                        {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": list(EXCLUDED)}
                    ]
                },
                "rules": [
                    {
                        "apiGroups": [group],
                        "apiVersions": ["*"],
                        "operations": ["CREATE", "UPDATE"],
                        "resources": list(resources),
                        "scope": "Namespaced",
                    }
                    for group, resources in RULES
                ],
                "clientConfig": {
                    "url": gate.webhook_url,
                    "caBundle": base64.b64encode(gate.ca_bundle_pem.encode()).decode(),
                },
            }
        ],
    }
