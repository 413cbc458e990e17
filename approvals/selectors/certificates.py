"""Reads of certificates, and of what moved against them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, OuterRef, Prefetch, Q, QuerySet, Value
from django.db.models.functions import Coalesce, NullIf

from approvals.domain.delta import delta, findings_of
from approvals.domain.packet import Delta
from approvals.errors import CertificationMissing
from approvals.models import Certification, CertificationReview
from approvals.selectors.evidence import findings_now
from catalog.models import Subversion
from catalog.selectors import approved_subversions
from registry.selectors import runnable_images


def _loaded() -> QuerySet[Certification]:
    return Certification.objects.select_related(
        "subversion__version__image",
        "subversion__artifact",
        "proposal__proposed_by",
        "packet",
        "policy",
        "publication__target_repository__registry",
    ).prefetch_related(Prefetch("consumed", CertificationReview.objects.select_related("review__reviewer")))


def certification_by_id(certification_id: UUID | str) -> Certification:
    """Raises CertificationMissing."""
    found = _loaded().filter(pk=certification_id).first()
    if found is None:
        raise CertificationMissing("There is no such certification.", cure="See the subversion's history.")
    return found


def certification_of_publication(publication_id: UUID | str) -> Certification | None:
    """The certification that a publication was begun for."""
    return Certification.objects.filter(publication_id=publication_id).first()


def certifications_of(subversion: Subversion) -> QuerySet[Certification]:
    """Every certification of a subversion, newest first."""
    return _loaded().filter(subversion=subversion).order_by("-begun_at", "-id")


def live_certification(subversion: Subversion) -> Certification | None:
    """The certificate that a subversion stands on; None when it has none that was not ended."""
    return _loaded().filter(subversion=subversion, finalised_at__isnull=False, ended_at=None).first()


@dataclass(frozen=True, slots=True)
class Told:
    """A subversion's certificates, newest first, and the one it is compared with: of what it replaces."""

    own: Sequence[Certification]
    before: Certification | None


def certificates_told(subversion: Subversion, at: datetime) -> Told:
    """What a page about ``subversion`` tells. ``reviewer_names`` stands on each. One query.

    A candidate is compared with what is certified of its version at ``at``; what was certified, with the one that was
    certified before it, whatever became of that.
    """
    finished = Certification.objects.filter(
        subversion__version_id=subversion.version_id, finalised_at__isnull=False
    ).exclude(subversion=subversion)
    if subversion.certified_from is None:
        finished = finished.filter(ended_at=None, subversion__in=approved_subversions(at).values("pk"))
    else:
        finished = finished.filter(subversion__certified_from__lt=subversion.certified_from)
    newest = finished.order_by("-subversion__certified_from", "-begun_at", "-pk").values("pk")[:1]
    consumed = CertificationReview.objects.filter(certification=OuterRef("pk")).order_by("review__decided_at")
    name = Coalesce(NullIf("review__reviewer__display_name", Value("")), "review__reviewer__username")
    found = list(
        _loaded()
        .prefetch_related(None)
        .annotate(reviewer_names=ArraySubquery(consumed.values_list(name)))
        .filter(Q(subversion=subversion) | Q(pk__in=newest))
        .order_by("-begun_at", "-id")
    )
    own = [one for one in found if one.subversion_id == subversion.pk]
    return Told(own, next((one for one in found if one.subversion_id != subversion.pk), None))


def moved_since_packet(subversion: Subversion) -> Delta:
    """What came to and went from its findings since the packet that was certified; empty without a certificate."""
    certification = live_certification(subversion)
    return _delta_of(certification) if certification is not None else Delta()


def _delta_of(certification: Certification) -> Delta:
    images = runnable_images(certification.subversion.artifact)
    now = [finding for image in images for finding in findings_now(image)]
    return delta(findings_of(certification.packet.document), now)


@dataclass(frozen=True, slots=True)
class Moved:
    """A certified subversion that something moved against."""

    certification: Certification
    delta: Delta


def moved_certified(at: datetime, *, limit: int = 20) -> list[Moved]:
    """Usable subversions with new findings since their packets, for Home; the most newly certified first.

    Scans are written anew only when something changed for the image, so only certificates with a scan younger than
    their packet are compared, at most ``limit`` of them: a few queries each.
    """
    younger = Q(subversion__artifact__scans__created_at__gte=F("packet__created_at")) | Q(
        subversion__artifact__child_links__child__scans__created_at__gte=F("packet__created_at")
    )
    live = Certification.objects.filter(
        younger,
        subversion__in=approved_subversions(at).values("pk"),
        finalised_at__isnull=False,
        ended_at=None,
    )
    chosen = _loaded().filter(pk__in=live.values("pk")).order_by("-starts_at", "-pk")[:limit]
    moved = [Moved(one, _delta_of(one)) for one in chosen]
    return [one for one in moved if one.delta.added]
