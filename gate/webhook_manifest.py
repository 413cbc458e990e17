"""The ValidatingWebhookConfiguration that a cluster applies (admissionregistration.k8s.io/v1).

Fails closed, asks for every kind that makes Pods and for ephemeral containers, and exempts namespaces only
by ``kubernetes.io/metadata.name``, which the API server sets itself: a label that a tenant can write, an
objectSelector or a matchCondition would be a way around the gate. DELETE is not asked for.
"""

import base64
import json
from collections.abc import Sequence
from typing import Any, ClassVar
from urllib.parse import SplitResult, urlsplit

import yaml

from core.errors import GoldgateError, Kind
from gate.callers import ADMIT

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


def render(
    *,
    url: str,
    ca_bundle: str,
    cluster: str = "",
    exempt_namespaces: Sequence[str] = EXEMPT_NAMESPACES,
    token: str = "",
) -> str:
    """YAML for ``kubectl apply``. ``url``: where the API server reaches the gate; ``ca_bundle``: PEM.

    With ``token`` the address ends in it: whoever may read the configuration, and whoever is told the address when the
    gate does not answer, may ask the gate then.
    Raises WebhookNotPossible: the API server speaks only HTTPS to a webhook, and must be told whom to trust.
    """
    address = admit_url(url, token=token)
    if "BEGIN CERTIFICATE" not in ca_bundle:
        raise WebhookNotPossible("No CA certificate is given.", cure="Take it from: python -m gate ca-bundle.")
    return yaml.safe_dump(
        _configuration(address, ca_bundle, cluster, list(exempt_namespaces)),
        sort_keys=False,
        allow_unicode=True,
        width=1_000_000,
    )


def admit_url(url: str, *, token: str = "") -> str:
    """The address of a webhook at ``url``. Raises WebhookNotPossible."""
    parts = _plain_https(url)
    path = parts.path.rstrip("/") or ADMIT
    return f"https://{parts.netloc}{path}" + (f"/{token}" if token else "")


def token_in(url: str) -> str:
    """The token that an address made by ``admit_url`` ends in, or ""."""
    return urlsplit(url).path.partition(f"{ADMIT}/")[2]


def without_token(url: str) -> str:
    """The same address, good to be shown to people."""
    token = token_in(url)
    return url.removesuffix(f"/{token}") if token else url


def admission_configuration(*, kubeconfig_path: str) -> str:
    """The file that kube-apiserver's ``--admission-control-config-file`` names (apiserver.config.k8s.io/v1)."""
    plugin = {
        "name": "ValidatingAdmissionWebhook",
        "configuration": {
            "apiVersion": "apiserver.config.k8s.io/v1",
            "kind": "WebhookAdmissionConfiguration",
            "kubeConfigFile": kubeconfig_path,
        },
    }
    return _json({"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AdmissionConfiguration", "plugins": [plugin]})


def webhook_kubeconfig(*, url: str, token: str) -> str:
    """What the API server shows to the gate at ``url``: under its host, and its port if that is not 443.

    Raises WebhookNotPossible.
    """
    parts = _plain_https(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    name = f"{host}:{parts.port}" if parts.port not in (None, 443) else parts.hostname
    users = [{"name": name, "user": {"token": token}}]
    return _json({"apiVersion": "v1", "kind": "Config", "users": users})


def _json(value: Any) -> str:
    return json.dumps(value, indent=2) + "\n"  # Kubernetes reads JSON wherever it reads YAML


def _plain_https(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise WebhookNotPossible(f"{url[:200]!r} is no address: {error}.") from error
    if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise WebhookNotPossible(f"{url!r} is no plain https:// address.", cure="Name the gate's own HTTPS address.")
    return parts


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
