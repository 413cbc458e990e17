"""What the API takes and gives of scans, findings, feeds and schedules."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from jobs.models import Schedule
from portal.serializers import StrictSerializer
from scans.domain.scan_state import Cause, ScanState
from scans.domain.severity import Severity
from scans.domain.support import Support
from scans.models import Feed, Match

SEVERITY_WORDS = [severity.word for severity in Severity]


class ScanOutput(serializers.Serializer[Any]):
    """The newest judgement of an artifact, for this moment. Only `complete` says anything about findings."""

    digest = serializers.CharField()
    state = serializers.ChoiceField(choices=[state.value for state in ScanState])
    cause = serializers.ChoiceField(choices=[cause.value for cause in Cause], allow_blank=True)
    sentence = serializers.CharField()
    cure = serializers.CharField(allow_blank=True)
    scanned_at = serializers.DateTimeField(allow_null=True)
    feed_snapshot_at = serializers.DateTimeField(allow_null=True, help_text="Of the oldest feed that covers it.")
    feed_name = serializers.CharField(allow_blank=True)
    is_feed_frozen = serializers.BooleanField()
    support = serializers.ChoiceField(choices=[support.value for support in Support])
    support_ends_on = serializers.DateField(allow_null=True)
    os = serializers.CharField(allow_blank=True, help_text="`debian 12`; empty for an index.")
    tool = serializers.CharField(allow_blank=True)
    component_count = serializers.IntegerField(allow_null=True)
    coverage = serializers.JSONField()
    summary = serializers.JSONField()


class SourcedSeverityOutput(serializers.Serializer[Any]):
    """What one source says."""

    source = serializers.CharField()  # type: ignore[assignment]
    severity = serializers.CharField(source="severity.word")
    score = serializers.DecimalField(max_digits=3, decimal_places=1)
    cvss_version = serializers.CharField()
    vector = serializers.CharField()


class FindingOutput(serializers.Serializer[Any]):
    """One vulnerability of one installed package."""

    vulnerability_id = serializers.CharField()
    advisory_ids = serializers.ListField(child=serializers.CharField())
    summary = serializers.CharField(allow_blank=True)
    package = serializers.CharField()
    installed = serializers.CharField()
    purl = serializers.CharField()
    source = serializers.CharField(  # type: ignore[assignment]
        help_text="The package that the advisory names."
    )
    source_version = serializers.CharField()
    fixed_version = serializers.CharField(allow_blank=True, help_text="Of the source package; empty: no fix.")
    fix_since = serializers.DateTimeField(allow_null=True)
    outcome = serializers.ChoiceField(choices=Match.Outcome.choices)
    severity = serializers.ChoiceField(source="severity.word", choices=SEVERITY_WORDS)
    severities = SourcedSeverityOutput(many=True)
    is_known_exploited = serializers.BooleanField(source="is_kev")
    known_exploited_due_on = serializers.DateField(source="kev_due_on", allow_null=True)
    is_inherited = serializers.BooleanField()


class FeedOutput(serializers.Serializer[Feed]):
    """One feed and how old its contents are."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=Feed.Kind.choices)
    url = serializers.CharField(allow_blank=True)
    index_url = serializers.CharField(allow_blank=True)
    allow_private = serializers.BooleanField()
    is_enabled = serializers.BooleanField()
    is_frozen = serializers.BooleanField()
    declared_ecosystems = serializers.ListField(child=serializers.CharField())
    ecosystems = serializers.ListField(child=serializers.CharField())
    snapshot_at = serializers.DateTimeField(allow_null=True)
    snapshot_source = serializers.CharField(allow_blank=True)
    age_seconds = serializers.SerializerMethodField()
    record_count = serializers.IntegerField()
    problems = serializers.ListField(child=serializers.DictField(child=serializers.CharField()))
    state = serializers.ChoiceField(choices=Feed.State.choices)
    error_code = serializers.CharField(allow_blank=True)
    error = serializers.CharField(allow_blank=True)
    synced_at = serializers.DateTimeField(allow_null=True)
    attempted_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()

    @extend_schema_field(serializers.IntegerField(allow_null=True))
    def get_age_seconds(self, feed: Feed) -> int | None:
        return int((timezone.now() - feed.snapshot_at).total_seconds()) if feed.snapshot_at else None


class FeedInput(StrictSerializer):
    """A new feed."""

    name = serializers.CharField(max_length=100)
    kind = serializers.ChoiceField(choices=Feed.Kind.choices)
    url = serializers.CharField(max_length=1000, required=False, default="", allow_blank=True)
    index_url = serializers.CharField(max_length=1000, required=False, default="", allow_blank=True)
    allow_private = serializers.BooleanField(required=False, default=False)
    is_frozen = serializers.BooleanField(required=False, default=False)
    declared_ecosystems = serializers.ListField(
        child=serializers.CharField(max_length=100), max_length=100, required=False, default=list
    )


class FeedChange(StrictSerializer):
    """What may be changed of a feed."""

    url = serializers.CharField(max_length=1000, required=False, allow_blank=True)
    index_url = serializers.CharField(max_length=1000, required=False, allow_blank=True)
    allow_private = serializers.BooleanField(required=False)
    is_enabled = serializers.BooleanField(required=False)
    is_frozen = serializers.BooleanField(required=False)
    declared_ecosystems = serializers.ListField(
        child=serializers.CharField(max_length=100), max_length=100, required=False
    )


class JobStarted(serializers.Serializer[Any]):
    """The job that does it; follow it at its address."""

    job = serializers.UUIDField()


class ScheduleOutput(serializers.Serializer[Schedule]):
    """What is started by itself, and when."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    kind = serializers.CharField()
    is_enabled = serializers.SerializerMethodField()
    every_seconds = serializers.SerializerMethodField()
    crontab = serializers.SerializerMethodField()
    last_run_at = serializers.DateTimeField(source="timer.last_run_at", allow_null=True, default=None)

    @extend_schema_field(serializers.BooleanField())
    def get_is_enabled(self, schedule: Schedule) -> bool:
        return bool(schedule.timer and schedule.timer.enabled)

    @extend_schema_field(serializers.IntegerField(allow_null=True))
    def get_every_seconds(self, schedule: Schedule) -> int | None:
        interval = schedule.timer.interval if schedule.timer else None
        return int(interval.schedule.run_every.total_seconds()) if interval else None

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_crontab(self, schedule: Schedule) -> str | None:
        crontab = schedule.timer.crontab if schedule.timer else None
        if crontab is None:
            return None
        fields = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
        return " ".join(str(getattr(crontab, name)) for name in fields)


class ScheduleChange(StrictSerializer):
    """Another timer: an interval or a crontab of five fields (UTC), one of the two."""

    every_seconds = serializers.IntegerField(min_value=60, max_value=31 * 86400, required=False)
    crontab = serializers.CharField(max_length=200, required=False)
    is_enabled = serializers.BooleanField(required=False, default=True)
