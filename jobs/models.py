"""One job: a row that is the queue, the lease, the progress and the outcome."""

import uuid6
from django.db import models
from django.db.models import Q

from jobs.domain.state import CLOSED, OPEN, State


class Job(models.Model):
    """Work that follows from a deed. Written in the deed's transaction; done once, whatever dies."""

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    kind = models.CharField(max_length=64)
    queue = models.CharField(max_length=32)
    subject_id = models.CharField(max_length=200)
    args = models.JSONField(default=dict)
    key = models.CharField(max_length=300, blank=True)  # "" = never the same as another
    state = models.CharField(max_length=16, default=State.QUEUED)
    attempts = models.PositiveIntegerField(default=0)  # times begun
    lapses = models.PositiveIntegerField(default=0)  # of these, times that the worker vanished
    max_attempts = models.PositiveIntegerField()
    limit_seconds = models.FloatField()  # how long one attempt may take
    run_at = models.DateTimeField()  # not before
    lease_token = models.UUIDField(null=True, blank=True)  # who may write the outcome
    lease_until = models.DateTimeField(null=True, blank=True)
    leased_by = models.CharField(max_length=200, blank=True)
    rung_at = models.DateTimeField(null=True, blank=True)  # when Celery was last told of it
    cancel_asked_at = models.DateTimeField(null=True, blank=True)
    done = models.BigIntegerField(null=True, blank=True)
    total = models.BigIntegerField(null=True, blank=True)
    unit = models.CharField(max_length=32, blank=True)
    text = models.CharField(max_length=500, blank=True)
    error_code = models.CharField(max_length=64, blank=True)
    error_text = models.TextField(blank=True)
    caused_by = models.ForeignKey(
        "audit.Record", null=True, blank=True, on_delete=models.PROTECT, related_name="caused_jobs"
    )
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(name="job_state_known", condition=Q(state__in=[state.value for state in State])),
            models.CheckConstraint(
                name="job_running_has_lease",
                condition=Q(state=State.RUNNING, lease_token__isnull=False, lease_until__isnull=False)
                | (~Q(state=State.RUNNING) & Q(lease_token__isnull=True, lease_until__isnull=True)),
            ),
            models.CheckConstraint(
                name="job_closed_has_end",
                condition=Q(state__in=[state.value for state in CLOSED], finished_at__isnull=False)
                | Q(state__in=[state.value for state in OPEN], finished_at__isnull=True),
            ),
            # Of the queued ones only: what runs may have read its input before the newest deed.
            models.UniqueConstraint(
                name="job_one_queued_per_key", fields=["key"], condition=~Q(key="") & Q(state=State.QUEUED)
            ),
        ]
        indexes = [
            models.Index(fields=["key"], name="job_running_key", condition=~Q(key="") & Q(state=State.RUNNING)),
            models.Index(fields=["run_at", "id"], name="job_queued", condition=Q(state=State.QUEUED)),
            models.Index(fields=["lease_until", "id"], name="job_running", condition=Q(state=State.RUNNING)),
            models.Index(fields=["subject_id", "-created_at"], name="job_by_subject"),
            models.Index(fields=["-created_at", "-id"], name="job_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject_id}"

    @property
    def is_open(self) -> bool:
        """Whether it may still have an effect."""
        return self.state in OPEN

    @property
    def asked_by(self) -> tuple[str, str] | None:
        """Kind and id of the actor whose deed caused it; None for a schedule's and what another job left to do."""
        return (self.caused_by.actor_kind, self.caused_by.actor_id) if self.caused_by else None


class Schedule(models.Model):
    """What a timer of django-celery-beat starts: one job kind with its arguments."""

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    name = models.CharField(max_length=200, unique=True)
    kind = models.CharField(max_length=64)
    subject_id = models.CharField(max_length=200, blank=True)
    args = models.JSONField(default=dict)
    timer = models.OneToOneField(
        "django_celery_beat.PeriodicTask", null=True, on_delete=models.SET_NULL, related_name="goldgate_schedule"
    )

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
