"""An OIDC issuer on a loopback port, with TLS, real RSA and EC keys, discovery and a key set.

with OidcIssuer() as issuer:
    token = issuer.token(claims)          # RS256 by its key "key-1"
    issuer.url, issuer.ca_pem

It writes what GitHub Actions and GitLab CI write, as far as their documentation says: the members of their tokens, and
where they publish their keys. tests/contract/test_oidc_issuer.py reads it as any OIDC client would.
"""

import base64
import datetime as dates
import ipaddress
import json
import ssl
import tempfile
import threading
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@lru_cache
def rsa_key(number: int, bits: int = 2048) -> rsa.RSAPrivateKey:
    """The same key for the same number: making one takes a moment."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@lru_cache
def ec_key(number: int) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def jwk(private: Any, kid: str) -> dict[str, Any]:
    """The public half, as a member of a key set."""
    is_rsa = isinstance(private, rsa.RSAPrivateKey)
    found: dict[str, Any] = (RSAAlgorithm if is_rsa else ECAlgorithm).to_jwk(private.public_key(), as_dict=True)
    found.pop("key_ops", None)
    return {**found, "kid": kid, "use": "sig", "alg": "RS256" if is_rsa else "ES256"}


def github_claims(issuer: str, now: dates.datetime, **changes: Any) -> dict[str, Any]:
    """A token of GitHub Actions: ten minutes, one repository, one workflow."""
    at = int(now.timestamp())
    found = {
        "jti": f"jti-{at}-{len(changes)}",
        "sub": "repo:acme/base-images:ref:refs/heads/main",
        "aud": "https://goldgate.example",
        "ref": "refs/heads/main",
        "sha": COMMIT,
        "repository": "acme/base-images",
        "repository_owner": "acme",
        "run_id": "1234",
        "workflow": "build",
        "workflow_ref": "acme/base-images/.github/workflows/build.yml@refs/heads/main",
        "job_workflow_ref": "acme/base-images/.github/workflows/build.yml@refs/heads/main",
        "event_name": "push",
        "ref_type": "branch",
        "runner_environment": "github-hosted",
        "iss": issuer,
        "nbf": at - 10,
        "exp": at + 300,
        "iat": at,
        **changes,
    }
    return {name: value for name, value in found.items() if value is not None}


def gitlab_claims(issuer: str, now: dates.datetime, **changes: Any) -> dict[str, Any]:
    """An ID token of a GitLab CI job."""
    at = int(now.timestamp())
    found = {
        "project_path": "acme/base-images",
        "namespace_path": "acme",
        "pipeline_source": "push",
        "job_id": "302",
        "ref": "main",
        "ref_type": "branch",
        "ref_protected": "true",
        "runner_environment": "self-hosted",
        "sha": COMMIT,
        "ci_config_ref_uri": "gitlab.acme.example/acme/base-images//.gitlab-ci.yml@refs/heads/main",
        "jti": f"gitlab-{at}-{len(changes)}",
        "iss": issuer,
        "iat": at,
        "nbf": at - 5,
        "exp": at + 3600,
        "sub": "project_path:acme/base-images:ref_type:branch:ref:main",
        "aud": "https://goldgate.example",
        **changes,
    }
    return {name: value for name, value in found.items() if value is not None}


def part(value: Any) -> str:
    """base64url of JSON, or of bytes, without padding."""
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(body).rstrip(b"=").decode()


class OidcIssuer:
    """Serves its key set until it is left; counts how often it was asked."""

    def __init__(self) -> None:
        self.keys: dict[str, Any] = {"key-1": rsa_key(1), "key-ec": ec_key(1)}
        self.more_keys: list[dict[str, Any]] = []  # members of the key set as they are, for a set that is wrong
        self.asked: list[str] = []
        self.status = 200
        self.body: bytes | None = None  # instead of the key set
        self.location = ""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                outer._answer(self)

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.ca_pem, context = _certificate()
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """The issuer, as its tokens name it."""
        return f"https://127.0.0.1:{self._server.server_port}"

    def token(self, claims: dict[str, Any], *, kid: str = "key-1", headers: dict[str, Any] | None = None) -> str:
        """A token signed by one of its keys."""
        key = self.keys[kid]
        algorithm = "RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256"
        return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": kid, **(headers or {})})

    def key_set(self) -> dict[str, Any]:
        """What it publishes."""
        return {"keys": [*(jwk(key, kid) for kid, key in self.keys.items()), *self.more_keys]}

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = json.dumps(self.key_set()).encode() if self.body is None else self.body
        if handler.path == "/.well-known/openid-configuration":
            found = {"issuer": self.url, "jwks_uri": f"{self.url}/.well-known/jwks"}
            body = json.dumps({**found, "id_token_signing_alg_values_supported": ["RS256", "ES256"]}).encode()
        handler.send_response(self.status)
        if self.location:
            handler.send_header("Location", self.location)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)


@lru_cache
def _certificate() -> tuple[str, ssl.SSLContext]:
    """A certificate for 127.0.0.1 that is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "issuer")])
    now = dates.datetime.now(dates.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dates.timedelta(days=1))
        .not_valid_after(now + dates.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        file.write(private + pem)
        file.flush()
        context.load_cert_chain(file.name)
    return pem.decode(), context
