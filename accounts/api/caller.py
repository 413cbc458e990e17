"""Who asks, as the services take it."""

from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request

from accounts.models import Person


def person_of(request: Request) -> Person:
    """The signed-in person, or the owner of the token. Raises NotAuthenticated; the table let nobody else here."""
    if not isinstance(request.user, Person):
        raise NotAuthenticated
    return request.user
