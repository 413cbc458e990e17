"""How a candidate came to be, and what was seen in its files: read at once, into plain values."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.db.models.functions import JSONObject

from approvals.domain.evidence import BrokenRule, BuildEvidence, FilesEvidence
from approvals.models import RecipeReview
from builds.models import Build, Check, Inspection, Submission
from catalog.models import Subversion
from core.canonical import sha256_of
from policies import selectors as policies
from policies.models import Grant
from registry.models import Artifact

Row = Mapping[str, Any]


def build_of(subversion: Subversion) -> Build | None:
    """The build that made it; None for what was adopted. One query."""
    return _builds(subversion.pk).select_related("source__owner", "recipe__author").first()


def supply_of(
    subversion: Subversion, images: Iterable[Artifact], at: datetime
) -> tuple[BuildEvidence | None, dict[UUID, FilesEvidence]]:
    """The build of ``subversion``, and what was seen in each of ``images`` by id. Two queries at most."""
    runnable = list(images)
    build, inspections = _read(subversion, runnable)
    checks = [*(build["checks"] if build else []), *(one for row in inspections.values() for one in row["checks"])]
    waivers = _waivers(subversion, build, runnable, checks, at)
    files = {
        artifact.pk: _files(inspections[str(artifact.pk)], waivers)
        if str(artifact.pk) in inspections
        else FilesEvidence()
        for artifact in runnable
    }
    return (_build(build, waivers) if build else None), files


def _read(subversion: Subversion, images: list[Artifact]) -> tuple[Row | None, dict[str, Row]]:
    """The build, and the inspections by artifact, as JSON. One query."""
    inspections = (
        Inspection.objects.filter(artifact__in=images)
        .annotate(found=_checks(inspection=OuterRef("pk")))
        .values(
            json=JSONObject(
                artifact="artifact_id",
                state="state",
                failure="failure",
                profile="profile",
                files_digest="files_digest",
                checks="found",
            )
        )
    )
    found = Subversion.objects.filter(pk=subversion.pk).values_list(
        ArraySubquery(_told(_builds(OuterRef("pk")))[:1]), ArraySubquery(inspections)
    )
    builds, inspected = found.get()
    return (builds[0] if builds else None), {row["artifact"]: row for row in inspected}


def _builds(subversion: Any) -> QuerySet[Build]:
    renewals = Build.objects.filter(subversion=subversion, purpose=Build.Purpose.RENEWAL)
    return renewals.order_by("-asked_at", "-pk")


def _told(builds: QuerySet[Build]) -> QuerySet[Build, Any]:
    approving = RecipeReview.objects.filter(recipe=OuterRef("recipe"), consumed_by__isnull=False)
    again = Build.objects.filter(reproduces=OuterRef("pk"), state=Build.State.SUCCEEDED)
    submitted = Submission.objects.filter(build=OuterRef("pk")).order_by("-at")
    return builds.annotate(
        approved_by=ArraySubquery(approving.order_by("reviewer__username").values_list("reviewer__username")),
        is_reproduced=Exists(again.filter(comparison__is_reproduced=True)),
        is_made_otherwise=Exists(again.filter(comparison__is_reproduced=False)),
        submitted_by=Subquery(submitted.values("pipeline__subject")[:1]),
        found=_checks(recipe=OuterRef("recipe")),
    ).values(
        json=JSONObject(
            key="id",
            number="number",
            builder_id="builder_id",
            isolation="isolation",
            provenance="provenance",
            source="source__name",
            source_key="source_id",
            builder="source__builder",
            recipe_key="recipe_id",
            recipe_sha256="recipe__sha256",
            recipe_number="recipe__number",
            commit="recipe__commit",
            checked_at="recipe__checked_at",
            approved_at="recipe__approved_at",
            withdrawn_at="recipe__withdrawn_at",
            approved_by="approved_by",
            is_reproduced="is_reproduced",
            is_made_otherwise="is_made_otherwise",
            submitted_by="submitted_by",
            checks="found",
        )
    )


def _checks(**of: OuterRef) -> ArraySubquery:
    rows = Check.objects.filter(**of).order_by("rule", "path", "line", "pk")
    columns = ("rule", "severity", "message", "remedy", "line", "path")
    return ArraySubquery(rows.values(json=JSONObject(**{name: name for name in columns})))


def _waivers(
    subversion: Subversion, build: Row | None, images: list[Artifact], checks: list[Row], at: datetime
) -> dict[str, Grant]:
    return policies.waivers_in_force(
        {check["rule"] for check in checks if check["severity"] == Check.Severity.ERROR},
        at=at,
        version=str(subversion.version),
        source=build["source"] if build else "",
        digests=[subversion.artifact.digest, *(image.digest for image in images)],
    )


def _files(row: Row, waivers: dict[str, Grant]) -> FilesEvidence:
    return FilesEvidence(
        state=row["state"],
        failure=row["failure"],
        errors=_errors(row["checks"], waivers),
        warnings=_count(row["checks"], Check.Severity.WARNING),
        notes=_count(row["checks"], Check.Severity.NOTE),
        profile=row["profile"],
        files_digest=row["files_digest"],
    )


def _build(row: Row, waivers: dict[str, Grant]) -> BuildEvidence:
    has_recipe = row["recipe_key"] is not None
    is_approved = row["approved_at"] is not None and row["withdrawn_at"] is None
    return BuildEvidence(
        source=row["source"],
        number=row["number"],
        builder=row["builder"],
        builder_id=row["builder_id"],
        isolation=row["isolation"],
        commit=row["commit"] if has_recipe else _commit_of(row["provenance"]),
        recipe_sha256=row["recipe_sha256"] or "",
        recipe_number=row["recipe_number"] or 0,
        is_recipe_checked=not has_recipe or row["checked_at"] is not None,
        is_recipe_approved=is_approved,
        recipe_approved_by=tuple(row["approved_by"]) if is_approved else (),
        submitted_by="" if has_recipe else row["submitted_by"] or "",
        errors=_errors(row["checks"], waivers),
        warnings=_count(row["checks"], Check.Severity.WARNING),
        provenance_sha256=sha256_of(row["provenance"]) if row["provenance"] else "",
        is_reproduced=_is_reproduced(row),
        key=row["key"],
        source_key=row["source_key"],
        recipe_key=row["recipe_key"] or "",
    )


def _is_reproduced(row: Row) -> bool | None:
    if row["is_made_otherwise"]:
        return False
    return True if row["is_reproduced"] else None


def _commit_of(provenance: dict[str, object]) -> str:
    definition = provenance.get("buildDefinition")
    dependencies = definition.get("resolvedDependencies") if isinstance(definition, dict) else None
    for one in dependencies if isinstance(dependencies, list) else []:
        digest = one.get("digest") if isinstance(one, dict) else None
        if isinstance(digest, dict) and digest.get("gitCommit"):
            return str(digest["gitCommit"])
    return ""


def _errors(checks: list[Row], waivers: dict[str, Grant]) -> tuple[BrokenRule, ...]:
    found = []
    for check in checks:
        if check["severity"] != Check.Severity.ERROR:
            continue
        waiver = waivers.get(check["rule"])
        found.append(
            BrokenRule(
                rule=check["rule"],
                message=check["message"],
                remedy=check["remedy"],
                where=check["path"] or (f"line {check['line']}" if check["line"] else ""),
                waived_until=waiver.ends_at if waiver else None,
                waived_by=waiver.given_by.username if waiver and waiver.given_by else "",
                waiver_reason=waiver.reason if waiver else "",
            )
        )
    return tuple(found)


def _count(checks: list[Row], severity: Check.Severity) -> int:
    return sum(check["severity"] == severity for check in checks)
