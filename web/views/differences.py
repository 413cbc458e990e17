"""What is different between two digests? Packages, findings, files, configuration, size by layer."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from builds.errors import NothingToCompare
from builds.selectors import inspections
from catalog import selectors as catalog
from oci.digest import Digest
from registry import selectors as registry
from registry.models import Artifact
from scans import selectors as scans
from web import differing
from web.filters import Text, read_filters
from web.forms.builds import DifferenceForm
from web.refusals import attempt
from web.viewer import viewer_of


@require_GET
def difference_ask(request: HttpRequest) -> HttpResponse:
    """Which two? Digests, or names of the catalog; the answer is a link that stays."""
    filters = read_filters(request, {"older": Text(), "newer": Text()})
    is_asked = bool(filters.get("older") or filters.get("newer"))
    form = DifferenceForm(request.GET if is_asked else None)
    if is_asked and form.is_valid():
        # One after the other, so that each field says what is wrong with it.
        found = [_named(form, "older"), _named(form, "newer")]
        if None not in found:
            return redirect(reverse("web:difference", args=found))
    status = 400 if form.errors or filters.remarks else 200
    context = {"form": form, "unknown_filters": filters.remarks}
    return render(request, "web/difference_ask.html", context, status=status)


def _named(form: DifferenceForm, field: str) -> str | None:
    """The digest that ``field`` names; None, with the field saying why, where it names nothing."""
    codes = ("no_such_image", "artifact_unknown", "digest_malformed")
    return attempt(form, lambda: _digest_of(form.cleaned_data[field]), at=dict.fromkeys(codes, field))


def _digest_of(text: str) -> str:
    """The digest that a person named: itself, or image/version/subversion.

    Raises: NoSuchImage; ArtifactUnknown; MalformedDigest.
    """
    parts = text.strip().split("/")
    if len(parts) == 3:
        return str(catalog.subversion_by_name(*parts).artifact.digest)
    return str(registry.artifact_by_digest(Digest.parse(text.strip().rpartition("@")[2])).digest)


@require_GET
def difference(request: HttpRequest, older: str, newer: str) -> HttpResponse:
    """From one digest to another: a summary in sentences first, then each part."""
    viewer = viewer_of(request)
    before, after = registry.artifact_by_digest(older), registry.artifact_by_digest(newer)
    context = {"viewer": viewer, "older": before, "newer": after}
    try:
        found = differing.remembered(before, after, made_from=_made_from(before, after))
    except NothingToCompare as error:
        return render(request, "web/difference.html", {**context, "refusal": error}, status=200)
    named = {one: catalog.subversion_by_digest(one.digest) for one in (before, after)}
    context |= {
        "difference": found,
        "command": f"goldgate diff {before.digest} {after.digest}",
        "points": differing.points(found),
        "images": [differing.image_told(image) for image in found.images],
        "older_name": named[before],
        "newer_name": named[after],
    }
    return render(request, "web/difference.html", context)


def _made_from(*artifacts: Artifact) -> list[str]:
    """What may move under a difference, by name: scans and inspections of every image in it. Two queries an image."""
    images = [image.pk for artifact in artifacts for image in registry.runnable_images(artifact)]
    looked = inspections.inspections_of(images).values()
    return [str(scan.pk) for scan in scans.latest_scans(images).values()] + [
        f"{one.pk}:{one.files_digest}" for one in looked
    ]
