"""Reads of watched tags."""

from uuid import UUID

from django.db.models import QuerySet

from builds.errors import WatchMissing
from builds.models import Watch


def watches() -> QuerySet[Watch]:
    """Every watched tag with what it is for, oldest first."""
    found = Watch.objects.select_related("version__image", "repository__registry", "owner", "last_import")
    return found.order_by("created_at", "id")


def watch_by_id(watch_id: UUID | str) -> Watch:
    """Raises WatchMissing."""
    found = watches().filter(pk=watch_id).first()
    if found is None:
        raise WatchMissing("There is no such watch.", cure="See the list of watches.")
    return found
