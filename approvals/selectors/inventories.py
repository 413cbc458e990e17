"""Which images have no inventory that could be compared: what a waiver of GG3001 speaks about, and nothing else.

All of these hold (docs/adr/0052):

- the newest scan is *unsupported* because the image names no distribution (cause ``unknown_distribution``);
- its inventory rests on no package database: on nothing, or on an attestation that names no distribution either;
- neither the scanner nor an attestation lists a package of a distribution in it.

So it is said of ``scratch``, of a static binary, of BusyBox. It says "nobody can tell what is in it", never "what is in
it does not suit": a scanner that failed, a report that cannot be read, a package database that was removed, a
distribution whose versions cannot be compared or whose support ended, and missing advisories are cured where they are.
"""

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Exists, OuterRef

from scans.domain.basis import DISTRIBUTION_TYPES, Basis
from scans.domain.scan_state import Cause
from scans.models import ArtifactComponent, Scan

# Package URL types that distributions have; the scanner reads databases that the matching does not know.
_OF_DISTRIBUTIONS = (*DISTRIBUTION_TYPES, "alpm", "ebuild", "nix", "opkg")


def images_without_inventory(scans: Iterable[Scan | None]) -> frozenset[UUID]:
    """The artifacts of those of ``scans`` that say so. One query, and none where no scan has that cause."""
    asked = [scan.pk for scan in scans if scan is not None and scan.cause == Cause.UNKNOWN_DISTRIBUTION]
    if not asked:
        return frozenset()
    listed = ArtifactComponent.objects.filter(artifact=OuterRef("artifact"), component__type__in=_OF_DISTRIBUTIONS)
    rests_on_none = Scan.objects.filter(pk__in=asked, inventory__basis__in=[Basis.NONE, Basis.ATTESTED])
    return frozenset(rests_on_none.filter(~Exists(listed)).values_list("artifact_id", flat=True))
