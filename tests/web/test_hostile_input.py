"""Addresses, filters and forms that nobody meant: refused with an answer of ours, never with a breakdown."""

import re

import pytest
from django.test import Client
from django.urls import NoReverseMatch, reverse

from accounts.roles import Role
from portal.access import ROUTES
from portal.routes import Route, routes
from tests.factories.accounts import person_with
from tests.web import world as web_world

EVERYWHERE = list(routes())
PAGES = [route for route in EVERYWHERE if route.name.startswith("web:")]
ODD = ["\x00", "a\nb", "\u202e'\"<", "-1", "9" * 30, "x" * 3000, "..", "nan"]
UUID = "0190a1b0-0000-7000-8000-000000000000"
FIELDS = [
    *("username", "display_name", "email", "password", "old_password", "new_password", "again", "name", "reason"),
    *("role", "team", "person", "scopes", "expires_at", "days", "question", "cluster", "namespace", "next", "theme"),
    *("packet_sha256", "outcome", "platforms", "reference", "references", "archive", "host", "base_url", "kind"),
    *("side", "layout_path", "public_name", "ca_pem", "proxy_url", "secret", "listed_hosts", "url", "every_seconds"),
    *("version", "image", "note", "description", "purpose", "owner", "at", "cron", "limit", "cursor", "q", "state"),
    *("file", "snapshot_at", "source", "older", "newer", "rule", "scope_kind", "scope", "ends_on", "ticket", "packet"),
    *("recipe_sha256", "version", "ref_rule", "directory", "dockerfile", "arguments", "target", "builder", "network"),
    *(
        "allowed_hosts",
        "allowed_signers",
        "gpg_keys",
        "known_hosts",
        "renew_every_days",
        "paused",
        "issuer",
        "audience",
    ),
    *("subject", "jwks_url", "system", "release", "architecture", "artifact", "checksum", "signature", "answer"),
]
ALONE = ["cursor", "limit", "q", "state", "kind", "cluster", "namespace", "digest", "actor", "since", "severity"]


@pytest.fixture
def client(db) -> Client:
    """Somebody who may do everything, so that nothing is refused before it is read."""
    found = Client(raise_request_exception=False)
    found.force_login(person_with(*Role, username="everybody"), backend="django.contrib.auth.backends.ModelBackend")
    return found


def addresses_of(route: Route, odd: str) -> list[str]:
    """The address with ``odd`` in each place that takes text, and with what is nowhere in the others."""
    names = re.findall(r"\{(\w+)\}", route.template)
    for filler in (odd, UUID, "7", "2147483648"):
        try:
            return [reverse(route.name, kwargs=dict.fromkeys(names, filler))]
        except NoReverseMatch:
            continue
    return []


@pytest.mark.django_db
@pytest.mark.parametrize("odd", ODD, ids=ascii)
class TestOddInput:
    def test_in_an_address_or_a_filter_breaks_nothing(self, client, odd):
        broken = []
        for route in EVERYWHERE:
            if "GET" not in ROUTES[route.name]:
                continue
            # A list refuses what it does not know before it reads the rest: there each of its filters comes alone.
            alone = [{name: odd} for name in ALONE] if "{" not in route.template else []
            for address in addresses_of(route, odd):
                for query in ({}, dict.fromkeys(FIELDS, odd), *alone):
                    answer = client.get(address, query)
                    if answer.status_code >= 500 and answer.status_code != 503:
                        broken.append((route.name, query and "query", answer.status_code))
        assert broken == []

    def test_in_a_form_breaks_no_page_and_does_no_deed(self, client, odd):
        world = web_world.build()
        places = {
            "proposal_id": world.waiting.pk,
            "request_id": world.asked.pk,
            "registry_id": world.registry.pk,
            "feed_id": world.feed.pk,
            "schedule_id": world.schedule,
            "job_id": world.job.pk,
            "person_id": world.viewer.pk,
            "team_id": world.team.pk,
            "image": world.good.version.image.name,
            "version": world.good.version.name,
            "subversion": world.good.name,
            "name": world.cluster.name,
            "digest": world.loose,
            **world.supply.keys(),
        }
        broken = []
        for route in PAGES:
            if "POST" not in ROUTES[route.name] or route.name == "web:signout":
                continue
            names = re.findall(r"\{(\w+)\}", route.template)
            try:
                address = reverse(route.name, kwargs={name: places.get(name, UUID) for name in names})
            except NoReverseMatch:
                continue
            answer = client.post(address, dict.fromkeys(FIELDS, odd))
            if answer.status_code >= 500:
                broken.append((route.name, answer.status_code))
        assert broken == []
