"""Who says what is in images that have no package database, and does it count?"""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from audit import selectors as audit
from registry import selectors as registry
from registry.models import Artifact
from scans import selectors as scans
from scans import services
from scans.domain.statements import MAX_BYTES
from scans.selectors import attestations as read
from web.forms.base import ReasonForm
from web.forms.sboms import AttestationForm, SignerForm
from web.paging import page_of
from web.refusals import attempt
from web.timeline import told
from web.viewer import Viewer, viewer_of

REFUSED = 10  # of the newest refused ones


@require_GET
def signers(request: HttpRequest) -> HttpResponse:
    """Who may attest an inventory, and what was refused last."""
    context = {
        "viewer": viewer_of(request),
        "page": page_of(read.inventory_signers(), request, order=("-created_at", "-id")),
        "refused": read.newest_refused(REFUSED),
    }
    return render(request, "web/sbom_signers.html", context)


@require_http_methods(["GET", "POST"])
def signer_new(request: HttpRequest) -> HttpResponse:
    """Name a signer."""
    viewer = viewer_of(request)
    form = SignerForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        wanted = services.SignerFields(**form.cleaned_data)
        made = attempt(form, lambda: services.trust_signer(fields=wanted, by=viewer.person, now=viewer.now))
        if made is not None:
            messages.success(request, f"{made} may attest inventories; what was refused so far is judged again.")
            return redirect("web:inventory-signers")
    return render(request, "web/sbom_signer_new.html", {"form": form}, status=400 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def signer_end(request: HttpRequest, signer_id: UUID) -> HttpResponse:
    """End a signer, with a reason; first, what that does."""
    viewer = viewer_of(request)
    shown = read.inventory_signer(signer_id)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        reason = form.cleaned_data["reason"]
        done = attempt(
            form,
            lambda: services.end_signer(signer_id=signer_id, reason=reason, by=viewer.person, now=viewer.now),
        )
        if done is not None:
            messages.success(request, f"{shown} is ended; what rested on it is judged again.")
            return redirect("web:inventory-signers")
    context = {"form": form, "signer": shown}
    return render(request, "web/sbom_signer_end.html", context, status=400 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def attestations(request: HttpRequest, digest: str) -> HttpResponse:
    """What is attested of one image; posting hands in another."""
    viewer = viewer_of(request)
    artifact = registry.artifact_by_digest(digest)
    is_post = request.method == "POST"
    form = AttestationForm(request.POST if is_post else None, request.FILES if is_post else None)
    if is_post and form.is_valid():
        file = form.cleaned_data["attestation"]
        if attempt(form, lambda: _take(artifact, file, viewer)) is not None:
            messages.success(request, "It is verified; the scan follows in a moment.")
            return redirect("web:sbom-attestations", digest=artifact.digest)
    context = {
        "viewer": viewer,
        "artifact": artifact,
        "form": form,
        "may_hand_in": artifact.kind == Artifact.Kind.IMAGE and viewer.may_ask,
        "page": page_of(read.attestations_of(artifact), request, order=("-received_at", "-id")),
        "inventory": scans.latest_inventory(artifact),
        "scan": scans.latest_scan(artifact),
        "records": told(audit.records_of("artifact", str(artifact.pk))),
    }
    return render(request, "web/sbom_attestations.html", context, status=400 if form.errors else 200)


def _take(artifact: Artifact, file: "UploadedFile[Any]", viewer: Viewer) -> Any:
    # One byte more than is read tells that there is more.
    body = file.read(MAX_BYTES + 1)
    return services.take_attestation(artifact=artifact, body=body, by=viewer.person, now=viewer.now)
