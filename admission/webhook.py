"""What ties a cluster to its gates: the configuration that ``gate/`` writes, filled with what the gates said."""

from urllib.parse import urlsplit

from admission import selectors
from admission.errors import GateAddressUnknown
from admission.models import Cluster
from gate.webhook_manifest import WebhookNotPossible, render, token_in


def webhook_yaml(cluster: Cluster, *, url: str = "") -> str:
    """The configuration as YAML. ``url`` is where the API server reaches the gate; else where a gate says it is.

    Raises GateAddressUnknown until a gate of the cluster was heard, or when nobody says where it is;
    WebhookNotPossible for an address that is not plain HTTPS.
    """
    gates = selectors.gates().filter(cluster=cluster, retired_at__isnull=True).exclude(ca_bundle_pem="")
    gate = gates.first()
    if gate is None:
        raise GateAddressUnknown(
            f"No gate of {cluster.name} was heard yet.", cure="Enrol a gate, start it, and ask again in some seconds."
        )
    address = url or gate.webhook_url
    try:
        urlsplit(address)
    except ValueError as error:
        raise WebhookNotPossible(f"{address[:200]!r} is no address: {error}.") from error
    if not address:
        raise GateAddressUnknown(
            f"Nobody said where the API server of {cluster.name} reaches its gate.",
            cure="Name it: webhook.yaml?url=https://gate.example:9443",
        )
    # The gate's own word ends in its token already; an address of somebody's own has it put behind.
    token = token_in(gate.webhook_url) if address != gate.webhook_url and not token_in(address) else ""
    return render(url=address, ca_bundle=gate.ca_bundle_pem, cluster=cluster.name, token=token)
