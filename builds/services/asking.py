"""Builds that people ask for, and the way from a build that was asked for to the builder's queue."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.models import Person
from audit.actor import Actor
from audit.services import record
from audit.verbs import Verb
from builds.domain import breaker
from builds.errors import BuildsTooOften, BuiltElsewhere, NothingToReproduce, SourcePaused
from builds.models import Build, Cause, Recipe, Source
from builds.selectors.builds import build_by_id
from builds.services import causes
from builds.services.base_layers import fetch_bases
from builds.services.sources import fetch_source
from jobs.services import enqueue

Report = Callable[..., None]


@transaction.atomic
def ask_build(*, source: Source, by: Person, now: datetime, actor: Actor | None = None) -> Build:
    """Start a build because a person wants it; the one that waits already, where there is one.

    A breaker that was tripped by another reason holds back nothing here.
    Raises: BuiltElsewhere; SourcePaused; BuildsTooOften.
    """
    source = causes.locked_source(source)
    _require_startable(source)
    waiting = causes.waiting_build(source)
    earlier = causes.builds_for(source, Cause.Reason.BY_HAND, now)
    if waiting is None and breaker.is_tripped(earlier, now):
        raise BuildsTooOften(
            f"{source} was started by hand {len(earlier)} times within 24 hours.",
            cure=f"Look at the last log; it can be started again from {breaker.free_at(earlier, now):%Y-%m-%d %H:%M}.",
        )
    cause = causes.note_cause(
        source=source,
        reason=Cause.Reason.BY_HAND,
        key=f"{by.pk} {now.isoformat()}",
        detail={"by": by.username},
        now=now,
        actor=actor or by.as_actor(),
    )
    build = cause.build
    if build is None:
        raise RuntimeError("a build by hand was held, and nothing above said why")
    if build.asked_by_id is None:
        build.asked_by = by
        build.save(update_fields=["asked_by"])
    return build


@transaction.atomic
def ask_reproduction(*, build: Build, by: Person, now: datetime, actor: Actor | None = None) -> Build:
    """Build the same recipe a second time, to compare; the open one, where one was asked for already.

    Raises: NothingToReproduce; BuiltElsewhere; BuildsTooOften.
    """
    source = causes.locked_source(build.source)
    build = build_by_id(build.pk)
    if source.builder == Source.Builder.EXTERNAL:
        raise BuiltElsewhere(f"{source} is built by a pipeline elsewhere.", cure="Reproduce it there.")
    if build.purpose != Build.Purpose.RENEWAL or build.state != Build.State.SUCCEEDED or build.recipe is None:
        raise NothingToReproduce(f"{build} left no candidate to compare with.", cure="Choose one that succeeded.")
    again = list(build.reproductions.order_by("asked_at"))
    if found := next((one for one in again if one.is_open), None):
        return found
    if breaker.is_tripped([one.asked_at for one in again], now):
        raise BuildsTooOften(f"{build} was built again {len(again)} times already.", cure="Read what these say.")
    second = causes.new_build(
        source,
        now=now,
        purpose=Build.Purpose.REPRODUCTION,
        reproduces=build,
        recipe=build.recipe,
        is_reviewed=build.recipe.is_approved,
        asked_by=by,
    )
    record(
        Verb.BUILD_ASKED,
        actor=actor or by.as_actor(),
        subject=causes.subject_of(second),
        at=now,
        data={"purpose": second.purpose, "reproduces": str(build.pk)},
    )
    return second


def begin_build(*, build_id: UUID | str, now: datetime, progress: Report) -> Build:
    """Fetch the build's source, give it the recipe that its ref names now, and hand it to the builder's queue.

    Again, after any death: a build that went on is left alone. Raises BuildMissing, and what fetching raises.
    """
    build = build_by_id(build_id)
    if build.state != Build.State.ASKED:
        return build
    recipe = build.recipe or fetch_source(build.source_id, now=now, progress=progress)
    fetch_bases(recipe, progress=progress)
    return _hand_over(build.pk, recipe, now=now)


@transaction.atomic
def _hand_over(build_id: UUID, recipe: Recipe, *, now: datetime) -> Build:
    build = Build.objects.select_for_update(of=("self",)).select_related("source").get(pk=build_id)
    if build.state == Build.State.ASKED:
        build.recipe, build.is_reviewed = recipe, recipe.is_approved
        build.save(update_fields=["recipe", "is_reviewed"])
        enqueue("builds.run", subject_id=build.pk, now=now, key=f"builds.run:{build.pk}")
    return build


def _require_startable(source: Source) -> None:
    if source.builder == Source.Builder.EXTERNAL:
        raise BuiltElsewhere(f"{source} is built by a pipeline elsewhere.", cure="Start that pipeline.")
    if source.is_paused:
        raise SourcePaused(f"{source} is paused.", cure="Resume it first.")
