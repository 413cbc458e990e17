"""What the clock says: sources and watches whose time has come."""

from datetime import datetime

from django.db.models import Q, QuerySet

from builds.models import Source, Watch

BATCH = 5000  # at once; the next tick takes the rest


def sources_due(at: datetime) -> QuerySet[Source]:
    """Sources to renew at ``at``, and those never planned; longest due first.

    Those that are paused wait, and are due at once when they go on.
    """
    built_here = Source.objects.exclude(builder=Source.Builder.EXTERNAL)
    return built_here.filter(_due(at), is_paused=False).order_by("next_due_at", "pk")[:BATCH]


def watches_due(at: datetime) -> QuerySet[Watch]:
    """Watched tags to look at, longest due first; not those that are paused or were stopped by the breaker."""
    return Watch.objects.filter(_due(at), is_paused=False, stopped_at=None).order_by("next_due_at", "pk")[:BATCH]


def _due(at: datetime) -> Q:
    return Q(next_due_at=None) | Q(next_due_at__lte=at)
