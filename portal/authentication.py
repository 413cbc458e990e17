"""Who is asking the API: a person's session, or a service token."""

from rest_framework.authentication import SessionAuthentication


class PersonSessionAuthentication(SessionAuthentication):
    """The browser's session. Unsafe methods need the CSRF token."""
