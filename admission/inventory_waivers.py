"""Until when people let pass that there is no inventory of an image; and which images a waiver of that speaks about.

Both ways round follow one rule, which ``approvals.selectors.evidence_of`` asks for a candidate: a waiver of GG3001
reaches the images of one version, of one source's builds, or of one digest; through an index its runnable images. An
image that is no build of the catalog is reached by its digest alone. Tests hold both to that selector.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from approvals.selectors.inventories import images_without_inventory
from approvals.selectors.waivers import subversions_reached
from builds.models import Build
from catalog.models import Subversion
from policies import selectors as policies
from policies.domain.grants import INVENTORY_RULE
from policies.models import Grant
from registry.models import Artifact, ArtifactChild
from scans.models import Scan

Scope = tuple[str, str]  # kind and name, as a grant has them


def waived_until(artifacts: Sequence[Artifact], scans: Mapping[UUID, Scan]) -> dict[UUID, datetime]:
    """By artifact, of those without an inventory that a waiver was ever given for: when the last one ends, or ended.

    Five queries where there is such an artifact and such a waiver; none where every artifact has an inventory.
    """
    without = images_without_inventory(scans.values())
    bare = {one.pk: one.digest for one in artifacts if one.pk in without}
    ends = policies.inventory_waiver_ends() if bare else {}
    if not ends:
        return {}
    scopes = _scopes_of(bare)
    found = {pk: [ends[scope] for scope in scopes[pk] if scope in ends] for pk in bare}
    return {pk: max(those) for pk, those in found.items() if those}


def artifacts_reached(grant_ids: Iterable[UUID]) -> set[UUID]:
    """The artifacts that these waivers of GG3001 name; other grants name none here. An index stands for its images."""
    found: set[UUID] = set()
    for grant in Grant.objects.filter(pk__in=list(grant_ids), kind=Grant.Kind.WAIVER, rule=INVENTORY_RULE):
        if grant.scope_kind == Grant.ScopeKind.DIGEST:  # also of what is no build of the catalog
            found |= set(Artifact.objects.filter(digest=grant.scope).values_list("pk", flat=True))
        else:
            found |= set(subversions_reached(grant).values_list("artifact_id", flat=True))
    return found


def _scopes_of(bare: Mapping[UUID, str]) -> dict[UUID, set[Scope]]:
    """Every scope that reaches each image: by itself, or by an index that lists it."""
    wholes = {pk: {pk} for pk in bare}
    scopes: dict[UUID, set[Scope]] = {pk: {("digest", digest)} for pk, digest in bare.items()}
    links = ArtifactChild.objects.filter(child_id__in=list(bare), kind="runnable")
    for child_id, index_id, digest in links.values_list("child_id", "index_id", "index__digest"):
        wholes[child_id].add(index_id)
        scopes[child_id].add(("digest", digest))
    by_whole = _scopes_of_builds({whole for those in wholes.values() for whole in those})
    for pk, those in wholes.items():
        scopes[pk].update(*(by_whole[whole] for whole in those))
    return scopes


def _scopes_of_builds(artifact_ids: Iterable[UUID]) -> dict[UUID, set[Scope]]:
    """By artifact of a subversion: its version, and the source of the newest build that made it."""
    found: dict[UUID, set[Scope]] = defaultdict(set)
    rows = Subversion.objects.filter(artifact_id__in=list(artifact_ids))
    names = rows.values_list("pk", "artifact_id", "version__image__name", "version__name")
    whole_of = {}
    for pk, artifact_id, image, version in names:
        whole_of[pk] = artifact_id
        found[artifact_id].add(("version", f"{image}/{version}"))
    builds = Build.objects.filter(subversion_id__in=list(whole_of), purpose=Build.Purpose.RENEWAL)
    newest = builds.order_by("subversion_id", "-asked_at", "-pk").distinct("subversion_id")
    for subversion_id, source in newest.values_list("subversion_id", "source__name"):
        found[whole_of[subversion_id]].add(("source", source))
    return found
