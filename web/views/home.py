"""The start page: what waits for this person, what is missing, what moved. And the one box that finds things."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from admission import selectors as admission
from approvals import selectors as approvals
from catalog import selectors as catalog
from registry import selectors as registry
from scans import selectors as scans
from web import dossier, waiting
from web.forms.admission import TryForm
from web.viewer import viewer_of
from web.views.subversion import url_of

MIN_DIGEST = 6  # hex digits from which a search looks among digests
HEX = set("0123456789abcdef")


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """What waits for me?"""
    viewer = viewer_of(request)
    if not viewer.roles:
        return render(request, "web/home_without_role.html", {"viewer": viewer})
    ages = scans.feed_ages(viewer.now)
    health = admission.gate_health(viewer.now)
    usable = catalog.usable_in_short(viewer.now, ending_before=viewer.now + waiting.ENDING_SOON)
    policy = dossier.policy_at(viewer.now) if viewer.is_reviewer else None
    context = {
        "viewer": viewer,
        "gaps": waiting.gaps(viewer, ages, usable.count) if viewer.is_admin else [],
        "due": approvals.reviews_due(viewer.person, policy, viewer.now) if policy else [],
        "alerts": waiting.supply_alerts(viewer, policy),
        "requests": waiting.my_requests(viewer),
        "ending": usable.ending,
        # What nobody may use cannot have moved.
        "moved": waiting.moved_against_certified(viewer.now) if usable.count else [],
        "usable": usable.count,
        "ages": ages,
        "late": [one for one in ages if one.is_late and not one.feed.is_frozen],
        "frozen": [one for one in ages if one.feed.is_frozen],
        "gates": health,
        "silent": [one for one in health if one.is_silent],
        "try_form": TryForm(),
    }
    return render(request, "web/home.html", context)


@require_GET
def find(request: HttpRequest) -> HttpResponse:
    """One box: a digest or its beginning, image/version, a vulnerability, a decision, a request's number."""
    text = request.GET.get("q", "").strip()[:300]
    if not text or "\x00" in text:
        return render(request, "web/find.html", {"find_text": ""})
    if text.startswith("#") and text[1:].isdigit():
        return redirect("web:request", request_id=int(text[1:19]))
    bare = text.rpartition("@")[2].lower()
    encoded = bare.removeprefix("sha256:")
    is_digest = len(encoded) >= MIN_DIGEST and set(encoded) <= HEX
    artifacts = registry.artifacts_beginning(f"sha256:{encoded}") if is_digest else []
    builds = catalog.search(text)
    if len(artifacts) == 1 and not builds:
        return redirect("web:artifact", digest=artifacts[0].digest)
    if len(builds) == 1 and len(artifacts) <= 1:
        return redirect(url_of(builds[0]))
    is_vulnerability = "-" in text and not is_digest
    context = {
        "find_text": text,
        "artifacts": artifacts,
        "builds": builds,
        "affected": scans.artifacts_with(text.upper()) if is_vulnerability else [],
        "decisions": admission.decisions().filter(short_id=text.upper())[:1],
    }
    return render(request, "web/find.html", context)
