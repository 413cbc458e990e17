"""Reads of watched tags."""

from uuid import UUID

from django.db.models import Q, QuerySet

from builds.errors import WatchMissing
from builds.models import Watch


def watches(*, text: str = "") -> QuerySet[Watch]:
    """Every watched tag with what it is for, oldest first; narrowed to a part of the image's or repository's name."""
    found = Watch.objects.select_related("version__image", "repository__registry", "owner", "last_import")
    if text:
        found = found.filter(Q(version__image__name__icontains=text) | Q(repository__path__icontains=text))
    return found.order_by("created_at", "id")


def watch_by_id(watch_id: UUID | str) -> Watch:
    """Raises WatchMissing."""
    found = watches().filter(pk=watch_id).first()
    if found is None:
        raise WatchMissing("There is no such watch.", cure="See the list of watches.")
    return found
