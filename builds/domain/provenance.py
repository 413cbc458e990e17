"""SLSA provenance v1 of a build: who built it, from which commit, on which base (slsa.dev/spec/v1.0/provenance).

The rules of what stands in it:

- ``externalParameters`` is everything that the source asks for; ``internalParameters`` what Goldgate added.
- ``resolvedDependencies`` are the commit and every base, each with its digest.
- ``builder.id`` names a kind of builder of this installation, and stays the same from build to build.
- No secret: an argument that looks like one is masked, and so is a password in an address. What it was decides the
  recipe's hash all the same.

The meaning of each parameter is in ``docs/reference/provenance.md``, which the build types name.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

PREDICATE_TYPE = "https://slsa.dev/provenance/v1"
DOCKERFILE_BUILD = "https://goldgate.dev/build/dockerfile/v1"
SUBMITTED_BUILD = "https://goldgate.dev/build/submitted/v1"  # built elsewhere; a pipeline's token says by whom
MASKED = "[masked]"

_SECRET_NAME = re.compile(
    r"(?:^|[_.-])(?:pass(?:word|wd|phrase)?|pwd|secrets?|tokens?|credentials?|creds?|api[_-]?keys?"
    r"|private[_-]?keys?|access[_-]?keys?|keys?|auth|pat|dsn)(?:$|[_.-])",
    re.IGNORECASE,
)
_SECRET_VALUE = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY"  # PEM
    r"|\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_[A-Za-z0-9_]{20,}"  # GitHub
    r"|\bglpat-[A-Za-z0-9_-]{16,}|\bggt_[A-Za-z0-9]{16,}"  # GitLab, our own
    r"|\bAKIA[0-9A-Z]{16}\b|\bxox[abprs]-[A-Za-z0-9-]{10,}"  # AWS, Slack
    r"|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"  # a JWT
    r"|://[^/\s:@]*:[^/\s@]+@"  # a password in an address
)


@dataclass(frozen=True, slots=True)
class BaseUsed:
    """One image that a stage stood on, by digest."""

    reference: str  # "host/path", with or without tag or digest
    digest: str
    annotations: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ByProduct:
    """What the build left beside the image: its log, its inventory."""

    name: str
    digest: str  # "sha256:…"
    media_type: str
    annotations: Mapping[str, Any] = field(default_factory=dict)  # of several images: which one


@dataclass(frozen=True, slots=True)
class BuildFacts:
    """What is known of one build, as far as its provenance says it."""

    build_type: str
    builder_id: str
    builder_version: Mapping[str, str]
    invocation_id: str
    started_at: datetime | None
    finished_at: datetime | None
    source_uri: str
    ref: str
    commit: str  # "" = not known
    parameters: Mapping[str, Any]  # directory, dockerfile, arguments, target, platforms; none for what was submitted
    internal: Mapping[str, Any]
    bases: Sequence[BaseUsed] = ()
    byproducts: Sequence[ByProduct] = ()
    commit_annotations: Mapping[str, Any] = field(default_factory=dict)


def slsa_predicate(facts: BuildFacts) -> dict[str, Any]:
    """The predicate: plain JSON, to be signed as an in-toto Statement about the built digest."""
    uri = without_password(facts.source_uri)
    external: dict[str, Any] = {"source": {"uri": uri, "ref": facts.ref}, **facts.parameters}
    if "arguments" in external:
        external["arguments"] = shown_arguments(external["arguments"])
    dependencies = [_commit(facts, uri)] if facts.commit else []
    return {
        "buildDefinition": {
            "buildType": facts.build_type,
            "externalParameters": external,
            "internalParameters": dict(facts.internal),
            "resolvedDependencies": [*dependencies, *(_base(base) for base in facts.bases)],
        },
        "runDetails": {
            "builder": {"id": facts.builder_id, "version": dict(facts.builder_version)},
            "metadata": _metadata(facts),
            "byproducts": [_byproduct(each) for each in facts.byproducts],
        },
    }


def builder_uri(base_url: str, kind: str) -> str:
    """``builder.id`` of one kind of builder (buildah, buildkit) of the installation at ``base_url``."""
    return f"{base_url.rstrip('/')}/builders/{kind}"


def shown_arguments(arguments: Mapping[str, Any]) -> dict[str, str]:
    """Build arguments as they may be published: what looks like a secret, by name or by value, is masked."""
    return {name: MASKED if is_secret(name, str(value)) else str(value) for name, value in sorted(arguments.items())}


def is_secret(name: str, value: str) -> bool:
    """Whether an argument looks like a secret. Wrongly yes costs a reader a value; wrongly no would publish it."""
    separated = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)  # apiKey reads as api_Key
    return bool(value) and bool(_SECRET_NAME.search(separated) or _SECRET_VALUE.search(value))


def without_password(uri: str) -> str:
    """An address without user and password; a path stays as it is."""
    parts = urlsplit(uri)
    if "@" not in parts.netloc:
        return uri
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def digest_set(digest: str) -> dict[str, str]:
    """in-toto's form of a digest: algorithm to hex."""
    algorithm, _, encoded = digest.partition(":")
    return {algorithm: encoded}


def oci_purl(reference: str, digest: str) -> str:
    """``pkg:oci/name@digest?repository_url=host/path`` (package-url, type oci); what is no reference stays itself."""
    repository = reference.partition("@")[0]
    path, _, tag = repository.rpartition(":")
    if path and "/" not in tag:
        repository = path
    name = repository.rpartition("/")[2].lower()
    if not name:
        return reference
    at = f"?repository_url={quote(repository.lower(), safe='/.:')}" if "/" in repository else ""
    return f"pkg:oci/{quote(name)}@{quote(digest, safe='')}{at}"


def _commit(facts: BuildFacts, uri: str) -> dict[str, Any]:
    scheme = "" if uri.startswith("git+") else "git+"
    place = uri if "://" in uri else f"file://{uri}"
    found: dict[str, Any] = {"uri": f"{scheme}{place}@{facts.ref}", "digest": {"gitCommit": facts.commit}}
    if facts.commit_annotations:
        found["annotations"] = dict(facts.commit_annotations)
    return found


def _base(base: BaseUsed) -> dict[str, Any]:
    found: dict[str, Any] = {"uri": oci_purl(base.reference, base.digest), "digest": digest_set(base.digest)}
    if base.annotations:
        found["annotations"] = dict(base.annotations)
    return found


def _byproduct(one: ByProduct) -> dict[str, Any]:
    found: dict[str, Any] = {"name": one.name, "digest": digest_set(one.digest), "mediaType": one.media_type}
    if one.annotations:
        found["annotations"] = dict(one.annotations)
    return found


def _metadata(facts: BuildFacts) -> dict[str, str]:
    found = {"invocationId": facts.invocation_id}
    if facts.started_at:
        found["startedOn"] = _timestamp(facts.started_at)
    if facts.finished_at:
        found["finishedOn"] = _timestamp(facts.finished_at)
    return found


def _timestamp(at: datetime) -> str:
    """RFC 3339 in UTC, to the second, as the spec writes it."""
    return at.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"
