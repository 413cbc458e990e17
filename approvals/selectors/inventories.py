"""Which images have no inventory that could be compared: what a waiver of GG3001 speaks about, and nothing else.

All of these hold (docs/adr/0052):

- the newest scan is *unsupported* because the image names no distribution (cause ``unknown_distribution``);
- its inventory rests on no package database: on nothing, or on an attestation that names no distribution either;
- neither the scanner nor an attestation lists a package of a distribution in it;
- it is built on no image of ours that has a package database: there it was removed, not missing.

So it is said of ``scratch``, of a static binary, of BusyBox. It says "nobody can tell what is in it", never "what is in
it does not suit": a scanner that failed, a report that cannot be read, a package database that was removed, a
distribution whose versions cannot be compared or whose support ended, and missing advisories are cured where they are.
"""

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from django.db.models import Exists, OuterRef

from approvals.selectors.waivers import subversions_reached
from catalog.models import Subversion
from policies.models import Grant
from registry.models import ArtifactChild, Lineage
from scans.domain.basis import DISTRIBUTION_TYPES, Basis
from scans.domain.scan_state import Cause
from scans.models import ArtifactComponent, Inventory, Scan
from scans.selectors import latest_scans

MAX_SHOWN = 50  # builds on the page of one waiver
# Package URL types that distributions have; the scanner reads databases that the matching does not know.
_OF_DISTRIBUTIONS = (*DISTRIBUTION_TYPES, "alpm", "ebuild", "nix", "opkg")


def images_without_inventory(scans: Iterable[Scan | None]) -> frozenset[UUID]:
    """The artifacts of those of ``scans`` that say so. One query, and none where no scan has that cause."""
    asked = [scan.pk for scan in scans if scan is not None and scan.cause == Cause.UNKNOWN_DISTRIBUTION]
    if not asked:
        return frozenset()
    listed = ArtifactComponent.objects.filter(artifact=OuterRef("artifact"), component__type__in=_OF_DISTRIBUTIONS)
    databases = Inventory.objects.filter(artifact=OuterRef("ancestor"), basis=Basis.PACKAGE_DATABASE)
    removed = Lineage.objects.filter(Exists(databases), artifact=OuterRef("artifact"))
    rests_on_none = Scan.objects.filter(pk__in=asked, inventory__basis__in=[Basis.NONE, Basis.ATTESTED])
    return frozenset(rests_on_none.filter(~Exists(listed), ~Exists(removed)).values_list("artifact_id", flat=True))


def without_inventory_under(grant: Grant) -> list[Subversion]:
    """The newest builds that a waiver of GG3001 names and that have an image without an inventory, at most 50.

    Four queries.
    """
    newest = subversions_reached(grant).order_by("-created_at", "-pk")
    reached = list(newest.select_related("version__image", "artifact")[:MAX_SHOWN])
    links = ArtifactChild.objects.filter(index_id__in=[one.artifact_id for one in reached], kind="runnable")
    children: dict[UUID, set[UUID]] = defaultdict(set)
    for index_id, child_id in links.values_list("index_id", "child_id"):
        children[index_id].add(child_id)
    images = {one.artifact_id for one in reached} | {child for those in children.values() for child in those}
    bare = images_without_inventory(latest_scans(images).values())
    return [one for one in reached if bare & {one.artifact_id, *children[one.artifact_id]}]
