"""The ValidatingWebhookConfiguration that a cluster applies (admissionregistration.k8s.io/v1).

Fails closed, asks for every kind that makes Pods and for ephemeral containers, and exempts namespaces only
by ``kubernetes.io/metadata.name``, which the API server sets itself: a label that a tenant can write, an
objectSelector or a matchCondition would be a way around the gate. DELETE is not asked for.
"""

import base64
from collections.abc import Sequence
from typing import Any, ClassVar
from urllib.parse import urlsplit

import yaml

from core.errors import GoldgateError, Kind

NAME = "images.goldgate.dev"
TIMEOUT_SECONDS = 5
EXEMPT_NAMESPACES = ("kube-system", "goldgate")  # without them a dead gate could not be started again
_RULES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("", ("pods", "pods/ephemeralcontainers", "podtemplates", "replicationcontrollers")),
    ("apps", ("deployments", "replicasets", "statefulsets", "daemonsets")),
    ("batch", ("jobs", "cronjobs")),
)


class WebhookNotPossible(GoldgateError):
    """A webhook of this address cannot be configured."""

    code: ClassVar[str] = "webhook_not_possible"
    kind: ClassVar[Kind] = Kind.MALFORMED


def render(*, url: str, ca_bundle: str, cluster: str = "", exempt_namespaces: Sequence[str] = EXEMPT_NAMESPACES) -> str:
    """YAML for ``kubectl apply``. ``url``: where the API server reaches the gate; ``ca_bundle``: PEM.

    Raises WebhookNotPossible: the API server speaks only HTTPS to a webhook, and must be told whom to trust.
    """
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise WebhookNotPossible(f"{url[:200]!r} is no address: {error}.") from error
    if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise WebhookNotPossible(f"{url!r} is no plain https:// address.", cure="Name the gate's own HTTPS address.")
    if "BEGIN CERTIFICATE" not in ca_bundle:
        raise WebhookNotPossible("No CA certificate is given.", cure="Take it from: python -m gate ca-bundle.")
    path = parts.path.rstrip("/") or "/v1/admit"
    return yaml.safe_dump(
        _configuration(f"https://{parts.netloc}{path}", ca_bundle, cluster, list(exempt_namespaces)),
        sort_keys=False,
        allow_unicode=True,
        width=1_000_000,
    )


def _configuration(url: str, ca_bundle: str, cluster: str, exempt: list[str]) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": NAME}
    if cluster:
        metadata["annotations"] = {"goldgate.dev/cluster": cluster}
    webhook = {
        "name": NAME,
        "admissionReviewVersions": ["v1"],
        "clientConfig": {"url": url, "caBundle": base64.b64encode(ca_bundle.encode()).decode()},
        "failurePolicy": "Fail",
        "matchPolicy": "Equivalent",
        "sideEffects": "NoneOnDryRun",
        "timeoutSeconds": TIMEOUT_SECONDS,
        "namespaceSelector": {
            "matchExpressions": [
                {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": exempt},
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
            for group, resources in _RULES
        ],
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": metadata,
        "webhooks": [webhook],
    }
