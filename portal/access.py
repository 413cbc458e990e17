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


# Who may ask for an image and put a candidate before its reviewers.
PROPOSERS = (Role.REQUESTER, Role.REVIEWER, Role.SECURITY_REVIEWER, Role.PLATFORM_ADMIN)

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
    "api:registries": {"GET": readers(), "POST": only(Role.PLATFORM_ADMIN, scope="registries")},
    "api:registry-presets": {"GET": readers()},
    "api:registry": {"GET": readers(), "PATCH": only(Role.PLATFORM_ADMIN, scope="registries")},
    "api:registry-test": {"POST": only(Role.PLATFORM_ADMIN, scope="registries")},
    "api:repositories": {"GET": readers()},
    "api:artifacts": {"GET": readers()},
    "api:artifact": {"GET": readers()},
    "api:imports": {"GET": readers(), "POST": only(Role.PLATFORM_ADMIN, Role.REQUESTER, scope="import")},
    "api:import": {"GET": readers()},
    # scans
    "api:artifact-scan": {"GET": readers(), "POST": only(Role.PLATFORM_ADMIN, Role.REQUESTER, scope="import")},
    "api:artifact-findings": {"GET": readers()},
    "api:artifact-sbom": {"GET": readers()},
    "api:artifact-sbom-attestations": {
        "GET": readers(),
        "POST": only(Role.PLATFORM_ADMIN, Role.REQUESTER, scope="import"),
    },
    "api:artifact-sbom-attestation": {"GET": readers()},
    # No scope: whose inventories are believed is a person's to say.
    "api:inventory-signers": {"GET": readers(), "POST": only(Role.PLATFORM_ADMIN)},
    "api:inventory-signer": {"GET": readers()},
    "api:inventory-signer-end": {"POST": only(Role.PLATFORM_ADMIN)},
    "api:feeds": {"GET": readers(), "POST": only(Role.PLATFORM_ADMIN, scope="feeds")},
    "api:feed": {"GET": readers(), "PATCH": only(Role.PLATFORM_ADMIN, scope="feeds")},
    "api:feed-sync": {"POST": only(Role.PLATFORM_ADMIN, scope="feeds")},
    "api:feed-contents": {"POST": only(Role.PLATFORM_ADMIN, scope="feeds")},
    "api:schedules": {"GET": readers()},
    "api:schedule": {"GET": readers(), "PUT": only(Role.PLATFORM_ADMIN)},
    # catalog
    "api:images": {"GET": readers(), "POST": only(Role.PLATFORM_ADMIN, scope="catalog")},
    "api:versions": {"GET": readers(), "POST": only(Role.PLATFORM_ADMIN, scope="catalog")},
    "api:version": {"GET": readers()},
    "api:subversions": {
        "POST": only(Role.REQUESTER, Role.REVIEWER, Role.SECURITY_REVIEWER, Role.PLATFORM_ADMIN, scope="propose")
    },
    "api:subversion": {"GET": readers()},
    "api:approved": {"GET": readers()},
    "api:approved-csv": {"GET": readers()},
    # policies
    "api:policies": {"GET": readers()},
    "api:policy-active": {"GET": readers()},
    "api:policy": {"GET": readers()},
    "api:grants": {"GET": readers()},
    "api:grant": {"GET": readers()},
    # approvals
    "api:requests": {
        "GET": readers(),
        "POST": only(Role.REQUESTER, Role.REVIEWER, Role.SECURITY_REVIEWER, Role.PLATFORM_ADMIN, scope="propose"),
    },
    "api:request": {"GET": readers()},
    "api:request-join": {
        "POST": only(Role.REQUESTER, Role.REVIEWER, Role.SECURITY_REVIEWER, Role.PLATFORM_ADMIN, scope="propose")
    },
    "api:request-answer": {"POST": only(Role.REVIEWER, Role.SECURITY_REVIEWER, Role.PLATFORM_ADMIN)},
    "api:request-withdraw": {"POST": only(Role.REQUESTER, Role.REVIEWER, Role.SECURITY_REVIEWER, Role.PLATFORM_ADMIN)},
    "api:proposals": {
        "GET": readers(),
        "POST": in_team(
            only(Role.REQUESTER, Role.REVIEWER, Role.SECURITY_REVIEWER, Role.PLATFORM_ADMIN, scope="propose")
        ),
    },
    "api:proposal": {"GET": readers()},
    "api:proposal-withdraw": {
        "POST": in_team(only(Role.REQUESTER, Role.REVIEWER, Role.SECURITY_REVIEWER, Role.PLATFORM_ADMIN))
    },
    "api:waivers": {
        "POST": only(Role.REQUESTER, Role.REVIEWER, Role.SECURITY_REVIEWER, Role.PLATFORM_ADMIN, scope="propose")
    },
    # No scope from here on: a robot gives nothing, and ends nothing.
    "api:waiver-give": {"POST": only(Role.REVIEWER, Role.SECURITY_REVIEWER)},
    "api:waiver-refuse": {"POST": only(Role.REQUESTER, Role.REVIEWER, Role.SECURITY_REVIEWER, Role.PLATFORM_ADMIN)},
    "api:waiver-end": {"POST": only(Role.REQUESTER, Role.REVIEWER, Role.SECURITY_REVIEWER, Role.PLATFORM_ADMIN)},
    # No scope: a robot is no reviewer, and ends nothing.
    "api:reviews": {"GET": readers(), "POST": in_team(only(Role.REVIEWER, Role.SECURITY_REVIEWER))},
    "api:packet": {"GET": readers()},
    "api:certification": {"GET": readers()},
    "api:certifications": {"GET": readers()},
    "api:subversion-verdict": {"GET": readers()},
    "api:subversion-suspend": {"POST": in_team(only(Role.SECURITY_REVIEWER))},
    "api:subversion-lift": {"POST": in_team(only(Role.SECURITY_REVIEWER))},
    "api:subversion-revoke": {"POST": in_team(only(Role.SECURITY_REVIEWER))},
    "api:recipe-reviews": {"GET": readers(), "POST": in_team(only(Role.REVIEWER, Role.SECURITY_REVIEWER))},
    "api:recipe-withdraw": {"POST": in_team(only(Role.REVIEWER, Role.SECURITY_REVIEWER, Role.PLATFORM_ADMIN))},
    # builds
    "api:sources": {"GET": readers(), "POST": only(Role.PLATFORM_ADMIN, scope="catalog")},
    "api:source": {"GET": readers(), "PATCH": only(Role.PLATFORM_ADMIN, scope="catalog")},
    "api:source-fetch": {"POST": only(Role.PLATFORM_ADMIN, scope="catalog")},
    "api:source-recipes": {"GET": readers()},
    "api:recipe": {"GET": readers()},
    "api:recipe-difference": {"GET": readers()},
    "api:builds": {"GET": readers()},
    "api:build": {"GET": readers()},
    "api:build-reproductions": {"POST": only(Role.PLATFORM_ADMIN, scope="catalog")},
    "api:source-builds": {"POST": only(Role.PLATFORM_ADMIN, scope="catalog")},
    "api:source-causes": {"GET": readers()},
    "api:renewals": {"GET": readers()},
    "api:watches": {"GET": readers(), "POST": only(Role.PLATFORM_ADMIN, scope="catalog")},
    "api:watch": {
        "GET": readers(),
        "PATCH": only(Role.PLATFORM_ADMIN, scope="catalog"),
        "DELETE": only(Role.PLATFORM_ADMIN, scope="catalog"),
    },
    "api:watch-look": {"POST": only(Role.PLATFORM_ADMIN, scope="catalog")},
    "api:watch-resume": {"POST": only(Role.PLATFORM_ADMIN, scope="catalog")},
    "api:waves": {"GET": readers(), "POST": only(Role.PLATFORM_ADMIN, scope="catalog")},
    "api:wave": {"GET": readers()},
    "api:build-log": {"GET": readers()},
    "api:dockerfile-checks": {"POST": readers("decide")},
    "api:dockerfile-rules": {"GET": readers()},
    "api:artifact-inspection": {"GET": readers(), "POST": only(Role.PLATFORM_ADMIN, Role.REQUESTER, scope="import")},
    "api:artifact-provenance": {"GET": readers()},
    "api:source-pipelines": {"GET": readers(), "POST": only(Role.PLATFORM_ADMIN)},
    "api:pipeline": {"DELETE": only(Role.PLATFORM_ADMIN)},
    # Public to the table alone: the token of a trusted pipeline is the credential, verified before the body is read.
    "api:source-submissions": {"GET": readers(), "POST": PUBLIC},
    "api:artifact-checks": {"GET": readers()},
    "api:image-rules": {"GET": readers()},
    "api:subversion-profile": {"GET": readers()},
    "api:differences": {"GET": readers()},
    # signing
    "api:signing-keys": {"GET": PUBLIC},  # public halves only: whoever verifies must be able to fetch them
    "api:signing-key-pem": {"GET": PUBLIC},
    # admission
    "tuf:metadata": {"GET": PUBLIC},  # signed files; any other host may serve them
    "tuf:target": {"GET": PUBLIC},
    "api:clusters": {"GET": readers(), "POST": only(Role.PLATFORM_ADMIN, scope="clusters")},
    "api:cluster-enrolment-tokens": {"POST": only(Role.PLATFORM_ADMIN, scope="clusters")},
    "api:cluster-webhook": {"GET": only(Role.PLATFORM_ADMIN, scope="clusters")},  # holds what the gate asks callers for
    "api:gates": {"GET": readers(), "POST": PUBLIC},  # POST: the one-time enrolment token is the credential
    "api:gate": {"GET": readers(), "DELETE": only(Role.PLATFORM_ADMIN)},
    "api:gate-heartbeat": {"POST": GATE},
    "api:gate-decisions": {"POST": GATE},
    "api:decisions": {"GET": readers(), "POST": readers("decide")},
    "api:decision": {"GET": readers()},
    "api:snapshot": {"GET": readers()},
    # the starter set
    "api:definitions": {"GET": readers(), "POST": only(Role.PLATFORM_ADMIN, scope="catalog")},
    "api:definition": {"GET": readers()},
    "api:definition-adopt": {"POST": only(Role.PLATFORM_ADMIN, scope="catalog")},
    "api:host-systems": {"GET": readers(), "POST": only(Role.PLATFORM_ADMIN, scope="catalog")},
    "api:host-system": {"GET": readers()},
    # the certified side, watched
    "api:drift-alarms": {"GET": readers(), "POST": only(Role.SECURITY_REVIEWER, Role.PLATFORM_ADMIN)},
    "api:drift-alarm-close": {"POST": only(Role.SECURITY_REVIEWER, Role.PLATFORM_ADMIN)},
    "api:pull-probes": {"GET": readers(), "POST": only(Role.SECURITY_REVIEWER, Role.PLATFORM_ADMIN)},
    # web
    "web:signin": {"GET": PUBLIC, "POST": PUBLIC},
    "web:signout": {"POST": any_person()},
    "web:password": {"GET": any_person(), "POST": any_person()},
    "web:theme": {"POST": PUBLIC},  # a cookie of the browser, nothing else
    "web:home": {"GET": any_person()},
    "web:find": {"GET": readers("")},
    "web:try": {"GET": readers(""), "POST": readers("")},
    "web:catalog": {"GET": readers("")},
    "web:catalog-csv": {"GET": readers("")},
    "web:image-new": {"GET": only(Role.PLATFORM_ADMIN), "POST": only(Role.PLATFORM_ADMIN)},
    "web:image": {"GET": readers("")},
    "web:version-new": {"GET": only(Role.PLATFORM_ADMIN), "POST": only(Role.PLATFORM_ADMIN)},
    "web:subversion": {"GET": readers("")},
    "web:subversion-propose": {"POST": in_team(only(*PROPOSERS))},
    "web:subversion-scan": {"POST": only(*PROPOSERS)},
    "web:subversion-suspend": {k: in_team(only(Role.SECURITY_REVIEWER)) for k in ("GET", "POST")},
    "web:subversion-lift": {k: in_team(only(Role.SECURITY_REVIEWER)) for k in ("GET", "POST")},
    "web:subversion-revoke": {k: in_team(only(Role.SECURITY_REVIEWER)) for k in ("GET", "POST")},
    "web:artifact": {"GET": readers("")},
    "web:artifact-place": {"POST": only(Role.PLATFORM_ADMIN, Role.REQUESTER)},
    "web:artifact-findings": {"GET": readers("")},
    "web:artifact-hardening": {"GET": readers("")},
    "web:artifact-profile": {"GET": readers("")},
    "web:artifact-contents": {"GET": readers("")},
    "web:artifact-raw": {"GET": readers("")},
    "web:reviews": {"GET": readers("")},
    "web:review": {"GET": readers(""), "POST": in_team(only(Role.REVIEWER, Role.SECURITY_REVIEWER))},
    "web:review-withdraw": {"POST": in_team(only(*PROPOSERS))},
    "web:packet-raw": {"GET": readers("")},
    "web:requests": {"GET": readers("")},
    "web:request-new": {"GET": readers(""), "POST": only(*PROPOSERS)},
    "web:request": {"GET": readers("")},
    "web:request-join": {"POST": only(*PROPOSERS)},
    "web:request-answer": {"POST": only(Role.REVIEWER, Role.SECURITY_REVIEWER, Role.PLATFORM_ADMIN)},
    "web:request-withdraw": {"POST": only(*PROPOSERS)},
    "web:imports": {"GET": readers("")},
    "web:import-new": {k: only(Role.PLATFORM_ADMIN, Role.REQUESTER) for k in ("GET", "POST")},
    "web:import": {"GET": readers("")},
    "web:registries": {"GET": readers("")},
    "web:registry-new": {"GET": only(Role.PLATFORM_ADMIN), "POST": only(Role.PLATFORM_ADMIN)},
    "web:registry": {"GET": readers(""), "POST": only(Role.PLATFORM_ADMIN)},
    "web:promotion": {"GET": readers("")},
    "web:promotion-look": {"POST": only(Role.SECURITY_REVIEWER, Role.PLATFORM_ADMIN)},
    "web:drift-close": {"POST": only(Role.SECURITY_REVIEWER, Role.PLATFORM_ADMIN)},
    "web:registry-test": {"POST": only(Role.PLATFORM_ADMIN)},
    "web:inventory-signers": {"GET": readers("")},
    "web:inventory-signer-new": {"GET": only(Role.PLATFORM_ADMIN), "POST": only(Role.PLATFORM_ADMIN)},
    "web:inventory-signer-end": {"GET": only(Role.PLATFORM_ADMIN), "POST": only(Role.PLATFORM_ADMIN)},
    "web:sbom-attestations": {"GET": readers(""), "POST": only(Role.PLATFORM_ADMIN, Role.REQUESTER)},
    "web:sources": {"GET": readers("")},
    "web:source-new": {"GET": only(Role.PLATFORM_ADMIN), "POST": only(Role.PLATFORM_ADMIN)},
    "web:source": {"GET": readers("")},
    "web:source-edit": {"GET": only(Role.PLATFORM_ADMIN), "POST": only(Role.PLATFORM_ADMIN)},
    "web:source-owner": {"GET": only(Role.PLATFORM_ADMIN), "POST": only(Role.PLATFORM_ADMIN)},
    "web:source-fetch": {"POST": only(Role.PLATFORM_ADMIN)},
    "web:source-rebuild": {"POST": only(Role.PLATFORM_ADMIN)},
    "web:source-wave": {"POST": only(Role.PLATFORM_ADMIN)},
    "web:source-switch": {"POST": only(Role.PLATFORM_ADMIN)},
    "web:source-pipelines": {"POST": only(Role.PLATFORM_ADMIN)},
    "web:pipeline-end": {"POST": only(Role.PLATFORM_ADMIN)},
    "web:recipes": {"GET": readers("")},
    "web:recipe": {"GET": readers(""), "POST": in_team(only(Role.REVIEWER, Role.SECURITY_REVIEWER))},
    "web:recipe-withdraw": {"POST": in_team(only(Role.REVIEWER, Role.SECURITY_REVIEWER, Role.PLATFORM_ADMIN))},
    "web:builds": {"GET": readers("")},
    "web:build": {"GET": readers("")},
    "web:build-log": {"GET": readers("")},
    "web:build-again": {"POST": only(Role.PLATFORM_ADMIN)},
    "web:waves": {"GET": readers("")},
    "web:wave": {"GET": readers(""), "POST": in_team(only(Role.REVIEWER, Role.SECURITY_REVIEWER))},
    "web:watches": {"GET": readers("")},
    "web:watch-resume": {"POST": only(Role.PLATFORM_ADMIN)},
    "web:watch-pause": {"POST": only(Role.PLATFORM_ADMIN)},
    "web:starter": {"GET": readers("")},
    "web:starter-adopt": {"POST": only(Role.PLATFORM_ADMIN)},
    "web:host-new": {"GET": only(Role.PLATFORM_ADMIN), "POST": only(Role.PLATFORM_ADMIN)},
    "web:difference-ask": {"GET": readers("")},
    "web:difference": {"GET": readers("")},
    "web:waivers": {"GET": readers("")},
    "web:waiver-new": {"GET": only(*PROPOSERS), "POST": only(*PROPOSERS)},
    "web:waiver": {"GET": readers("")},
    # Who may: the service asks, as whoever asked for it may also take it back.
    "web:waiver-give": {"POST": only(Role.REVIEWER, Role.SECURITY_REVIEWER)},
    "web:waiver-refuse": {"POST": only(*PROPOSERS)},
    "web:waiver-end": {"POST": only(*PROPOSERS)},
    "web:decisions": {"GET": readers("")},
    "web:decision": {"GET": any_person()},  # whoever was refused follows the link that the cluster showed
    "web:record": {"GET": readers("")},
    "web:record-export": {"POST": only(Role.AUDITOR, Role.PLATFORM_ADMIN)},
    "web:clusters": {"GET": readers("")},
    "web:cluster-new": {"GET": only(Role.PLATFORM_ADMIN), "POST": only(Role.PLATFORM_ADMIN)},
    "web:cluster": {"GET": readers("")},
    "web:cluster-token": {"POST": only(Role.PLATFORM_ADMIN)},
    "web:cluster-webhook": {"GET": only(Role.PLATFORM_ADMIN)},
    "web:gate-retire": {"POST": only(Role.PLATFORM_ADMIN)},
    "web:feeds": {"GET": readers("")},
    "web:feed-new": {"GET": only(Role.PLATFORM_ADMIN), "POST": only(Role.PLATFORM_ADMIN)},
    "web:feed": {"GET": readers(""), "POST": only(Role.PLATFORM_ADMIN)},
    "web:feed-sync": {"POST": only(Role.PLATFORM_ADMIN)},
    "web:feed-switch": {"POST": only(Role.PLATFORM_ADMIN)},
    "web:schedule": {"GET": readers(""), "POST": only(Role.PLATFORM_ADMIN)},
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
    must_change_password: bool = False  # signed in with a one-time password
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
