"""What a registry's settings must be to fit together. Each refusal names the field and the cure."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography.x509 import load_pem_x509_certificates

from core.errors import FieldError
from oci.reference import DOCKER_HOST, is_host, is_repository_path
from registry.errors import RegistryInvalid

# Docker Hub answers under another name than the one in references.
_KNOWN_BASE_URLS = {DOCKER_HOST: "https://registry-1.docker.io"}
_KNOWN_LISTED_HOSTS = {DOCKER_HOST: ["auth.docker.io"]}
MAX_CA_BYTES = 256 * 1024


def checked(columns: dict[str, Any], *, layouts_below: Path) -> dict[str, Any]:
    """The columns, with what follows from them filled in. Raises RegistryInvalid with every wrong field."""
    found = dict(columns)
    wrong: list[FieldError] = []
    if not found["name"].strip() or len(found["name"]) > 100:
        wrong.append(FieldError("/name", "name_missing", "Give it a name of 1 to 100 characters."))
    if found["kind"] == "layout":
        wrong += _complete_layout(found, layouts_below)
    elif found["kind"] == "remote":
        wrong += _complete_remote(found)
    else:
        wrong.append(FieldError("/kind", "kind_unknown", "The kind is remote or layout."))
    if found["side"] not in ("source", "certified"):
        wrong.append(FieldError("/side", "side_unknown", "The side is source or certified."))
    if found["path_prefix"] and not is_repository_path(found["path_prefix"]):
        wrong.append(FieldError("/path_prefix", "path_malformed", "A prefix is a repository path such as base/golden."))
    if wrong:
        raise RegistryInvalid(" ".join(one.detail for one in wrong), errors=wrong)
    return found


def require_path(path: str) -> None:
    """Raises RegistryInvalid for what cannot be a repository's path."""
    if not is_repository_path(path):
        raise RegistryInvalid(f"{path[:100]!r} is not a repository path.", cure="Write it like library/debian.")


def _complete_layout(found: dict[str, Any], below: Path) -> list[FieldError]:
    host, _, prefix = found["public_name"].partition("/")
    if not is_host(host) or (prefix and not is_repository_path(prefix)):
        return [
            FieldError(
                "/public_name", "public_name_malformed", "The public name is host[:port][/path], as clusters will pull."
            )
        ]
    found["host"], found["path_prefix"], found["base_url"] = host, prefix, ""
    path = Path(found["layout_path"] or "certified")
    resolved = (below / path).resolve()
    if not resolved.is_relative_to(below.resolve()) or resolved == below.resolve():
        return [FieldError("/layout_path", "path_outside", f"The directory must be below {below}.")]
    found["layout_path"] = str(resolved)
    return []


def _complete_remote(found: dict[str, Any]) -> list[FieldError]:
    found["layout_path"], found["public_name"] = "", ""
    if not is_host(found["host"]):
        return [FieldError("/host", "host_malformed", "The host is host[:port] in lower case, as in references.")]
    found["base_url"] = (found["base_url"] or _KNOWN_BASE_URLS.get(found["host"], f"https://{found['host']}")).rstrip(
        "/"
    )
    found["listed_hosts"] = list(found["listed_hosts"]) or _KNOWN_LISTED_HOSTS.get(found["host"], [])
    wrong = [
        FieldError(f"/listed_hosts/{at}", "host_malformed", f"{host[:80]!r} is not host[:port] in lower case.")
        for at, host in enumerate(found["listed_hosts"])
        if not is_host(host)
    ]
    problem = _url_problem(found["base_url"], schemes=("https", "http"))
    if problem:
        wrong.append(FieldError("/base_url", "url_malformed", f"The address {problem}"))
    elif found["base_url"].startswith("http://") and not found["allow_private"]:
        wrong.append(
            FieldError("/base_url", "plain_http", "Plain http is only for private addresses: use https, or allow them.")
        )
    if found["proxy_url"] and (problem := _url_problem(found["proxy_url"], schemes=("http", "https"))):
        wrong.append(FieldError("/proxy_url", "url_malformed", f"The proxy {problem}"))
    if found["ca_pem"] and not _is_ca(found["ca_pem"]):
        wrong.append(FieldError("/ca_pem", "ca_malformed", "The CA is one or more certificates in PEM form."))
    return wrong


def _url_problem(url: str, *, schemes: tuple[str, ...]) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "is not a URL."
    if parts.scheme not in schemes or not parts.hostname or port == 0:
        return f"must begin with {' or '.join(f'{scheme}://' for scheme in schemes)} and a host."
    if parts.username or parts.password:
        return "must not hold a password; there is a field for it."
    if parts.path.strip("/") or parts.query or parts.fragment:
        return "must end after the host and port."
    return ""


def _is_ca(pem: str) -> bool:
    if len(pem) > MAX_CA_BYTES:
        return False
    try:
        return bool(load_pem_x509_certificates(pem.encode()))
    except ValueError:
        return False
