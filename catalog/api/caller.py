"""The person who asks."""

from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request

from accounts.models import Person


def person_of(request: Request) -> Person:
    """Whoever signed in, or the owner of the service token. Raises NotAuthenticated (401)."""
    if not isinstance(request.user, Person):
        raise NotAuthenticated
    return request.user
