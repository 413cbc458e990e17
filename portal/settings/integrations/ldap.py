"""LDAP sign-in (docs/how-to/ldap.md). Read only where ``GOLDGATE_LDAP_URI`` is set."""

import json
from importlib.util import find_spec
from typing import Any

from accounts.roles import Role
from portal.settings import environment as env

ANSWER_SECONDS = 5  # that a directory has to answer
PLACE = "%(user)s"


def configured() -> dict[str, Any]:
    """The settings. Raises SettingMissing, saying what is wrong and, where python-ldap is missing, how to get it."""
    if find_spec("django_auth_ldap") is None:
        raise env.SettingMissing(
            "GOLDGATE_LDAP_URI is set, but django-auth-ldap is not installed: "
            "install libldap2-dev, libsasl2-dev and gcc, then pip install -r requirements-ldap.txt."
        )
    # Here, not above: it exists only where the package was installed.
    import ldap
    from django_auth_ldap.config import LDAPSearch

    uri = env.text("GOLDGATE_LDAP_URI")
    identity = env.text("GOLDGATE_LDAP_ID_ATTRIBUTE", "entryUUID")
    search = LDAPSearch(
        env.text("GOLDGATE_LDAP_USER_BASE"),
        ldap.SCOPE_SUBTREE,
        _filter(env.text("GOLDGATE_LDAP_USER_FILTER", f"(uid={PLACE})")),
        ["*", identity],
    )
    return {
        "AUTH_LDAP_SERVER_URI": uri,
        "AUTH_LDAP_BIND_DN": env.text("GOLDGATE_LDAP_BIND_DN", ""),
        "AUTH_LDAP_BIND_PASSWORD": env.secret_file("GOLDGATE_LDAP_BIND_PASSWORD_FILE"),
        "AUTH_LDAP_USER_SEARCH": search,
        "AUTH_LDAP_USER_ATTRLIST": search.attrlist,
        "AUTH_LDAP_START_TLS": env.flag("GOLDGATE_LDAP_START_TLS", default=uri.startswith("ldap://")),
        "AUTH_LDAP_CONNECTION_OPTIONS": _options(ldap, env.text("GOLDGATE_LDAP_CA_FILE", "")),
        "AUTH_LDAP_PERMIT_EMPTY_PASSWORD": False,
        "AUTH_LDAP_ALWAYS_UPDATE_USER": False,
        "GOLDGATE_LDAP_URI": uri,
        "GOLDGATE_LDAP_ID_ATTRIBUTE": identity,
        "GOLDGATE_LDAP_NAME_ATTRIBUTE": env.text("GOLDGATE_LDAP_NAME_ATTRIBUTE", "uid"),
        "GOLDGATE_LDAP_GROUP_ROLES": _group_roles(env.text("GOLDGATE_LDAP_GROUP_ROLES", "{}")),
        "GOLDGATE_LDAP_REFRESH_SECONDS": env.seconds("GOLDGATE_LDAP_REFRESH_SECONDS", 300),
        "GOLDGATE_DIRECTORY": "accounts.adapters.ldap.Directory",
        "AUTHENTICATION_BACKENDS": [
            "axes.backends.AxesStandaloneBackend",
            # First: the password of an account that is kept here is never shown to the directory.
            "django.contrib.auth.backends.ModelBackend",
            "accounts.adapters.ldap.Directory",
        ],
    }


def _filter(text: str) -> str:
    """Raises SettingMissing when the filter would find everybody, or nobody."""
    if text.count(PLACE) == 0 or text.replace(PLACE, "").count("%"):
        raise env.SettingMissing(f"GOLDGATE_LDAP_USER_FILTER is {text!r}; it must name the person as {PLACE}.")
    return text


def _options(ldap: Any, ca_file: str) -> dict[int, Any]:
    options = {
        # Following a referral would send the portal's password to a server that somebody else names.
        ldap.OPT_REFERRALS: 0,
        ldap.OPT_NETWORK_TIMEOUT: ANSWER_SECONDS,
        ldap.OPT_TIMEOUT: ANSWER_SECONDS,
        ldap.OPT_X_TLS_REQUIRE_CERT: ldap.OPT_X_TLS_DEMAND,
    }
    if ca_file:
        options[ldap.OPT_X_TLS_CACERTFILE] = ca_file
    # Last: from here on the options above hold.
    options[ldap.OPT_X_TLS_NEWCTX] = 0
    return options


def _group_roles(text: str) -> list[tuple[str, str]]:
    """``{"cn=reviewers,…": "reviewer", "cn=security,…": ["reviewer", "security_reviewer"]}`` as pairs."""
    try:
        found = json.loads(text)
        pairs = [
            (group, role) for group, roles in found.items() for role in ([roles] if isinstance(roles, str) else roles)
        ]
        return [(str(group), Role(role).value) for group, role in pairs]
    except (ValueError, AttributeError, TypeError) as error:
        raise env.SettingMissing(
            f"GOLDGATE_LDAP_GROUP_ROLES must be a JSON object from a group's DN to a role or a list of them: {error}"
        ) from error
