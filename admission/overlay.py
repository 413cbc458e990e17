"""What every overlay carries whole: policy, trust, revocations, what ran, what to use instead."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Q

from admission.facts import Successors, reference_to, seconds
from admission.models import AdmittedDigest
from catalog import selectors as catalog_selectors
from catalog.models import Subversion
from gate.facts import DigestFacts
from gate.snapshot import FORMAT, Overlay, Ran, Revocation
from policies import selectors as policy_selectors
from registry.models import ArtifactChild, Registry, RepositoryArtifact, TagSeen

MAX_TAGS = 10_000  # newest tags whose digest a refusal can name
RAN_DAYS = 90  # the longest window that a policy may ask for


def overlay_of(*, version: int, base_version: int, changed: dict[str, DigestFacts | None], now: datetime) -> Overlay:
    """The overlay of ``version``: ``changed`` since the base (None: known no longer), and all that is carried whole."""
    policy = policy_selectors.active_policy(now)
    return Overlay(
        format=FORMAT,
        version=version,
        issued_at=seconds(now),
        base_version=base_version,
        revocations=tuple(_revocations(now)),
        policy=policy.document,
        policy_version=policy.version,
        policy_sha256=policy.sha256,
        trusted_repositories=tuple(trusted_repositories()),
        portal_url=settings.GOLDGATE_URL,
        facts=tuple(item for item in changed.values() if item is not None),
        removed=tuple(digest for digest, item in changed.items() if item is None),
        ran=_ran(since=now - timedelta(days=RAN_DAYS)),
        instead=_instead(now),
    )


def trusted_repositories() -> list[str]:
    """``host[:port][/path]`` of every registry that is trusted, and of the certified side, sorted."""
    rows = Registry.objects.filter(Q(is_trusted=True) | Q(side=Registry.Side.CERTIFIED))
    return sorted({_place(row) for row in rows})


def _place(registry: Registry) -> str:
    prefix = registry.path_prefix.strip("/")
    return f"{registry.host}/{prefix}" if prefix else registry.host


def _revocations(now: datetime) -> Iterable[Revocation]:
    """Every revoked subversion, newest first. The children of an index fall with it: the engine asks membership."""
    revoked = Subversion.objects.filter(revoked_at__isnull=False).select_related("artifact")
    rows = list(revoked.order_by("-revoked_at", "pk"))
    after = Successors({row.version_id for row in rows}, now)
    for subversion in rows:
        successor = after.of(subversion)
        yield Revocation(
            digest=subversion.artifact.digest,
            revoked_at=seconds(subversion.revoked_at),
            reason=subversion.reason,
            use_instead=reference_to(successor) if successor else "",
            use_instead_name=successor.name if successor else "",
        )


def _ran(*, since: datetime) -> dict[str, tuple[Ran, ...]]:
    found: dict[str, list[Ran]] = defaultdict(list)
    rows = AdmittedDigest.objects.filter(last_at__gte=since).select_related("cluster")
    for row in rows.order_by("cluster__name", "namespace", "digest"):
        found[row.cluster.name].append(Ran(row.namespace, row.digest, seconds(row.last_at)))
    return {cluster: tuple(rows) for cluster, rows in found.items()}


def _instead(now: datetime) -> dict[str, str]:
    """What a refused name or tag should have been: the certified digest of its line, else what the tag named last."""
    found: dict[str, str] = {}
    latest = TagSeen.objects.order_by("repository_id", "tag", "-seen_at", "-id").distinct("repository_id", "tag")
    tags = TagSeen.objects.filter(pk__in=latest.values("pk")).select_related("repository__registry")
    current = _current_by_artifact(now)
    for row in tags.order_by("-seen_at")[:MAX_TAGS]:
        name = row.repository.name
        found[f"{name}:{row.tag}"] = current.get(row.artifact_id) or f"{name}@{row.digest}"
    links = RepositoryArtifact.objects.filter(artifact_id__in=list(current)).select_related("repository__registry")
    for link in links.order_by("first_seen_at"):
        found[link.repository.name] = current[link.artifact_id]
    for reference in current.values():
        found[reference.partition("@")[0]] = reference
    return found


def _current_by_artifact(now: datetime) -> dict[Any, str]:
    """Artifact id of any subversion, or of its runnable children -> the reference to its version's certified one."""
    newest: dict[Any, str] = {}
    for subversion in catalog_selectors.approved_subversions(now).order_by("certified_from", "pk"):
        newest[subversion.version_id] = reference_to(subversion)
    rows = Subversion.objects.filter(version_id__in=list(newest))
    found = {row.artifact_id: newest[row.version_id] for row in rows}
    children = ArtifactChild.objects.filter(index_id__in=list(found), kind="runnable")
    found.update({link.child_id: found[link.index_id] for link in children if link.child_id not in found})
    return found
