"""LDAP: who somebody is, by their password or by name, and which roles their groups give.

Built on django-auth-ldap, which escapes what goes into filters and binds as the person. What it would decide about
accounts (take over one of the same name, write fields) is decided by ``accounts.services.receive_person`` instead.
Imported only where ``GOLDGATE_LDAP_URI`` is set: python-ldap needs a compiler to install (docs/how-to/ldap.md).
"""

import logging
from typing import Any, cast

import ldap
from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django_auth_ldap.backend import LDAPBackend
from django_auth_ldap.config import LDAPSearch
from ldap.filter import escape_filter_chars

from accounts import selectors
from accounts.domain.directory import Entry
from accounts.domain.names import fault_of
from accounts.errors import BadName, DirectoryUnavailable, EntryUnusable, NameTaken, PersonInactive
from accounts.models import Person
from accounts.models.person import PersonSource
from accounts.roles import Role
from accounts.services import keep_current, receive_person

log = logging.getLogger(__name__)

Attributes = dict[str, list[Any]]


class Directory(LDAPBackend):  # type: ignore[misc]
    """The directory as Django's authentication backend, and as ``accounts.domain.directory.Directory``."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> Person | None:
        """The person whose name and password the directory accepts; None for anybody else.

        Never asked: an empty password (RFC 4513, 5.1.2: such a bind succeeds, as nobody), a name that cannot be one,
        and the name of an account that has its password here.
        """
        if not username or not password or fault_of(username) or "\0" in password:
            return None
        known = selectors.person_by_name(username)
        if known is not None and known.source != PersonSource.LDAP:
            return None
        return cast("Person | None", super().authenticate(request, username=username, password=password))

    def get_or_build_user(self, username: str, ldap_user: Any) -> tuple[Person, bool]:
        """Called once the password was accepted. What cannot be received is no sign-in."""
        try:
            entry = _entry(ldap_user.attrs, ldap_user.dn, ldap_user.connection)
            return receive_person(entry=entry, now=timezone.now()), False
        except (NameTaken, BadName, PersonInactive, EntryUnusable) as error:
            log.warning("%s may not sign in by LDAP: %s", username, error)
            raise ldap_user.AuthenticationFailed(str(error)) from error

    def get_user(self, user_id: Any) -> Person | None:
        """The person of a session, as the directory has them."""
        person = Person.objects.filter(pk=user_id, is_active=True, source=PersonSource.LDAP).first()
        return keep_current(person=person, now=timezone.now()) if person is not None else None

    def find(self, username: str) -> Entry | None:
        """The person of that name, asked with the portal's own account. Raises DirectoryUnavailable."""
        try:
            connection = self._connect()
            try:
                found = self.settings.USER_SEARCH.execute(connection, {"user": username})
                if len(found) != 1:
                    return None
                dn, attributes = found[0]
                return _entry(attributes, dn, connection)
            finally:
                connection.unbind_s()
        except ldap.LDAPError as error:
            raise DirectoryUnavailable(f"The directory does not answer: {_words(error)}") from error

    def _connect(self) -> Any:
        connection = self.ldap.initialize(self.settings.SERVER_URI, bytes_mode=False)
        for option, value in self.settings.CONNECTION_OPTIONS.items():
            connection.set_option(option, value)
        if self.settings.START_TLS:
            connection.start_tls_s()
        connection.simple_bind_s(self.settings.BIND_DN, self.settings.BIND_PASSWORD)
        return connection


def _entry(attributes: Attributes, dn: str, connection: Any) -> Entry:
    identity = _first(attributes, settings.GOLDGATE_LDAP_ID_ATTRIBUTE)
    username = _first(attributes, settings.GOLDGATE_LDAP_NAME_ATTRIBUTE)
    if not identity or not username:
        raise EntryUnusable(
            f"{dn} has no {settings.GOLDGATE_LDAP_ID_ATTRIBUTE} or no {settings.GOLDGATE_LDAP_NAME_ATTRIBUTE}.",
            cure="Let the portal's account read them, or name other attributes (docs/how-to/ldap.md).",
        )
    return Entry(
        identity=f"ldap:{identity.lower()}",
        username=username,
        display_name=_first(attributes, "displayName") or _first(attributes, "cn"),
        email=_first(attributes, "mail"),
        roles=_roles(dn, username, connection),
    )


def _first(attributes: Attributes, name: str) -> str:
    values = (attributes or {}).get(name) or [""]
    value = values[0]
    # Active Directory's objectGUID is 16 bytes, not text.
    return value.hex() if isinstance(value, bytes) else str(value)


def _roles(dn: str, username: str, connection: Any) -> frozenset[Role]:
    """The roles of the groups that name the entry. Any LDAPError passes: roles that are unknown are no roles."""
    condition = "(|(member={dn})(uniqueMember={dn})(memberUid={name}))".format(
        dn=escape_filter_chars(dn), name=escape_filter_chars(username)
    )
    roles: set[Role] = set()
    for group, role in settings.GOLDGATE_LDAP_GROUP_ROLES:
        try:
            if LDAPSearch(group, ldap.SCOPE_BASE, condition, ["1.1"]).execute(connection):
                roles.add(Role(role))
        except ldap.NO_SUCH_OBJECT:
            log.warning("the group %s of GOLDGATE_LDAP_GROUP_ROLES is not there", group)
    return frozenset(roles)


def _words(error: Any) -> str:
    detail = error.args[0] if error.args else {}
    return str(detail.get("desc", type(error).__name__)) if isinstance(detail, dict) else str(detail)
