"""What happens elsewhere and is a reason to renew here: a fix, a moved base, an approved recipe.

- A fix for a finding in what is certified opens a wave at its version, unless all such findings come with its base and
  the base can be renewed: then the base goes first, and its wave takes this version along.
- A newly certified version opens a wave for what stands on it, unless it was certified within a wave: that one goes on.
- An approved recipe is built, unless a candidate was made from exactly it already.
"""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from builds.domain.wave import Outcome
from builds.models import Build, Cause, Recipe, Source, Watch, Wave, WaveRow
from builds.selectors.standing import standing
from builds.services.causes import MAX_DETAIL_ITEMS, note_cause
from builds.services.waves import Event, advance_waves, end_row, lock_waves, open_wave
from catalog import selectors as catalog
from catalog.models import Subversion, Version
from core.canonical import sha256_of
from registry.models import Artifact
from registry.selectors import artifact_by_id
from scans import selectors as scans

MAX_FIXES = 2000  # kept on a wave, to look for in its candidates
Fix = tuple[str, str, str]
"""Vulnerability, package, the version that fixes it."""


def fix_seen(*, artifact_id: UUID | str, now: datetime) -> Wave | None:
    """Look at what is certified now with that artifact: where a finding in it has a fix, renew it; None otherwise."""
    subversion = catalog.usable_holding([artifact_id], now).get(str(artifact_id))
    if subversion is None or catalog.current_certified(str(subversion.version), now) != subversion:
        return None
    if not _is_renewable(subversion.version_id):
        return None
    fixes = fixes_in(subversion.artifact)
    if not fixes or _waits_in_a_wave(subversion.version) or _is_up_to_its_base(subversion.version, fixes, now):
        return None
    noun = "finding has" if len(fixes) == 1 else "findings have"
    event = Event(
        reason=Cause.Reason.FIX_AVAILABLE,
        key=sha256_of([list(fix) for fix in fixes]),
        title=f"{subversion.version}: {len(fixes)} {noun} a fix",
        detail={
            "count": len(fixes),
            "fixes": [f"{name} in {package}: {fixed}" for name, package, fixed in fixes[:MAX_DETAIL_ITEMS]],
            "wanted": [[name, package] for name, package, _ in fixes[:MAX_FIXES]],
            "subversion": str(subversion.pk),
        },
    )
    return open_wave(root=subversion.version, event=event, now=now)


@transaction.atomic
def base_certified(*, subversion_id: UUID | str, now: datetime) -> Wave | None:
    """A subversion was certified: go on with its wave, or open one for what stands on its version."""
    subversion = catalog.subversion_by_id(subversion_id)
    lock_waves()
    waiting = WaveRow.objects.filter(version=subversion.version, wave__closed_at=None, finished_at=None)
    if waiting.exists():
        advance_waves(now=now)
        return None
    if not standing(now).children_of.get(subversion.version_id):
        return None
    if catalog.current_certified(str(subversion.version), now) != subversion:
        return None  # certified late: a newer one is the base now
    event = Event(
        reason=Cause.Reason.BASE_MOVED,
        key=subversion.artifact.digest,
        title=f"{subversion.version} moved to {subversion.name}",
        detail={"digest": subversion.artifact.digest, "subversion": str(subversion.pk)},
    )
    return open_wave(root=subversion.version, event=event, now=now, certified=subversion)


def recipe_approved(*, recipe_id: UUID | str, now: datetime) -> Cause | None:
    """Build what was approved, unless there is a candidate of it, or something newer, already."""
    recipe = Recipe.objects.select_related("source__version__image").get(pk=recipe_id)
    source = recipe.source
    if source.builder == Source.Builder.EXTERNAL or not recipe.is_approved:
        return None
    made = Build.objects.filter(recipe=recipe, purpose=Build.Purpose.RENEWAL, subversion__isnull=False)
    if made.filter(subversion__rejected_at=None).exists():
        return None
    detail = {"recipe": recipe.number, "commit": recipe.commit}
    return note_cause(source=source, reason=Cause.Reason.RECIPE_APPROVED, key=recipe.sha256, detail=detail, now=now)


@transaction.atomic
def check_fixes(*, artifact_id: UUID | str, now: datetime) -> int:
    """Whether a candidate of a wave that was to bring fixes still needs them; how many rows ended so.

    The feed names a fix, the image was built again, and the finding is there still: what it is built from has no fix
    yet.
    """
    artifact = artifact_by_id(artifact_id)
    scan = scans.latest_scan(artifact)
    if scan is None or scan.state != "complete":
        return 0
    lock_waves()
    waiting = WaveRow.objects.filter(
        subversion__artifact=artifact, finished_at=None, outcome="", wave__reason=Cause.Reason.FIX_AVAILABLE
    ).select_related("wave", "version__image")
    ended = 0
    left: list[Fix] | None = None
    for row in waiting:
        left = fixes_in(artifact) if left is None else left
        wanted = {(name, package) for name, package in row.wave.detail.get("wanted", [])}
        if still := [fix for fix in left if fix[:2] in wanted]:
            named = ", ".join(f"{name} in {package} (fixed in {fixed})" for name, package, fixed in still[:5])
            end_row(row, Outcome.FIX_NOT_IN_MIRROR, f"{len(still)} of the fixes are missing still: {named}.", now=now)
            ended += 1
    if ended:
        advance_waves(now=now)
    return ended


def fixes_in(artifact: Artifact) -> list[Fix]:
    """The findings of an artifact that a newer package would end, sorted."""
    found = scans.findings_in_short(artifact)
    return sorted(
        {(one.vulnerability_id, one.source or one.package, one.fixed_version) for one in found if one.has_fix}
    )


def _is_renewable(version_id: UUID) -> bool:
    is_built = Source.objects.filter(version_id=version_id).exclude(builder=Source.Builder.EXTERNAL).exists()
    return is_built or Watch.objects.filter(version_id=version_id).exists()


def _waits_in_a_wave(version: Version) -> bool:
    """Whether it will be renewed anyhow, once its parent is decided about."""
    return WaveRow.objects.filter(version=version, wave__closed_at=None, started_at=None, finished_at=None).exists()


def _is_up_to_its_base(version: Version, fixes: list[Fix], now: datetime) -> bool:
    """Whether a base that can be renewed has every one of the findings: then it goes first."""
    wanted = {fix[:2] for fix in fixes}
    for base_id in standing(now).bases_of.get(version.pk, ()):
        certified = _certified_of(base_id, now)
        if certified is None or not _is_renewable(base_id):
            continue
        if wanted <= {fix[:2] for fix in fixes_in(certified.artifact)}:
            return True
    return False


def _certified_of(version_id: UUID, now: datetime) -> Subversion | None:
    rows = Subversion.objects.filter(catalog.usable_at(now), version_id=version_id, retiring_from=None)
    return rows.select_related("artifact").order_by("-certified_from", "-pk").first()
