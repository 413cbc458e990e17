"""What a job looks like in answers."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from jobs.models import Job


class ProgressOutput(serializers.Serializer[Any]):
    """How far a job is; ``total`` is null while nobody knows it."""

    done = serializers.IntegerField(allow_null=True)
    total = serializers.IntegerField(allow_null=True)
    unit = serializers.CharField()
    text = serializers.CharField()


class JobErrorOutput(serializers.Serializer[Any]):
    """Why it failed, or why its last attempt did."""

    code = serializers.CharField(source="error_code")
    text = serializers.CharField(source="error_text")


class JobOutput(serializers.ModelSerializer[Job]):
    """One job. ``error`` on a queued one is what its last attempt ended with; it is tried again at ``run_at``."""

    progress = ProgressOutput(source="*")
    error = serializers.SerializerMethodField()
    caused_by = serializers.IntegerField(source="caused_by_id", allow_null=True)

    class Meta:
        model = Job
        fields = [
            "id",
            "kind",
            "queue",
            "subject_id",
            "state",
            "progress",
            "error",
            "attempts",
            "max_attempts",
            "run_at",
            "cancel_asked_at",
            "caused_by",
            "created_at",
            "started_at",
            "finished_at",
        ]

    @extend_schema_field(JobErrorOutput(allow_null=True))
    def get_error(self, job: Job) -> JobErrorOutput | None:
        return JobErrorOutput(job).data if job.error_code else None  # type: ignore[return-value]
