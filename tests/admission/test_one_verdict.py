"""One verdict on every surface (invariant 11): webhook, plain question, REST and page, on one snapshot, compared.

The webhook and the plain question are asked with the very files that were published for gates; the portal's REST
call and its page open the same files by themselves.
"""

import json
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from django.test import Client
from django.utils import timezone

from accounts.roles import Role, Scope
from admission.models import Decision
from admission.published import published_snapshot
from gate import admission_review, ask
from gate.snapshot import Snapshot
from signing import services as signing
from tests.factories.accounts import person_with, token_for
from tests.factories.admission import certified_subversion
from tests.factories.approvals import known
from tests.factories.authority import begin_certified
from tests.factories.reviews import KINDS, container, object_of, pod_spec, review
from tests.factories.signing import signing_key

NAME = "registry.example/golden/debian"
UNKNOWN = f"{NAME}@sha256:{'0' * 64}"

pytestmark = pytest.mark.django_db


@pytest.fixture
def now() -> datetime:
    """The surfaces read the machine's clock, and what the publisher signs ends after a year."""
    return timezone.now() - timedelta(minutes=2)


@pytest.fixture
def certified(artifact, golden, tmp_path) -> str:
    """The reference of an image that may run, with a number or with the Pod's."""
    now = timezone.now() - timedelta(minutes=1)
    _, signer = signing_key(tmp_path / "signing", now=now)
    known(artifact, now)
    publication = begin_certified(artifact, golden, now)
    signing.copy_publication(publication_id=publication.pk, progress=lambda **_: None, now=now)
    signing.sign_publication(publication_id=publication.pk, signer=signer, now=now)
    signing.send_publication(publication_id=publication.pk, progress=lambda **_: None, now=now)
    certified_subversion(artifact, now=now)
    return f"{NAME}@{artifact.digest}"


@pytest.fixture
def snapshot(publisher, certified) -> Snapshot:
    while publisher.publish_due(now=timezone.now()):
        pass
    return published_snapshot()


@pytest.fixture
def surfaces(snapshot):
    """``surfaces(object)``: allowed, and the outcome of every check by image, from each of them."""
    vera = person_with(Role.VIEWER, username="vera")
    _, secret = token_for(vera, Scope.READ, Scope.DECIDE)
    program, browser = Client(headers={"Authorization": f"Bearer {secret}"}), Client()
    browser.force_login(vera, backend="django.contrib.auth.backends.ModelBackend")

    def asked(value: dict[str, Any]) -> dict[str, tuple[bool, Any]]:
        at = int(timezone.now().timestamp())
        text = json.dumps(value)
        webhook = admission_review.answer(json.dumps(review(value)).encode(), snapshot=snapshot, at=at).decision
        question = ask.Question.parse(json.dumps({"object": value, "namespace": "web"}).encode())
        plain = ask.decide_question(question, snapshot=snapshot, at=at).decision
        body = {"manifest": text, "namespace": "web"}
        rest = program.post("/api/v1/decisions", json.dumps(body), content_type="application/json").json()
        answer = browser.post("/try", {"question": text, "namespace": "web"})
        page = Decision.objects.get(short_id=answer["Location"].rpartition("/")[2])
        assert rest["snapshot_version"] == page.snapshot_version == webhook.snapshot_version == snapshot.version
        return {
            "webhook": (webhook.allowed, _outcomes(msgspec.to_builtins(webhook.images))),
            "question": (plain.allowed, _outcomes(msgspec.to_builtins(plain.images))),
            "rest": (rest["allowed"], _outcomes(rest["images"])),
            "page": (page.allowed, _outcomes(page.images)),
        }

    return asked


def _outcomes(images: list[dict[str, Any]]) -> list[Any]:
    return [(image["path"], image["digest"], [_said(check) for check in image["checks"]]) for image in images]


def _said(check: dict[str, Any]) -> tuple[str, str, str]:
    return check["code"], check["outcome"], check["reason"]


def _same(found: dict[str, Any], *, allowed: bool) -> None:
    first = found["webhook"]
    assert {surface: answer for surface, answer in found.items() if answer != first} == {}
    assert first[0] is allowed


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_answered_alike(surfaces, certified, kind):
    _same(surfaces(object_of(kind, pod_spec(container(certified)))), allowed=True)
    _same(surfaces(object_of(kind, pod_spec(container(certified), container(UNKNOWN)))), allowed=False)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"initContainers": [container(UNKNOWN)]}, id="init"),
        pytest.param({"volumes": [{"name": "v", "image": {"reference": UNKNOWN}}]}, id="volume"),
        pytest.param({"securityContext": {"runAsUser": 0}}, id="root"),
        pytest.param({"securityContext": {"runAsUser": "0"}}, id="user-as-text"),
        pytest.param({"initContainers": [{"name": "none"}]}, id="no-image"),
        pytest.param({"initContainers": [container(f"{NAME}:12")]}, id="tag"),
        pytest.param({"initContainers": [container("Registry.Example/golden/debian")]}, id="not-canonical"),
        pytest.param({"initContainers": [container("x" * 900)]}, id="long"),
        pytest.param({"other": {"deep": [{"Image": UNKNOWN}]}}, id="another-place"),
    ],
)
def test_every_fault_is_told_alike(surfaces, certified, fields):
    _same(surfaces(object_of("Pod", pod_spec(container(certified), **fields))), allowed=False)
