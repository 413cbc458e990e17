"""How a candidate came to be, and what was seen in its files: read once, into plain values."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef

from approvals.domain.evidence import BrokenRule, BuildEvidence, FilesEvidence
from approvals.models import RecipeReview
from builds.models import Build, Check, Inspection, Recipe
from catalog.models import Subversion
from core.canonical import sha256_of
from policies import selectors as policies
from policies.models import Grant
from registry.models import Artifact


def build_of(subversion: Subversion) -> Build | None:
    """The build that made it; None for what was adopted. One query.

    On it stand who approved its recipe (``approved_by``), and whether second builds gave the same layers or others.
    """
    approving = RecipeReview.objects.filter(recipe=OuterRef("recipe"), consumed_by__isnull=False)
    names = approving.order_by("reviewer__username").values_list("reviewer__username")
    again = Build.objects.filter(reproduces=OuterRef("pk"), state=Build.State.SUCCEEDED)
    return (
        Build.objects.filter(subversion=subversion, purpose=Build.Purpose.RENEWAL)
        .select_related("source", "recipe")
        .defer("recipe__dockerfile", "recipe__files")
        .annotate(
            approved_by=ArraySubquery(names),
            is_reproduced=Exists(again.filter(comparison__is_reproduced=True)),
            is_made_otherwise=Exists(again.filter(comparison__is_reproduced=False)),
        )
        .order_by("-asked_at", "-pk")
        .first()
    )


def supply_of(
    subversion: Subversion, images: Iterable[Artifact], at: datetime
) -> tuple[BuildEvidence | None, dict[UUID, FilesEvidence]]:
    """The build of ``subversion``, and what was seen in each of ``images`` by id. At most five queries."""
    runnable = list(images)
    build = build_of(subversion)
    recipe = build.recipe if build else None
    inspections = {one.artifact_id: one for one in Inspection.objects.filter(artifact__in=runnable)}
    of_files: dict[UUID, list[Check]] = {one.pk: [] for one in inspections.values()}
    of_recipe: list[Check] = []
    checks = Check.objects.filter(inspection__in=list(of_files))
    if recipe is not None:
        checks = checks | Check.objects.filter(recipe=recipe)
    for check in checks.order_by("rule", "path", "line", "pk"):
        (of_files[check.inspection_id] if check.inspection_id else of_recipe).append(check)
    waivers = _waivers(
        subversion, build, runnable, [*of_recipe, *(one for rows in of_files.values() for one in rows)], at
    )
    files = {
        artifact.pk: _files(inspections[artifact.pk], of_files[inspections[artifact.pk].pk], waivers)
        if artifact.pk in inspections
        else FilesEvidence()
        for artifact in runnable
    }
    return (_build(build, recipe, of_recipe, waivers) if build else None), files


def _waivers(
    subversion: Subversion, build: Build | None, images: list[Artifact], checks: list[Check], at: datetime
) -> dict[str, Grant]:
    return policies.waivers_in_force(
        {check.rule for check in checks if check.severity == Check.Severity.ERROR},
        at=at,
        version=str(subversion.version),
        source=build.source.name if build else "",
        digests=[subversion.artifact.digest, *(image.digest for image in images)],
    )


def _files(inspection: Inspection, checks: list[Check], waivers: dict[str, Grant]) -> FilesEvidence:
    return FilesEvidence(
        state=inspection.state,
        failure=inspection.failure,
        errors=_errors(checks, waivers),
        warnings=_count(checks, Check.Severity.WARNING),
        notes=_count(checks, Check.Severity.NOTE),
        profile=inspection.profile,
        files_digest=inspection.files_digest,
    )


def _build(build: Build, recipe: Recipe | None, checks: list[Check], waivers: dict[str, Grant]) -> BuildEvidence:
    submission = build.submissions.select_related("pipeline").first() if recipe is None else None
    return BuildEvidence(
        source=build.source.name,
        number=build.number,
        builder=build.source.builder,
        builder_id=build.builder_id,
        isolation=build.isolation,
        commit=recipe.commit if recipe else _commit_of(build.provenance),
        recipe_sha256=recipe.sha256 if recipe else "",
        recipe_number=recipe.number if recipe else 0,
        is_recipe_checked=recipe is None or recipe.checked_at is not None,
        is_recipe_approved=recipe.is_approved if recipe else False,
        recipe_approved_by=tuple(build.approved_by) if recipe and recipe.is_approved else (),  # type: ignore[attr-defined]
        submitted_by=submission.pipeline.subject if submission else "",
        errors=_errors(checks, waivers),
        warnings=_count(checks, Check.Severity.WARNING),
        provenance_sha256=sha256_of(build.provenance) if build.provenance else "",
        is_reproduced=_is_reproduced(build),
        key=str(build.pk),
        source_key=str(build.source_id),
        recipe_key=str(build.recipe_id or ""),
    )


def _is_reproduced(build: Build) -> bool | None:
    if build.is_made_otherwise:  # type: ignore[attr-defined]
        return False
    return True if build.is_reproduced else None  # type: ignore[attr-defined]


def _commit_of(provenance: dict[str, object]) -> str:
    definition = provenance.get("buildDefinition")
    dependencies = definition.get("resolvedDependencies") if isinstance(definition, dict) else None
    for one in dependencies if isinstance(dependencies, list) else []:
        digest = one.get("digest") if isinstance(one, dict) else None
        if isinstance(digest, dict) and digest.get("gitCommit"):
            return str(digest["gitCommit"])
    return ""


def _errors(checks: list[Check], waivers: dict[str, Grant]) -> tuple[BrokenRule, ...]:
    found = []
    for check in checks:
        if check.severity != Check.Severity.ERROR:
            continue
        waiver = waivers.get(check.rule)
        found.append(
            BrokenRule(
                rule=check.rule,
                message=check.message,
                remedy=check.remedy,
                where=check.path or (f"line {check.line}" if check.line else ""),
                waived_until=waiver.ends_at if waiver else None,
                waived_by=waiver.given_by.username if waiver and waiver.given_by else "",
                waiver_reason=waiver.reason if waiver else "",
            )
        )
    return tuple(found)


def _count(checks: list[Check], severity: Check.Severity) -> int:
    return sum(check.severity == severity for check in checks)
