"""How the world's images come to be: a source, its recipes, builds, a wave, a watch, a waiver, an alarm."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import zstandard

from accounts.models import Person
from approvals import services as approvals
from approvals.models import Proposal
from builds.domain.layer_files import FileEntry, Kind, to_line
from builds.models import (
    Build,
    Cause,
    Check,
    DriftAlarm,
    Inspection,
    LogChunk,
    PullProbe,
    Recipe,
    Source,
    TrustedPipeline,
    Watch,
    Wave,
    WaveRow,
)
from catalog.models import Subversion
from policies.models import Grant
from registry.blobs import kept_blobs
from tests.factories.builds import BuildFactory, RecipeFactory, SourceFactory
from tests.factories.catalog import VersionFactory
from tests.factories.registry import RepositoryFactory

BIDI = "\u202egnol\u202c\u200b"


@dataclass
class Supply:
    """What was made, by the name that tests know it by."""

    source: Source
    approved: Recipe
    recipe: Recipe  # waits for approval
    build: Build  # failed
    good_build: Build
    pipeline: TrustedPipeline
    wave: Wave
    row: WaveRow
    watch: Watch
    waiver: Grant
    alarm: DriftAlarm

    def keys(self) -> dict[str, object]:
        """What the places in an address stand for."""
        return {
            "source_id": self.source.pk,
            "recipe_id": self.recipe.pk,
            "build_id": self.build.pk,
            "pipeline_id": self.pipeline.pk,
            "wave_id": self.wave.pk,
            "watch_id": self.watch.pk,
            "grant_id": self.waiver.pk,
            "alarm_id": self.alarm.pk,
        }

    def addresses(self, good: Subversion, other: Subversion) -> dict[str, str]:
        """One address for each page that is read, by the name of its view."""
        return {
            "sources": "/sources",
            "source-new": "/sources/new",
            "source": f"/sources/{self.source.pk}",
            "source-edit": f"/sources/{self.source.pk}/edit",
            "source-owner": f"/sources/{self.source.pk}/owner",
            "recipes": "/recipes",
            "recipe": f"/recipes/{self.recipe.pk}",
            "builds": "/builds",
            "build": f"/builds/{self.build.pk}",
            "waves": "/waves",
            "wave": f"/waves/{self.wave.pk}",
            "watches": "/upstream",
            "difference-ask": "/difference",
            "difference": f"/difference/{good.artifact.digest}/{other.artifact.digest}",
            "artifact-hardening": f"/a/{good.artifact.digest}/hardening",
            "artifact-profile": f"/a/{good.artifact.digest}/profile",
            "promotion": "/certified-side",
            "starter": "/starter",
            "host-new": "/host-systems/new",
            "waivers": "/waivers",
            "waiver-new": "/waivers/new?rule=GG1004&scope_kind=version&scope=debian/12",
            "waiver": f"/waivers/{self.waiver.pk}",
        }


def build_supply(
    now: datetime, *, admin: Person, requester: Person, good: Subversion, waiting: Proposal, hostile: str
) -> Supply:
    """Make it. ``hostile`` stands wherever strangers may write."""
    source = SourceFactory(
        now,
        version=good.version,
        owner=admin,
        name="debian-12",
        last_failure=hostile + BIDI,
        arguments={"SUITE": hostile},
        renew_every_days=7,
        last_fetched_at=now,
        next_due_at=now + timedelta(days=3),
    )
    dockerfile = f"FROM debian:12\nRUN echo {BIDI}{hostile}\nUSER root\n"
    approved = RecipeFactory(now - timedelta(days=9), source=source, approved_at=now - timedelta(days=9))
    recipe = RecipeFactory(
        now,
        source=source,
        dockerfile=dockerfile,
        author_name=hostile + BIDI,
        author_email="mallory@example.org",
        arguments={"SUITE": hostile},
        files=[["entry.sh", "0755", 120, "0" * 64]],
        bases=[{"asked": "debian:12", "stage": 0, "line": 1, "kind": "certified", "digest": good.artifact.digest}],
        signature={"state": "unverified", "kind": "ssh", "by": hostile, "detail": hostile},
    )
    Check.objects.create(
        recipe=recipe, rule="GG1004", severity="error", message=hostile + BIDI, remedy="Write USER 65532.", line=3
    )
    Check.objects.create(recipe=recipe, rule="DL3008", severity="warning", message="Pin versions.", line=2)
    good_build = BuildFactory(
        now - timedelta(days=8),
        recipe=approved,
        state="succeeded",
        is_reviewed=True,
        started_at=now - timedelta(days=8),
        finished_at=now - timedelta(days=8) + timedelta(seconds=46),
        artifact=good.artifact,
        subversion=good,
        builder_id="https://goldgate.example/builders/buildah",
        builder_version="1.28",
        isolation="chroot",
        provenance=_provenance(approved, hostile),
        comparison={},
    )
    build = BuildFactory(
        now,
        recipe=recipe,
        state="failed",
        asked_by=admin,
        started_at=now,
        finished_at=now + timedelta(seconds=12),
        failure=f"RUN ended with 100: {hostile}{BIDI}",
        failure_code="instruction_failed",
        failed_line=2,
        log_bytes=300,
    )
    LogChunk.objects.create(build=build, number=0, text=f"STEP 1/3: FROM debian:12\n{hostile}{BIDI}\n", at=now)
    LogChunk.objects.create(build=build, number=1, text="E: Unable to locate package\nbuild failed\n", at=now)
    Cause.objects.create(
        source=source,
        build=build,
        reason="fix_available",
        key="a",
        detail={"fixes": ["CVE-2026-8376", hostile]},
        at=now,
    )
    Cause.objects.create(source=source, reason="base_moved", key="b", detail={"digest": hostile}, at=now)
    pipeline = TrustedPipeline.objects.create(
        source=source,
        kind="github",
        issuer="https://token.actions.githubusercontent.com",
        audience="goldgate",
        subject=hostile + BIDI,
        jwks_url="https://token.actions.githubusercontent.com/.well-known/jwks",
        created_at=now,
        created_by=admin,
    )
    wave, row = _wave(now, source, good, waiting, hostile)
    repository = RepositoryFactory()
    watch = Watch.objects.create(
        version=VersionFactory(now, "alpine/3.22"),
        repository=repository,
        tag="3.22",
        owner=admin,
        last_digest=good.artifact.digest,
        last_checked_at=now,
        stopped_at=now,
        last_failure=hostile,
        created_at=now,
    )
    inspected(good, now, FileEntry(f"bin/su{hostile}", Kind.FILE, 0o4755))
    waiver = approvals.ask_waiver(
        rule="GG1004",
        scope_kind="version",
        scope=str(good.version),
        reason=hostile,
        ends_at=now + timedelta(days=30),
        asked_by=requester,
        now=now,
    )
    alarm = DriftAlarm.objects.create(
        repository=repository,
        tag="12",
        expected_digest=good.artifact.digest,
        found_digest=f"sha256:{7:064x}",
        opened_at=now,
    )
    PullProbe.objects.create(
        subversion=good, is_pullable=False, detail=hostile, probed_at=now, failing_since=now - timedelta(hours=2)
    )
    return Supply(source, approved, recipe, build, good_build, pipeline, wave, row, watch, waiver, alarm)


def _wave(now: datetime, source: Source, good: Subversion, waiting: Proposal, hostile: str) -> tuple[Wave, WaveRow]:
    wave = Wave.objects.create(
        reason="fix_available", title=f"A fix {hostile}{BIDI}", detail={"fixes": [hostile]}, opened_at=now
    )
    row = WaveRow.objects.create(wave=wave, version=good.version, subversion=waiting.subversion, started_at=now)
    child = VersionFactory(now, "python/3.12")
    WaveRow.objects.create(wave=wave, version=child, parent=row)
    return wave, row


SHELL = FileEntry("bin/sh", Kind.FILE, 0o755, size=9, sha256="1" * 64)


def inspected(subversion: Subversion, now: datetime, *more: FileEntry) -> Inspection:
    """The files of a subversion, read: a shell, and ``more`` that sorts after it."""
    files = [SHELL, *more]
    listed = zstandard.ZstdCompressor().compress(b"".join(map(to_line, files)))
    inspection = Inspection.objects.create(
        artifact=subversion.artifact,
        state="complete",
        files_digest=str(kept_blobs().put(listed)),
        file_count=2,
        unpacked_bytes=9,
        rules_version=1,
        inspected_at=now,
        profile={"bytes": 9, "files": 2, "shells": ["/bin/sh"], "setuid": ["/bin/su"], "user": "65532"},
    )
    Check.objects.create(inspection=inspection, rule="GG2001", severity="note", message="Has a shell.", path="/bin/sh")
    return inspection


def _provenance(recipe: Recipe, hostile: str) -> dict:
    return {
        "buildDefinition": {
            "buildType": "https://goldgate.example/buildtypes/dockerfile/v1",
            "resolvedDependencies": [{"uri": hostile, "digest": {"gitCommit": recipe.commit}}],
        },
        "runDetails": {"builder": {"id": "https://goldgate.example/builders/buildah"}},
    }


def more_of_supply(now: datetime, world: Supply) -> None:
    """Ten more rows in each list."""
    for number in range(10):
        source = SourceFactory(now, owner=world.source.owner)
        recipe = RecipeFactory(now, source=source)
        build = BuildFactory(now, recipe=recipe, asked_by=source.owner)
        Cause.objects.create(source=source, build=build, reason="by_hand", key=str(number), at=now)
        Wave.objects.create(reason="base_moved", title=f"Wave {number}", opened_at=now)
        Watch.objects.create(
            version=source.version,
            repository=world.watch.repository,
            tag=str(number),
            owner=source.owner,
            created_at=now,
        )
        approvals.ask_waiver(
            rule=f"DL30{number:02d}",
            scope_kind="version",
            scope=str(source.version),
            reason="For a while.",
            ends_at=now + timedelta(days=30),
            asked_by=world.waiver.asked_by,
            now=now,
        )
        DriftAlarm.objects.create(
            repository=world.watch.repository, tag=f"t{number}", expected_digest="sha256:1", opened_at=now
        )
