"""Writes of schedules: which timer starts which job. The timers are django-celery-beat's, edited in the page."""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from audit.actor import Actor, Subject
from audit.services import record
from audit.verbs import Verb
from jobs.domain.state import State
from jobs.errors import ScheduleMalformed, ScheduleMissing
from jobs.handlers import handler_of
from jobs.models import Job, Schedule
from jobs.services.queue import enqueue

DUE_TASK = "jobs.due"
CRONTAB_FIELDS = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")


@transaction.atomic
def ensure_schedule(
    name: str,
    kind: str,
    *,
    every_seconds: int | None = None,
    crontab: str | None = None,
    args: dict[str, Any] | None = None,
    subject_id: str | UUID = "",
) -> Schedule:
    """The schedule called ``name``, made if it is not there: an interval, or a crontab of five fields (UTC).

    One that exists keeps the timer that a person may have edited; only what it starts is brought up to date.
    Raises RuntimeError for a kind without handler, ScheduleMalformed for a timer that says nothing or too much.
    """
    if handler_of(kind) is None:
        raise RuntimeError(f"no room handles the job kind {kind!r}")
    schedule, _ = Schedule.objects.update_or_create(
        name=name, defaults={"kind": kind, "args": args or {}, "subject_id": str(subject_id)}
    )
    if schedule.timer is None:
        schedule.timer = PeriodicTask.objects.create(
            name=name, task=DUE_TASK, args=json.dumps([str(schedule.pk)]), **_timer(every_seconds, crontab)
        )
        schedule.save(update_fields=["timer"])
    return schedule


@transaction.atomic
def change_schedule(
    *,
    schedule_id: UUID,
    actor: Actor,
    now: datetime,
    every_seconds: int | None = None,
    crontab: str | None = None,
    is_enabled: bool = True,
) -> Schedule:
    """Another timer for a schedule, or none for now. Raises ScheduleMissing, ScheduleMalformed."""
    schedule = Schedule.objects.select_for_update().filter(pk=schedule_id).first()
    if schedule is None:
        raise ScheduleMissing(f"There is no schedule {schedule_id}.")
    timer = schedule.timer or PeriodicTask(name=schedule.name, task=DUE_TASK, args=json.dumps([str(schedule.pk)]))
    timer.interval = timer.crontab = None
    for name, value in _timer(every_seconds, crontab).items():
        setattr(timer, name, value)
    timer.enabled = is_enabled
    timer.save()
    schedule.timer = timer
    schedule.save(update_fields=["timer"])
    record(
        Verb.SCHEDULE_CHANGED,
        actor=actor,
        subject=Subject("schedule", str(schedule.pk), schedule.name),
        at=now,
        data={"kind": schedule.kind, "timer": str(timer.schedule), "is_enabled": is_enabled},
    )
    return schedule


@transaction.atomic
def enqueue_due(*, schedule_id: UUID, now: datetime) -> Job:
    """Write the job that a timer is for; while its last one is open, that one. Raises ScheduleMissing."""
    schedule = Schedule.objects.filter(pk=schedule_id).first()
    if schedule is None:
        raise ScheduleMissing(f"There is no schedule {schedule_id}.")
    key = f"schedule:{schedule.pk}"
    if running := Job.objects.filter(key=key, state=State.RUNNING).first():
        return running  # the next tick of the timer comes anyway
    return enqueue(schedule.kind, subject_id=schedule.subject_id, now=now, args=schedule.args, key=key)


def _timer(every_seconds: int | None, crontab: str | None) -> dict[str, Any]:
    if (every_seconds is None) == (crontab is None):
        raise ScheduleMalformed("A schedule has either an interval or a crontab.")
    if every_seconds is not None:
        if every_seconds < 1:
            raise ScheduleMalformed("The interval must be at least one second.")
        # Not get_or_create: the table has no unique constraint, and may hold doubles already.
        same = {"every": every_seconds, "period": IntervalSchedule.SECONDS}
        interval = IntervalSchedule.objects.filter(**same).first() or IntervalSchedule.objects.create(**same)
        return {"interval": interval}
    fields = dict(zip(CRONTAB_FIELDS, (crontab or "").split(), strict=False))
    if len((crontab or "").split()) != len(CRONTAB_FIELDS):
        raise ScheduleMalformed(f"{crontab!r} is not a crontab: minute, hour, day, month, day of the week.")
    return {"crontab": _crontab(fields)}


def _crontab(fields: dict[str, str]) -> CrontabSchedule:
    same = {**fields, "timezone": "UTC"}
    found = CrontabSchedule.objects.filter(**same).first()
    if found is None:
        found = CrontabSchedule(**same)
        try:
            _ = found.schedule  # parses the five fields
        except ValueError as error:
            raise ScheduleMalformed(f"The crontab cannot be read: {error}") from error
        found.save()
    return found
