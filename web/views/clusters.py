"""Is every gate alive and obeyed?"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from admission import selectors as admission
from admission import services
from admission.models import Cluster
from admission.selectors import GateHealth
from admission.webhook import webhook_yaml
from audit import selectors as audit
from web.forms.admission import ClusterForm
from web.refusals import attempt, attempt_or_say
from web.timeline import told
from web.viewer import viewer_of


@dataclass(frozen=True, slots=True)
class ClusterRow:
    """One cluster and its gates."""

    cluster: Cluster
    gates: tuple[GateHealth, ...]

    @property
    def state(self) -> str:
        """connected, silent, or none when no gate was enrolled."""
        if not self.gates:
            return "new"
        return "silent" if any(one.is_silent for one in self.gates) else "connected"

    @property
    def sentence(self) -> str:
        """Whether its gates live, in one sentence."""
        if not self.gates:
            return "Nobody answers for this cluster yet."
        silent = sum(one.is_silent for one in self.gates)
        gates = "gate" if len(self.gates) == 1 else "gates"
        if silent:
            return f"{silent} of {len(self.gates)} {gates} {'was' if silent == 1 else 'were'} not heard lately."
        if any(one.versions_behind != 0 for one in self.gates):
            return f"{len(self.gates)} {gates} heard, not all of them on the newest snapshot."
        return f"{len(self.gates)} {gates} heard, on the newest snapshot."

    @property
    def next_action(self) -> str:
        """What somebody must do, if anything."""
        return {
            "new": "Enrol a gate beside it, then apply the webhook.",
            "silent": "See that its process runs and reaches this address. Cut off, a gate goes on with the snapshot "
            "it has, and refuses everything once that has expired.",
        }.get(self.state, "Nothing to do.")


@require_GET
def clusters(request: HttpRequest) -> HttpResponse:
    """Every cluster, its gates, and the snapshot that they should answer from."""
    viewer = viewer_of(request)
    health = admission.gate_health(viewer.now)
    rows = [
        ClusterRow(cluster, tuple(one for one in health if one.gate.cluster_id == cluster.pk))
        for cluster in admission.clusters()
    ]
    newest = admission.newest_publication()
    context = {
        "viewer": viewer,
        "rows": rows,
        "newest": newest,
        "publisher": admission.publisher_status(),
        "fingerprint": admission.root_fingerprint(),
        "root_expires_at": admission.root_expires_at(),
        "silent": [one for one in health if one.is_silent],
    }
    return render(request, "web/clusters.html", context)


@require_http_methods(["GET", "POST"])
def cluster_new(request: HttpRequest) -> HttpResponse:
    """Make a cluster known."""
    viewer = viewer_of(request)
    form = ClusterForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        made = attempt(
            form,
            lambda: services.add_cluster(actor=viewer.person.as_actor(), now=viewer.now, **form.cleaned_data),
            at={"malformed_cluster_name": "name", "cluster_exists": "name"},
        )
        if made is not None:
            messages.success(request, "It is known. Enrol its first gate.")
            return redirect("web:cluster", name=made.name)
    return render(request, "web/cluster_new.html", {"form": form}, status=400 if form.errors else 200)


@require_GET
def cluster(request: HttpRequest, name: str) -> HttpResponse:
    """One cluster: its gates, what they answer from, what was denied."""
    viewer = viewer_of(request)
    shown = admission.cluster_by_name(name)
    health = [one for one in admission.gate_health(viewer.now) if one.gate.cluster_id == shown.pk]
    since = viewer.now - timedelta(days=1)
    context = {
        "viewer": viewer,
        "cluster": shown,
        "row": ClusterRow(shown, tuple(health)),
        "newest": admission.newest_publication(),
        "denied": admission.decisions_matching(cluster=shown.name, allowed=False).filter(at__gte=since)[:20],
        "fingerprint": admission.root_fingerprint(),
        "records": told(audit.records_of("cluster", str(shown.pk))),
    }
    return render(request, "web/cluster.html", context)


@require_POST
def cluster_token(request: HttpRequest, name: str) -> HttpResponse:
    """A token that lets one gate join, shown once."""
    viewer = viewer_of(request)
    shown = admission.cluster_by_name(name)
    token, secret = services.create_enrolment_token(cluster=shown, actor=viewer.person.as_actor(), now=viewer.now)
    fingerprint = admission.root_fingerprint()
    context = {
        "viewer": viewer,
        "cluster": shown,
        "token": token,
        "secret": secret,
        "fingerprint": fingerprint,
        "line": f"goldgate gate enrol {settings.GOLDGATE_URL} --home /var/lib/goldgate-gate"
        f" --root-sha256 {fingerprint}",
    }
    response = render(request, "web/cluster_token.html", context)
    response["Cache-Control"] = "no-store"
    return response


@require_POST
def gate_retire(request: HttpRequest, gate_id: UUID) -> HttpResponse:
    """End a gate's credential at once."""
    viewer = viewer_of(request)
    gate = admission.gate_by_id(gate_id)
    attempt_or_say(
        request,
        lambda: services.retire_gate(gate_id=gate_id, actor=viewer.person.as_actor(), now=viewer.now),
        "The gate is retired: its token no longer works.",
    )
    return redirect("web:cluster", name=gate.cluster.name)


@require_GET
def cluster_webhook(request: HttpRequest, name: str) -> HttpResponse:
    """The webhook configuration that the cluster's administrator applies."""
    text = webhook_yaml(admission.cluster_by_name(name), url=request.GET.get("url", "")[:500].strip())
    response = HttpResponse(text, content_type="application/yaml; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="goldgate-webhook-{name}.yaml"'
    return response
