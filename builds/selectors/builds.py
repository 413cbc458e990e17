"""Reads of builds: which there were, why, and what came of them."""

from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, Prefetch, QuerySet

from builds.errors import BuildMissing
from builds.models import Build, Cause, Source
from catalog import selectors as catalog
from catalog.models import Subversion


def builds() -> QuerySet[Build]:
    """Every build with its source, recipe, candidate and causes, newest first. Two queries."""
    loaded = Build.objects.select_related(
        "source__version__image", "source__owner", "recipe__author", "asked_by", "artifact", "publication",
        "subversion__version__image", "reproduces__source",
    ).defer("recipe__dockerfile", "recipe__files", "provenance")  # fmt: skip
    reasons = Prefetch("causes", Cause.objects.order_by("at", "id"))
    return loaded.prefetch_related(reasons).order_by("-asked_at", "-id")


def build_by_id(build_id: UUID | str) -> Build:
    """Raises BuildMissing."""
    found = builds().defer(None).defer("recipe__files").filter(pk=build_id).first()
    if found is None:
        raise BuildMissing("There is no such build.", cure="See the builds of its source.")
    return found


def builds_of(source: Source) -> QuerySet[Build]:
    """The builds of a source, newest first."""
    return builds().filter(source=source)


def failing_builds() -> QuerySet[Build]:
    """The newest renewal of each source, where it failed or was stopped."""
    newer = Build.objects.filter(
        source=OuterRef("source"), purpose=Build.Purpose.RENEWAL, number__gt=OuterRef("number")
    )
    return builds().filter(
        ~Exists(newer), purpose=Build.Purpose.RENEWAL, state__in=(Build.State.FAILED, Build.State.STOPPED)
    )


def reproductions_of(build: Build) -> list[Build]:
    """Second builds of the same recipe, newest first."""
    return list(Build.objects.filter(reproduces=build).order_by("-asked_at", "-id"))


def held_causes(source: Source) -> QuerySet[Cause]:
    """What was held back by the breaker or a pause and joined no build yet, newest first."""
    return Cause.objects.filter(source=source, build=None).order_by("-at", "-id")


def compared_with(source: Source, at: datetime) -> list[Subversion]:
    """What a new build is compared with: what is certified of its version now, and the source's latest candidate."""
    certified = catalog.current_certified(str(source.version), at)
    latest = builds_of(source).filter(subversion__isnull=False).first()
    found = [certified] if certified else []
    if latest is not None and latest.subversion is not None and latest.subversion not in found:
        found.append(latest.subversion)
    return found


def open_candidates(source: Source) -> list[Subversion]:
    """What the source built that is still a candidate, newest first."""
    rows = Subversion.objects.filter(builds__source=source, certified_from=None, rejected_at=None, revoked_at=None)
    return list(rows.select_related("version__image", "artifact").distinct().order_by("-created_at", "-pk"))
