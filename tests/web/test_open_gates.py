"""A gate that asks nobody for anything is told on its cluster's page."""

import pytest
from django.utils import timezone

from admission.models import Gate
from tests.factories.admission import enrolled_gate

pytestmark = pytest.mark.django_db
WORDS = "It answers whoever reaches its port"


@pytest.mark.parametrize(
    ("asks", "is_told"), [("nothing", True), ("a token", False), ("a certificate and a token", False), ("", False)]
)
def test_only_it_is(viewer, signed_in, asks, is_told):
    gate, _ = enrolled_gate(now=timezone.now())
    Gate.objects.filter(pk=gate.pk).update(asks_callers_for=asks, last_seen_at=timezone.now())
    assert (WORDS in signed_in(viewer).get("/clusters/east").content.decode()) is is_told


def test_the_webhook_with_the_token_is_shown_to_administrators_alone(viewer, admin, signed_in):
    enrolled_gate(now=timezone.now())
    address = "/clusters/east/webhook.yaml"
    assert address not in signed_in(viewer).get("/clusters/east").content.decode()
    assert address in signed_in(admin).get("/clusters/east").content.decode()
    assert signed_in(viewer).get(address).status_code == 403
