"""Reads of what teams asked for."""

from django.db.models import Count, Q, QuerySet

from accounts.models import Person
from approvals.errors import RequestMissing
from approvals.models import Request
from audit.actor import Subject
from catalog.models import Version


def requests() -> QuerySet[Request]:
    """Every request, newest first, with how many joined it and the proposals that came of it. Two queries."""
    return (
        Request.objects.select_related("asked_by", "team", "answered_by", "subversion__version__image")
        .annotate(join_count=Count("joins"))
        .prefetch_related("proposals")
        .order_by("-id")
    )


def requests_of(person: Person) -> QuerySet[Request]:
    """What ``person`` asked for or joined, newest first."""
    return requests().filter(Q(asked_by=person) | Q(pk__in=Request.objects.filter(joins__person=person).values("pk")))


def request_by_id(request_id: int) -> Request:
    """Raises RequestMissing."""
    found = requests().filter(pk=request_id).first()
    if found is None:
        raise RequestMissing("There is no such request.", cure="See the list of requests.")
    return found


def open_request_for(version: Version) -> Request | None:
    """The open request for a version, if somebody asked."""
    return Request.objects.filter(image_name=version.image.name, version_name=version.name, state="open").first()


def request_subject(request: Request) -> Subject:
    """How the record names a request."""
    return Subject(kind="request", id=str(request.pk), label=str(request))
