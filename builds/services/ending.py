"""The end of a build that brought nothing: failed, or stopped; with its reason, whatever step it was at."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from audit.services import record
from audit.verbs import Verb
from builds.models import Build
from builds.services.causes import WORKER, subject_of


@transaction.atomic
def end_build(
    *, build_id: UUID | str, state: Build.State, code: str, failure: str, now: datetime, failed_line: int | None = None
) -> Build:
    """End a build that still goes on as failed or stopped, and say why; one that ended stays as it is."""
    build = Build.objects.select_for_update(of=("self",)).select_related("source").get(pk=build_id)
    if not build.is_open:
        return build
    build.state, build.failure_code, build.failure = state, code[:64], failure or "It ended without a word."
    build.failed_line, build.finished_at = failed_line, now
    build.save(update_fields=["state", "failure_code", "failure", "failed_line", "finished_at"])
    verb = Verb.BUILD_STOPPED if state == Build.State.STOPPED else Verb.BUILD_FAILED
    data = {"code": build.failure_code, "failure": build.failure[:4000]}
    record(verb, actor=WORKER, subject=subject_of(build), at=now, data=data)
    return build
