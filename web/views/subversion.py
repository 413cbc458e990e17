"""May it be used, and why? One build: its verdict, its findings, its layers, its proofs, its end."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from admission import selectors as admission
from approvals import selectors as approvals
from approvals import services
from approvals.domain.certify_line import certify_line
from audit import selectors as audit
from builds.selectors import profiles
from builds.selectors.checks import checks_of_images
from catalog import selectors as catalog
from catalog import services as catalog_services
from catalog.domain.state import Cause, State
from catalog.models import Subversion
from policies import selectors as policies
from registry import selectors as registry
from registry.models import Artifact
from scans import selectors as scans
from scans import services as scan_services
from signing.models import Publication
from web import dossier, findings, raw, supply
from web.csv_rows import csv_response
from web.filters import Choice, Filters, Text, read_filters
from web.forms.approvals import ProposeForm, SubversionForm
from web.forms.base import ReasonForm
from web.paging import page_of_list
from web.refusals import attempt, attempt_or_say
from web.timeline import told
from web.viewer import viewer_of
from web.views.catalog import from_line


def _found(image_name: str, version_name: str, name: str) -> Subversion:
    return catalog.subversion_by_name(image_name, version_name, name)


def url_of(subversion: Subversion) -> str:
    """The address of its page."""
    version = subversion.version
    return reverse("web:subversion", args=[version.image.name, version.name, subversion.name])


@require_GET
def subversion(request: HttpRequest, image_name: str, version_name: str, name: str) -> HttpResponse:
    """The verdict, what is missing and who can give it, each check, the proofs, the timeline."""
    viewer = viewer_of(request)
    shown = _found(image_name, version_name, name)
    view, successor = dossier.state_of(shown, viewer.now)
    policy = dossier.policy_at(viewer.now)
    proposal = approvals.latest_proposal(shown)
    standing = dossier.standing_of(proposal, policy) if proposal and proposal.closed_at is None else None
    evidence = approvals.evidence_of(shown, viewer.now)
    lines = certify_line(evidence, policy=policies.document_of(policy), now=viewer.now)
    certificates = approvals.certificates_told(shown, viewer.now)
    certifications = certificates.own
    publication = certifications[0].publication if certifications else None
    # Only then must somebody know whether the gates know: a snapshot that does not say it still allows.
    is_taken_back = view.cause in (Cause.REVOKED, Cause.SUSPENDED)
    context = {
        "viewer": viewer,
        "subversion": shown,
        "artifact": shown.artifact,
        "view": view,
        "badge": view.cause if view.cause is Cause.CERTIFYING else view.state,
        "from_line": from_line(shown) if view.is_usable else "",
        "successor": successor,
        "successor_line": from_line(successor) if successor else "",
        "lines": lines,
        "missing": dossier.missing_for(shown, view, standing=standing, lines=lines, publication=publication),
        "standing": standing,
        "policy": policy,
        "evidence": evidence,
        "counts": findings.counts_in(evidence),
        "moved": dossier.moved_since(certifications, evidence),
        "before": certificates.before.subversion if certificates.before else None,
        "points": dossier.difference_points(certificates.before, shown, evidence),
        "supply": evidence.build,
        "publication": publication,
        "is_taken_back": is_taken_back,
        "published_at": admission.published_at(shown) if is_taken_back else None,
        "verify_line": _verify_line(publication, shown) if publication else "",
        "certifications": [(one, dossier.certificate_words(one)) for one in certifications],
        "records": told(audit.records_of("subversion", str(shown.pk))),
        "propose_form": ProposeForm(),
        "may_propose": view.state is State.CANDIDATE and view.cause is not Cause.CERTIFYING and standing is None,
    }
    return render(request, "web/subversion.html", context)


def _verify_line(publication: Publication, shown: Subversion) -> str:
    """For cosign 2; cosign 3 wants --private-infrastructure beside it."""
    place = f"{publication.target_repository.name}@{shown.artifact.digest}"
    return f"cosign verify --key goldgate.pem --insecure-ignore-tlog=true {place}"


@require_POST
def propose(request: HttpRequest, image_name: str, version_name: str, name: str) -> HttpResponse:
    """Put it before its reviewers."""
    viewer = viewer_of(request)
    shown = _found(image_name, version_name, name)
    form = ProposeForm(request.POST)
    if form.is_valid():
        note = form.cleaned_data["note"]
        attempt_or_say(
            request,
            lambda: services.propose(subversion=shown, proposed_by=viewer.person, note=note, now=viewer.now),
            f"{shown} is before its reviewers.",
        )
    return redirect(url_of(shown))


@require_POST
def rescan(request: HttpRequest, image_name: str, version_name: str, name: str) -> HttpResponse:
    """Hold it against the advisories again."""
    viewer = viewer_of(request)
    shown = _found(image_name, version_name, name)
    attempt_or_say(
        request,
        lambda: scan_services.ask_scan(artifact=shown.artifact, actor=viewer.person.as_actor(), now=viewer.now),
        "It is scanned again; the page shows the result in a moment.",
    )
    return redirect(url_of(shown))


@dataclass(frozen=True, slots=True)
class Ending:
    """One way to stop a build from being used, or to take that back, in words."""

    title: str
    effect: str
    button: str
    done: str
    deed: Callable[..., object]


ENDINGS = {
    "suspend": Ending(
        title="Suspend",
        effect="It must not be used from now on, for 72 hours at most. Lifting undoes it; revoking makes it final.",
        button="Suspend it now",
        done="It is suspended. Gates refuse it as soon as they have the next snapshot.",
        deed=services.suspend,
    ),
    "lift": Ending(
        title="Lift the suspension",
        effect="It may be used again until the end of its certificate.",
        button="Lift the suspension",
        done="The suspension is lifted.",
        deed=services.lift_suspension,
    ),
    "revoke": Ending(
        title="Revoke",
        effect="It must not be used any more, for good: this cannot be taken back. Its signature is removed where"
        " the registry allows; a signature cannot be unsaid, so only the gates make it final.",
        button="Revoke it for good",
        done="It is revoked. Gates refuse it as soon as they have the next snapshot.",
        deed=services.revoke,
    ),
}


@require_http_methods(["GET", "POST"])
def ending(request: HttpRequest, image_name: str, version_name: str, name: str, ending: str) -> HttpResponse:
    """Suspend, lift or revoke: what it does first, then the reason, then the button."""
    viewer = viewer_of(request)
    shown = _found(image_name, version_name, name)
    words = ENDINGS[ending]
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        reason = form.cleaned_data["reason"]
        done = attempt(
            form,
            lambda: words.deed(subversion_id=shown.pk, person=viewer.person, reason=reason, now=viewer.now),
        )
        if done is not None:
            messages.success(request, words.done)
            return redirect(url_of(shown))
    standing_on_it = list(registry.descendants_of(shown.artifact)[:21])
    context = {
        "viewer": viewer,
        "subversion": shown,
        "view": catalog.state_of(shown, viewer.now),
        "words": words,
        "ending": ending,
        "form": form,
        "successor": catalog.successor_of(shown, viewer.now),
        "descendants": standing_on_it[:20],
        "is_more": len(standing_on_it) > 20,
    }
    return render(request, "web/subversion_end.html", context, status=400 if form.errors else 200)


# An artifact: what was imported, whether it has a place in the catalog or not.


@require_GET
def artifact(request: HttpRequest, digest: str) -> HttpResponse:
    """One digest. What has a place in the catalog is shown there."""
    shown = registry.artifact_by_digest(digest)
    own = catalog.subversion_by_digest(shown.digest)
    if own is not None and own.artifact_id == shown.pk:
        return redirect(url_of(own))
    return _artifact_page(request, shown, SubversionForm(), status=200, parent=own)


def _artifact_page(
    request: HttpRequest, shown: Artifact, form: SubversionForm, *, status: int, parent: Subversion | None = None
) -> HttpResponse:
    viewer = viewer_of(request)
    scan = scans.latest_scan(shown)
    lineage = registry.lineage_of(shown)
    context = {
        "viewer": viewer,
        "artifact": shown,
        "parent": parent,
        "scan": scan,
        "judgement": scans.scan_state_at(scan, viewer.now, None),
        "counts": findings.by_severity(scan.summary) if scan else None,
        "lineage": lineage,
        "repositories": registry.repositories_of(shown),
        "versions": catalog.version_names(),
        "form": form,
        "records": told(audit.records_of("artifact", str(shown.pk))),
    }
    return render(request, "web/artifact.html", context, status=status)


@require_POST
def subversion_new(request: HttpRequest, digest: str) -> HttpResponse:
    """Give an artifact its place in the catalog."""
    viewer = viewer_of(request)
    shown = registry.artifact_by_digest(digest)
    form = SubversionForm(request.POST)
    if form.is_valid():
        made = attempt(
            form,
            lambda: catalog_services.add_subversion(
                version=catalog.version_by_name(form.cleaned_data["version"]),
                artifact=shown,
                created_by=viewer.person,
                name=form.cleaned_data["name"],
                now=viewer.now,
            ),
        )
        if made is not None:
            return redirect(url_of(made))
    return _artifact_page(request, shown, form, status=400)


SEVERITIES = ("critical", "high", "medium", "low", "none", "unknown")


@require_GET
def artifact_findings(request: HttpRequest, digest: str) -> HttpResponseBase:
    """Every finding on a digest, by who must act."""
    viewer = viewer_of(request)
    shown = registry.artifact_by_digest(digest)
    filters = read_filters(
        request,
        {
            "severity": Choice(SEVERITIES),
            "fix": Choice(("yes", "no")),
            "package": Text(),
            "exploited": Choice(("yes",)),
            "format": Choice(("csv",)),
        },
    )
    rows = [row for row in scans.findings(shown) if _is_wanted(row, filters)]
    if filters.is_csv:
        return csv_response(f"findings-{digest[7:19]}.csv", findings.CSV_HEADER, map(findings.csv_row, rows))
    page = page_of_list(rows, request, size=200)
    scan = scans.latest_scan(shown)
    context = {
        "viewer": viewer,
        "artifact": shown,
        "subversion": catalog.subversion_by_digest(shown.digest),
        "heaps": findings.by_who_must_act(page.rows),
        "page": page,
        "total": len(rows),
        "filters": filters,
        "unknown_filters": filters.remarks,
        "severities": SEVERITIES,
        "scan": scan,
        "judgement": scans.scan_state_at(scan, viewer.now, None),
    }
    return render(request, "web/findings.html", context, status=filters.status)


def _is_wanted(row: scans.Finding, filters: Filters) -> bool:
    get = filters.get
    return (
        (not get("severity") or row.severity.word == get("severity"))
        and (not get("fix") or row.has_fix == (get("fix") == "yes"))
        and (not get("package") or get("package") in (row.package, row.source))
        and (not get("exploited") or row.is_kev)
    )


@require_GET
def artifact_hardening(request: HttpRequest, digest: str) -> HttpResponse:
    """What the rules found in the files of each runnable image, and what is let pass until when."""
    viewer = viewer_of(request)
    shown = registry.artifact_by_digest(digest)
    images = registry.runnable_images(shown)
    own = catalog.subversion_by_digest(shown.digest)
    seen = checks_of_images([image.pk for image in images])
    waivers = policies.waivers_in_force(
        {check.rule for checks in seen.values() for check in checks.checks if check.severity == "error"},
        at=viewer.now,
        version=str(own.version) if own else "",
        digests=[shown.digest, *(image.digest for image in images)],
    )
    groups = {pk: supply.check_groups(one.checks, waivers) for pk, one in seen.items()}
    failed = {pk for pk, one in seen.items() if one.inspection.state == "failed"}
    looked = [None if image.pk in failed else groups.get(image.pk) for image in images]
    context = {
        "viewer": viewer,
        "artifact": shown,
        "subversion": own,
        "standing": supply.hardening_told(looked),
        "images": [(image, seen.get(image.pk), groups.get(image.pk, [])) for image in images],
        "scope": ("version", str(own.version)) if own else ("digest", shown.digest),
    }
    return render(request, "web/hardening.html", context)


@require_GET
def artifact_profile(request: HttpRequest, digest: str) -> HttpResponse:
    """How little is in it, beside its certified neighbours; those that have less are named."""
    viewer = viewer_of(request)
    shown = registry.artifact_by_digest(digest)
    own = catalog.subversion_by_digest(shown.digest)
    view = profiles.profile_view(own, viewer.now) if own else None
    context = {"viewer": viewer, "artifact": shown, "subversion": own, "view": view}
    return render(request, "web/profile.html", context)


@require_GET
def artifact_contents(request: HttpRequest, digest: str) -> HttpResponse:
    """Layers, configuration, lineage, where it was seen, what was looked at."""
    shown = registry.artifact_by_digest(digest)
    images = registry.runnable_images(shown)
    context = {
        "artifact": shown,
        "subversion": catalog.subversion_by_digest(shown.digest),
        "children": registry.children_of(shown) if shown.is_index else [],
        "layers": registry.layers_of(shown),
        "lineage": registry.lineage_of(shown),
        "repositories": registry.repositories_of(shown),
        "inventory": scans.latest_inventory(images[0]) if images else None,
        "images": images,
    }
    return render(request, "web/contents.html", context)


@require_GET
def artifact_raw(request: HttpRequest, digest: str, what: str) -> HttpResponse:
    """The bytes as stored: manifest, configuration, SBOM, the scanner's own report."""
    shown = registry.artifact_by_digest(digest)
    try:
        return raw.download(shown, what)
    except KeyError as error:
        raise Http404 from error


@require_GET
def packet_raw(request: HttpRequest, packet_id: UUID) -> HttpResponse:
    """A packet's bytes, exactly those that were hashed."""
    packet = approvals.packet_by_id(packet_id)
    response = HttpResponse(packet.canonical.encode(), content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="packet-{packet.sha256[:12]}.json"'
    return response
