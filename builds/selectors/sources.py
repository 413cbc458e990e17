"""Reads of sources."""

from uuid import UUID

from django.db.models import QuerySet

from audit.actor import Subject
from builds.errors import SourceMissing
from builds.models import Source


def sources() -> QuerySet[Source]:
    """Every source by name, with what its row shows. One query."""
    return Source.objects.select_related(
        "version__image__owner", "owner__same_person_as", "created_by", "candidate_repository__registry"
    ).order_by("name", "id")


def source_by_id(source_id: UUID | str) -> Source:
    """Raises SourceMissing."""
    found = sources().filter(pk=source_id).first()
    if found is None:
        raise SourceMissing("There is no such source.", cure="See the list of sources.")
    return found


def source_subject(source: Source) -> Subject:
    """How the record names it."""
    return Subject("source", str(source.pk), source.name)
