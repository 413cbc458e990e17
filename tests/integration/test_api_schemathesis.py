"""The API against its own description, as every kind of caller, with bodies and identifiers that nobody chose.

Every operation of the OpenAPI document is called with generated cases: valid ones by the document, and broken ones;
half of the identifiers name rows that are there. Whatever comes in, an answer

- is no 5xx (but a 503 that says what is away, as ``problem+json``),
- has a status that the document names, or is a ``problem+json`` of a 4xx status that is its body's,
- has a content type and a body as the document says,
- leaves rows that the database's constraints accept.

The cases are the same in every run. How many of them: see ``examples_for``.
"""

import copy
import logging
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import schemathesis
from django.conf import settings as project
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, connection
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from accounts.models import RoleGrant
from accounts.roles import Role
from admission import published
from admission.models import Cluster
from admission.services import create_enrolment_token, enrol_gate
from approvals.models import Certification, Packet
from audit.actor import Actor
from portal.access import ROUTES, Access
from portal.openapi import make_document
from portal.problem import CONTENT_TYPE
from portal.routes import routes
from tests.factories.accounts import person_with, token_for
from tests.factories.admission import publisher_in
from tests.undone import undone
from tests.web import world as web_world

ROUTE_OF = {route.template: route.name for route in routes() if route.api_view}
CHECKS = [content_type_conformance, response_schema_conformance]


@dataclass
class Caller:
    """Somebody, and what they send along to say so."""

    name: str
    roles: tuple[Role, ...] = ()
    credential: str = "session"  # session | token | gate | nothing
    at_least: int = 40  # operations that answer 2xx to some case
    headers: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)

    def sign_in(self, cluster: Cluster) -> None:
        """Get the credential."""
        self.headers, self.cookies = {}, {}
        if self.credential == "gate":
            now = timezone.now()
            _, secret = create_enrolment_token(cluster=cluster, actor=Actor.system("tests"), now=now)
            self.headers["Authorization"] = f"Bearer {enrol_gate(secret=secret, name='caller', now=now)[1]}"
        if self.credential == "token":
            self.headers["Authorization"] = f"Bearer {token_for(person_with(*self.roles, username='robot'))[1]}"
        if self.credential == "session":
            browser = Client()
            browser.force_login(
                person_with(*self.roles, username="caller"), backend="django.contrib.auth.backends.ModelBackend"
            )
            self.cookies[project.SESSION_COOKIE_NAME] = browser.cookies[project.SESSION_COOKIE_NAME].value
            self.cookies[project.CSRF_COOKIE_NAME] = self.headers["X-CSRFToken"] = "a" * 32

    def may(self, access: Access) -> bool:
        """What the table says, read without the code that holds requests to it."""
        if access.is_public or (self.credential == "gate" and access.is_gate):
            return True
        if self.credential in ("nothing", "gate") or access.is_gate:
            return False
        if self.credential == "token" and not access.scope:
            return False
        return access.is_any_person or bool(access.roles & set(self.roles))


CALLERS = [
    Caller("anonymous", credential="nothing", at_least=2),
    *(Caller(str(role), (role,)) for role in Role),
    Caller("gate", credential="gate", at_least=2),
    Caller("token-with-every-scope", tuple(Role), credential="token", at_least=60),
]
READ_FULLY = {str(Role.PLATFORM_ADMIN), "token-with-every-scope", "anonymous", "gate"}


def examples_for(caller: Caller, access: Access, method: str) -> int:
    """20 cases of what the caller may call. Fewer where another caller's cases show the same:

    what the table refuses is refused before anything of the request is read (1), and what everybody reads is
    read fully by an administrator and by a token (5 for other people).
    """
    if not caller.may(access):
        return 1
    return 5 if method == "get" and caller.name not in READ_FULLY else 20


def rows_of(world: web_world.World) -> dict[str, list[str]]:
    """Identifiers of rows that are there, by the name that paths and bodies give them."""
    subversions = [str(one.pk) for one in (world.good, world.bad, world.waiting.subversion)]
    people = [str(world.reviewer.pk), str(world.viewer.pk)]
    return {
        "certification_id": _ids(Certification.objects.all()),
        "cluster": [world.cluster.name],
        "decision_id": [str(world.denied.pk), world.denied.short_id],
        "digest": [world.good.artifact.digest, world.bad.artifact.digest, world.loose],
        "feed_id": [str(world.feed.pk)],
        "gate_id": [str(world.gate.pk)],
        "grant_id": _ids(RoleGrant.objects.filter(person=world.reviewer)),
        "image": [world.good.version.image.name],
        "import_id": [str(world.done_import.pk)],
        "job_id": [str(world.job.pk)],
        "name": [world.cluster.name],
        "packet_id": _ids(Packet.objects.all()),
        "packet_sha256": [world.waiting.current_packet.sha256],
        "person": people,
        "person_id": people,
        "proposal_id": [str(world.waiting.pk)],
        "registry": [str(world.registry.pk)],
        "registry_id": [str(world.registry.pk)],
        "request_id": [str(world.asked.pk)],
        "schedule_id": [str(world.schedule)],
        "subversion": subversions,
        "subversion_id": subversions,
        "team": [str(world.team.pk)],
        "team_id": [str(world.team.pk)],
        "token_id": [str(world.token.pk)],
        "version": [world.good.version.name, "1"],
    }


def _ids(queryset: Any) -> list[str]:
    return [str(pk) for pk in queryset.values_list("pk", flat=True)]


def with_rows(schema: Any, rows: dict[str, list[str]]) -> None:
    """Let half of the identifiers, in paths and in bodies, be those of rows that are there."""
    real = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in rows.items() if values})

    def replaced(pair: tuple[Any, dict[str, str]]) -> Any:
        generated, known = pair
        value = getattr(generated, "value", generated)  # broken values come wrapped
        if isinstance(value, dict):
            value.update({key: known[key] for key in value if key in known})
        return generated

    def half(context: Any, strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return strategy | st.tuples(strategy, real).map(replaced)

    schema.hook("before_generate_path_parameters")(half)
    schema.hook("before_generate_body")(half)


def without_security(document: dict[str, Any]) -> dict[str, Any]:
    """The document without its credentials: the caller brings their own, generated ones would replace them."""
    found = copy.deepcopy(document)
    found["components"].pop("securitySchemes", None)
    for operations in found["paths"].values():
        for operation in operations.values():
            operation.pop("security", None)
    return found


@pytest.fixture
def home(tmp_path, settings):
    """Where a snapshot is published, for the portal's own decisions."""
    settings.GOLDGATE_HOME = tmp_path
    published._held.clear()
    return tmp_path


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.WARNING)  # each refusal is a line
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture(autouse=True)
def _nobody_outside(monkeypatch) -> None:
    """No name leads anywhere: connections that the API itself makes fail at once, as without a network."""

    def no_name(*args: Any, **kwargs: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_name)


@pytest.fixture
def _one_connection() -> Iterator[None]:
    """A request would close a connection that is inside a transaction; each example is undone with one."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_one_connection")
@pytest.mark.parametrize("caller", CALLERS, ids=lambda caller: caller.name)
def test_whatever_comes_in_the_answer_is_as_described(caller, home, subtests):
    world = web_world.build()
    caller.sign_in(world.cluster)
    now = timezone.now()
    publisher_in(home, now=now).publish_due(now=now)
    schema = schemathesis.openapi.from_dict(without_security(make_document()[0]))
    schema.app = get_wsgi_application()
    with_rows(schema, rows_of(world))
    succeeded = set()
    for found in schema.get_all_operations():
        operation = found.ok()
        access = ROUTES[ROUTE_OF[operation.path]][operation.method.upper()]
        with subtests.test(operation.label):
            if 2 in try_out(operation, caller, examples_for(caller, access, operation.method)):
                succeeded.add(operation.label)
    # Else refusals would be all that was tried.
    assert len(succeeded) >= caller.at_least


def try_out(operation: Any, caller: Caller, examples: int) -> set[int]:
    """Call ``operation`` as ``caller`` and judge each answer; the kinds of answers (2 for 2xx).

    What an example writes is undone after it.
    """
    kinds: set[int] = set()
    valid, broken = (operation.as_strategy(generation_mode=mode) for mode in GenerationMode)
    documented = set(operation.definition.raw["responses"]) - {"default"}

    @seed(1)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=valid | broken)
    def one(case: Any) -> None:
        with undone():
            answer = case.call(headers=caller.headers, cookies=caller.cookies)
            assert answer.status_code == 503 or answer.status_code < 500, answer.text
            assert "CSRF" not in answer.text
            connection.check_constraints()
        kinds.add(answer.status_code // 100)
        case.validate_response(answer, checks=CHECKS)
        if str(answer.status_code) not in documented:
            assert answer.status_code == 503 or 400 <= answer.status_code < 500, answer.status_code
            assert answer.headers["content-type"] == [CONTENT_TYPE]
            assert answer.json()["status"] == answer.status_code

    one()
    return kinds
