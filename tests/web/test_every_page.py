"""Every page that is read: it works, escapes, holds to its table of access and its number of queries."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.roles import Role
from audit.actor import Actor, Subject
from audit.models import Record
from audit.services import record
from audit.verbs import Verb
from catalog.models import Subversion
from portal.access import ROUTES
from tests.factories.accounts import person_with
from tests.web.supply import more_of_supply
from tests.web.world import World, more_of_everything
from web.urls import urlpatterns

pytestmark = pytest.mark.django_db

# Pages that need most, and how many queries each takes at most, session, person and roles among them.
# A page that needs more than 12 is not let in; one that needs fewer lowers its number here.
AT_MOST = 12
RATCHET = {
    "home": 12,
    "image": 11,
    "artifact": 11,
    "import": 10,
    "person": 10,
    "source": 12,
    "recipe": 12,
    "review": 12,
    "wave": 12,
    "subversion": 12,
    "artifact-profile": 10,
}
FEW = 9


class TestEveryPage:
    def test_is_shown_to_an_administrator(self, world, signed_in):
        client = signed_in(world.admin)
        answers = {name: client.get(address).status_code for name, address in world.addresses().items()}
        expected = {
            name: 403 if name in ("subversion-suspend", "subversion-lift", "subversion-revoke") else 200
            for name in answers
        }
        expected["find"] = 302
        assert answers == expected

    def test_escapes_what_strangers_wrote(self, world, signed_in):
        client = signed_in(world.security)
        shown = 0
        for name, address in world.addresses().items():
            page = client.get(address).content.decode()
            assert "<script>alert" not in page, name
            assert "onerror=alert(1)>" not in page, name
            shown += "&lt;script&gt;alert" in page
        assert shown >= 10

    def test_asks_for_signing_in(self, world):
        for name, address in world.addresses().items():
            answer = Client().get(address)
            assert (answer.status_code, answer["Location"].startswith("/signin")) == (302, True), name

    def test_tells_a_person_without_a_role_what_to_do(self, world, nobody, signed_in):
        client = signed_in(nobody)
        allowed = {name for name, address in world.addresses().items() if client.get(address).status_code == 200}
        assert allowed == {"home", "password", "decision", "tokens", "token-new"}
        assert "You hold no role yet" in client.get("/").content.decode()


def queries_of(client: Client, address: str) -> int:
    client.get(address)  # the first one fills caches of the process
    with CaptureQueriesContext(connection) as seen:
        client.get(address)
    return len(seen)


class TestQueries:
    def test_stay_within_their_number(self, world, signed_in):
        client, security = signed_in(world.admin), signed_in(world.security)
        for name, address in world.addresses().items():
            who = security if name.startswith("subversion-") else client
            assert queries_of(who, address) <= RATCHET.get(name, FEW), name
        assert max(RATCHET.values()) <= AT_MOST

    @pytest.mark.parametrize(
        "name",
        [
            *("catalog", "decisions", "record", "jobs", "requests", "imports", "people", "image"),
            *("sources", "recipes", "builds", "waves", "watches", "waivers", "promotion"),
        ],
    )
    def test_do_not_grow_with_the_rows(self, world, signed_in, name):
        client = signed_in(world.admin)
        address = world.addresses()[name]
        before = queries_of(client, address)
        more_of_everything(world)
        more_of_supply(world.now, world.supply)
        assert queries_of(client, address) <= before

    @pytest.mark.parametrize("roles", [(Role.REVIEWER,), (Role.SECURITY_REVIEWER,), tuple(Role)], ids=["1", "2", "all"])
    def test_hold_for_whoever_judges(self, world, signed_in, roles):
        subject = Subject("artifact", str(world.good.artifact_id), world.good.artifact.digest)
        record(
            Verb.FINDINGS_CHANGED, actor=Actor.system("worker"), subject=subject, at=timezone.now(), data={"added": 1}
        )
        client, addresses = signed_in(person_with(*roles)), world.addresses()
        for name in RATCHET:
            assert queries_of(client, addresses[name]) <= RATCHET[name], name
        assert "1 new" in client.get("/").content.decode()

    def test_of_home_hold_while_nothing_may_be_used(self, world, signed_in):
        until = timezone.now() + timedelta(hours=1)
        used = Subversion.objects.filter(certified_from__isnull=False)
        used.update(suspended_from=world.now, suspended_until=until, reason="Look into it.")
        assert queries_of(signed_in(person_with(*Role)), "/") <= RATCHET["home"]


class TestEveryRoute:
    def test_of_a_deed_refuses_get(self, world, signed_in):
        client = signed_in(world.admin)
        for route in urlpatterns:
            methods = ROUTES[f"web:{route.name}"]
            if "GET" not in methods:
                assert client.get(_filled(route, world)).status_code == 405, route.name

    def test_of_a_deed_is_refused_without_the_form_s_token(self, world):
        client = Client(enforce_csrf_checks=True)
        client.force_login(world.admin, backend="django.contrib.auth.backends.ModelBackend")
        for route in urlpatterns:
            if "POST" in ROUTES[f"web:{route.name}"]:
                answer = client.post(_filled(route, world))
                assert answer.status_code == 403, route.name
                assert b"The form is out of date" in answer.content, route.name

    def test_is_refused_to_a_viewer_where_it_changes_something(self, world, signed_in):
        client = signed_in(world.viewer)
        before = Record.objects.count()
        own = {"signout", "password", "theme", "try", "token-new", "token-end", "signin"}
        for route in urlpatterns:
            if "POST" in ROUTES[f"web:{route.name}"] and route.name not in own:
                assert client.post(_filled(route, world)).status_code == 403, route.name
        assert Record.objects.count() == before


def _filled(route, world: World) -> str:
    """The address of a route, about things of the world."""
    good = world.good
    values = {
        "image_name": good.version.image.name,
        "version_name": good.version.name,
        "name": world.cluster.name if "cluster" in route.name else good.name,
        "digest": good.artifact.digest,
        "what": "manifest",
        "proposal_id": world.waiting.pk,
        "packet_id": world.waiting.current_packet_id,
        "request_id": world.asked.pk,
        "import_id": world.done_import.pk,
        "registry_id": world.registry.pk,
        "decision_id": world.denied.short_id,
        "gate_id": world.gate.pk,
        "feed_id": world.feed.pk,
        "schedule_id": world.schedule,
        "signer_id": world.signer.pk,
        "job_id": world.job.pk,
        "person_id": world.reviewer.pk,
        "grant_id": world.reviewer.role_grants.first().pk,
        "team_id": world.team.pk,
        "token_id": world.token.pk,
        **world.supply.keys(),
        "older": good.artifact.digest,
        "newer": world.bad.artifact.digest,
    }
    wanted = route.pattern.converters
    return reverse(f"web:{route.name}", kwargs={name: values[name] for name in wanted})
