"""A gate's own credential: good for a gate's own calls alone."""

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from admission import selectors
from admission.models import Gate
from admission.services.gates import GATE_PREFIX

REALM = "goldgate-gate"
LONGEST_TOKEN = 200  # characters


class GateCredential:
    """``request.auth`` of a gate's call. The table of access asks ``is_gate_credential``."""

    is_gate_credential = True

    def __init__(self, gate: Gate) -> None:
        self.gate = gate


class GateUser:
    """``request.user`` of a gate's call: nobody, signed in as nothing."""

    is_authenticated = True
    is_active = True
    is_anonymous = False
    pk = None


class GateAuthentication(BaseAuthentication):
    """``Authorization: Bearer ggg_…``. Unknown and retired read the same."""

    def authenticate(self, request: Request) -> tuple[GateUser, GateCredential] | None:
        kind, _, secret = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "bearer":
            return None
        gate = None
        if secret.startswith(GATE_PREFIX) and len(secret) <= LONGEST_TOKEN:
            gate = selectors.gate_of_secret(secret)
        if gate is None:
            raise AuthenticationFailed("The gate's token is not valid.", code="invalid_token")
        return GateUser(), GateCredential(gate)

    def authenticate_header(self, request: Request) -> str:
        return f'Bearer realm="{REALM}"'
