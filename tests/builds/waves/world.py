"""Images that stand on each other, certified, each with a source.

base = certified(now)                       # of a version of its own
child = certified(now, on=base)             # its source's recipe stands on ``base``
finish(row_of(wave, child), now)            # its build makes a candidate
"""

from datetime import datetime, timedelta

from django.db import transaction

from approvals.domain.evidence import Finding
from builds.models import Build, Source, Wave, WaveRow
from catalog import services as catalog
from catalog.models import Subversion, Version
from tests.factories.approvals import known
from tests.factories.builds import RecipeFactory, SourceFactory
from tests.factories.catalog import SubversionFactory, VersionFactory

YEAR = timedelta(days=365)


def certify(subversion: Subversion, now: datetime) -> Subversion:
    """As approvals would, without its people."""
    repository = f"registry.example/{subversion.version}"
    with transaction.atomic():
        catalog.set_certified(subversion=subversion, starts_at=now, ends_at=now + YEAR, repository=repository)
    return subversion


def certified(
    now: datetime, *, on: Subversion | None = None, version: Version | None = None, has_source: bool = True,
    is_pinned: bool = False,
) -> Subversion:  # fmt: skip
    """A certified subversion; with a source, whose recipe stands on ``on``."""
    made = certify(SubversionFactory(now, version=version or VersionFactory(now)), now)
    if has_source:
        RecipeFactory(now, source=SourceFactory(now, version=made.version), bases=_bases(on, is_pinned=is_pinned))
    return made


def _bases(on: Subversion | None, *, is_pinned: bool) -> list[dict[str, object]]:
    if on is None:
        return []
    digest = on.artifact.digest
    asked = f"registry.example/{on.version}@{digest}" if is_pinned else f"{on.version}".replace("/", ":")
    return [{"asked": asked, "line": 1, "kind": "certified", "digest": digest, "subversion": str(on.pk)}]


def source_of(subversion: Subversion) -> Source:
    """What builds its version."""
    return Source.objects.get(version=subversion.version)


def row_of(wave: Wave, subversion: Subversion) -> WaveRow:
    """The row of its version."""
    return WaveRow.objects.get(wave=wave, version=subversion.version)


def finish(row: WaveRow, now: datetime, state: str = "succeeded") -> Subversion | None:
    """End the row's build; the candidate that it made."""
    candidate = SubversionFactory(now, version=row.version) if state == "succeeded" else None
    failure = "apt failed" if state in ("failed", "stopped") else ""
    Build.objects.filter(pk=row.build_id).update(
        state=state, finished_at=now, failure=failure, subversion=candidate, artifact=candidate and candidate.artifact
    )
    return candidate


def with_fixes(subversion: Subversion, now: datetime, *names: str) -> None:
    """It was scanned, and each of these findings has a fix."""
    known(subversion.artifact, now, findings=[fixable(name) for name in names])


def fixable(name: str) -> Finding:
    """A finding that a newer package would end."""
    return Finding(
        vulnerability_id=name,
        package=f"lib-{name.lower()}",
        installed="3.0.11-1",
        fixed_version="3.0.15-1",
        severity="high",
    )
