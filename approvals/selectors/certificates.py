"""Reads of certificates, and of what moved against them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import F, Prefetch, Q, QuerySet

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
