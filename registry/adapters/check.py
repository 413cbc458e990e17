"""Does a registry work, and if not, what exactly does not? Each step answers in words."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from core.errors import GoldgateError
from oci.digest import Digest
from registry.adapters.client import RegistryClient
from registry.adapters.layout import LayoutRegistry
from registry.adapters.settings import ConnectionSettings
from registry.errors import NotInRegistry, RegistryMisbehaved

_NOBODY = Digest("sha256", "0" * 64)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the test."""

    name: str  # dns, tls, login, pull, referrers; directory
    outcome: str  # ok, failed, skipped
    text: str


def check_layout(directory: Path) -> list[Step]:
    """Whether the directory can be written."""
    try:
        LayoutRegistry(directory).ping()
    except (OSError, GoldgateError) as error:
        return [Step("directory", "failed", f"{directory} cannot be used: {error}")]
    return [Step("directory", "ok", f"{directory} can be read and written.")]


def check_registry(settings: ConnectionSettings, *, repo: str) -> list[Step]:
    """DNS, TLS, login, pull, referrers, in this order; after one that fails the rest are skipped.

    ``repo`` is a repository to read from, or "" when none is known yet.
    """
    client = RegistryClient(settings)
    tries: list[tuple[str, Callable[[], str]]] = [
        ("dns", lambda: _dns(client)),
        ("tls", lambda: _tls(client)),
        ("login", lambda: _login(client)),
        ("pull", lambda: _pull(client, repo)),
        ("referrers", lambda: _referrers(client, repo)),
    ]
    steps: list[Step] = []
    for name, attempt in tries:
        if any(step.outcome == "failed" for step in steps):
            steps.append(Step(name, "skipped", "Not tried: an earlier step failed."))
        elif name in ("pull", "referrers") and not repo:
            steps.append(Step(name, "skipped", "Not tried: no repository of it is known yet."))
        else:
            steps.append(_tried(name, attempt))
    return steps


def _tried(name: str, attempt: Callable[[], str]) -> Step:
    try:
        return Step(name, "ok", attempt())
    except GoldgateError as error:
        return Step(name, "failed", str(error))


def _dns(client: RegistryClient) -> str:
    base = client.settings.base
    if client.settings.proxy_url:
        return "Names are looked up by the proxy."
    host = base.hostname or ""
    address = client.transport.book.address_of(host, base.port or (443 if base.scheme == "https" else 80))
    return f"{host} is {address}."


def _tls(client: RegistryClient) -> str:
    answer = client.transport.send("GET", client.transport.url("v2/"))
    answer.close()
    if answer.status_code not in (200, 401):
        raise RegistryMisbehaved(
            f"{client.settings.base_url}/v2/ answered {answer.status_code}: this is no registry.",
            cure="Check the address; a registry's API is at its root.",
        )
    return "Connected, certificate accepted." if client.settings.base.scheme == "https" else "Connected in the clear."


def _login(client: RegistryClient) -> str:
    client.ping()
    return f"Signed in as {client.settings.username}." if client.settings.username else "Open without signing in."


def _pull(client: RegistryClient, repo: str) -> str:
    tags = client.tags(repo)
    if not tags:
        raise NotInRegistry(f"{repo} shows no tags.", cure="Check that the account may read it.")
    client.get_manifest(repo, tags[-1])
    return f"{repo}:{tags[-1]} can be read ({len(tags)} tags)."


def _referrers(client: RegistryClient, repo: str) -> str:
    if client.has_referrers_api(repo, _NOBODY):
        return "Has the referrers API."
    return "No referrers API: signatures and attestations are found by their tags."
