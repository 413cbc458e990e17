"""Reads of trusted pipelines and of what they submitted."""

from django.db.models import QuerySet

from builds.models import Source, Submission, TrustedPipeline


def pipelines_of(source: Source) -> QuerySet[TrustedPipeline]:
    """The pipelines that a source trusts or trusted, newest first."""
    return source.pipelines.select_related("created_by").defer("jwks", "ca_pem").order_by("-created_at", "-id")


def submissions_of(source: Source) -> QuerySet[Submission]:
    """What pipelines submitted to a source, newest first."""
    found = Submission.objects.filter(build__source=source).select_related("pipeline", "build__artifact")
    return found.order_by("-at", "-id")
