"""Who may do what: one reviewed table of route × method × role. What is not in it is refused.

``portal/enforcement.py`` and ``portal/permission.py`` hold every request to it. A route without a row fails a test and
is refused at run time; so is a method that its row does not name.

- HEAD is GET. OPTIONS is in no row. Headers that name another method are not looked at.
- A session reaches what its person's roles allow; a service token reaches only rows that name a scope it carries, and
  of them those that its owner's roles allow at that moment; a gate's credential reaches ``GATE`` rows alone.
- A role held for one team counts only in rows marked ``in_team``: their services ask again, for the team concerned.
- A person with a one-time password reaches only the page that changes it.
"""

from dataclasses import dataclass, field, replace

from accounts.roles import Role


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call one method of one route."""

    roles: frozenset[Role] = field(default_factory=frozenset)
    is_public: bool = False  # no sign-in at all
    is_any_person: bool = False  # any signed-in person, with or without a role
    is_gate: bool = False  # a gate's own token
    scope: str = ""  # what a service token must carry; "" = no token may
    is_in_team: bool = False  # a role held for one team will do here; the service asks for the team concerned


PUBLIC = Access(is_public=True)
ANY_PERSON = Access(is_any_person=True)
GATE = Access(is_gate=True)


def only(*roles: Role, scope: str = "") -> Access:
    """People with one of ``roles``; and service tokens with ``scope`` whose owner has one of them."""
    return Access(roles=frozenset(roles), scope=scope)


def readers(scope: str = "read") -> Access:
    """Everyone who holds any role."""
    return replace(only(*Role, scope=scope), is_in_team=True)


def any_person(scope: str = "") -> Access:
    """Any signed-in person, with or without a role; and their service tokens with ``scope``."""
    return replace(ANY_PERSON, scope=scope)


def in_team(access: Access) -> Access:
    """The same, where a role held for one team counts too. The service must ask ``has_role(…, team=…)``."""
    return replace(access, is_in_team=True)


ROUTES: dict[str, dict[str, Access]] = {
    # portal
    "health:livez": {"GET": PUBLIC},
    "health:readyz": {"GET": PUBLIC},
    "api:openapi": {"GET": PUBLIC},
    "problems": {"GET": PUBLIC},
    # accounts
    "api:me": {"GET": any_person("read")},
    "api:people": {"GET": readers(), "POST": only(Role.PLATFORM_ADMIN)},
    "api:person": {"GET": readers()},
    "api:person-deactivate": {"POST": only(Role.PLATFORM_ADMIN)},
    "api:person-reactivate": {"POST": only(Role.PLATFORM_ADMIN)},
    "api:person-reset-password": {"POST": only(Role.PLATFORM_ADMIN)},
    "api:person-link": {"POST": only(Role.PLATFORM_ADMIN)},
    "api:person-roles": {"GET": readers(), "POST": only(Role.PLATFORM_ADMIN)},
    "api:person-role": {"DELETE": only(Role.PLATFORM_ADMIN)},
    "api:teams": {"GET": readers(), "POST": only(Role.PLATFORM_ADMIN)},
    "api:team": {"GET": readers()},
    "api:team-members": {"GET": readers(), "POST": only(Role.PLATFORM_ADMIN)},
    "api:team-member": {"DELETE": only(Role.PLATFORM_ADMIN)},
    "api:tokens": {"GET": ANY_PERSON, "POST": ANY_PERSON},
    "api:token": {"DELETE": ANY_PERSON},
    # jobs
    "api:jobs": {"GET": readers()},
    "api:job": {"GET": readers()},
    "api:job-cancel": {"POST": only(Role.PLATFORM_ADMIN, Role.REQUESTER, scope="import")},
    "api:job-retry": {"POST": only(Role.PLATFORM_ADMIN, Role.REQUESTER, scope="import")},
    # audit
    "api:record": {"GET": readers()},
    "api:record-export": {"GET": only(Role.AUDITOR, Role.PLATFORM_ADMIN, scope="audit")},
    "api:record-checkpoints": {"GET": readers()},
    "api:record-keys": {"GET": PUBLIC},  # public halves only: whoever verifies must be able to fetch them
    # registry
    # scans
    # catalog
    # policies
    # approvals
    # signing
    "api:signing-keys": {"GET": PUBLIC},  # public halves only: whoever verifies must be able to fetch them
    "api:signing-key-pem": {"GET": PUBLIC},
    # admission
    # web
    "web:signin": {"GET": PUBLIC, "POST": PUBLIC},
    "web:signout": {"POST": any_person()},
    "web:password": {"GET": any_person(), "POST": any_person()},
    "web:theme": {"POST": PUBLIC},
    "web:home": {"GET": any_person()},
    "web:find": {"GET": readers("")},
    "web:jobs": {"GET": readers("")},
    "web:job": {"GET": readers("")},
    "web:job-cancel": {"POST": only(Role.PLATFORM_ADMIN, Role.REQUESTER)},
    "web:job-retry": {"POST": only(Role.PLATFORM_ADMIN, Role.REQUESTER)},
    "web:people": {"GET": readers("")},
    "web:person-new": {"GET": only(Role.PLATFORM_ADMIN), "POST": only(Role.PLATFORM_ADMIN)},
    "web:person": {"GET": readers("")},
    "web:person-grant": {"POST": only(Role.PLATFORM_ADMIN)},
    "web:person-deactivate": {"POST": only(Role.PLATFORM_ADMIN)},
    "web:person-password": {"POST": only(Role.PLATFORM_ADMIN)},
    "web:grant-end": {"POST": only(Role.PLATFORM_ADMIN)},
    "web:team-new": {"GET": only(Role.PLATFORM_ADMIN), "POST": only(Role.PLATFORM_ADMIN)},
    "web:team": {"GET": readers(""), "POST": only(Role.PLATFORM_ADMIN)},
    "web:member-remove": {"POST": only(Role.PLATFORM_ADMIN)},
    "web:tokens": {"GET": any_person()},
    "web:token-new": {"GET": any_person(), "POST": any_person()},
    "web:token-end": {"POST": any_person()},
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever asks, as far as the table cares."""

    is_person: bool = False  # signed in, by session or token, with an open account
    is_gate: bool = False
    scopes: frozenset[str] | None = None  # of the service token; None for a session
    roles: frozenset[Role] = field(default_factory=frozenset)  # held everywhere
    roles_in_teams: frozenset[Role] = field(default_factory=frozenset)  # held anywhere


def is_allowed(access: Access, caller: Caller) -> bool:
    """Whether the row lets the caller in. Pure: the tests walk it cell by cell."""
    if access.is_public:
        return True
    if caller.is_gate or access.is_gate:
        return caller.is_gate and access.is_gate
    if not caller.is_person:
        return False
    if caller.scopes is not None and (not access.scope or access.scope not in caller.scopes):
        return False
    held = caller.roles_in_teams if access.is_in_team else caller.roles
    return access.is_any_person or bool(access.roles & held)


def access_to(view_name: str, method: str) -> Access | None:
    """The cell of the table; None when the row does not name the method. Raises KeyError for an unknown route."""
    return ROUTES[view_name].get("GET" if method == "HEAD" else method)


def allowed_methods(view_name: str) -> list[str]:
    """What the row names, for an Allow header."""
    methods = sorted(ROUTES[view_name])
    return [*methods, "HEAD"] if "GET" in methods else methods
