"""Answers to long work: 202, and where to follow it."""

from uuid import UUID

from rest_framework.response import Response

from jobs.selectors import jobs

POLL_SECONDS = 1


def started(kind: str, subject_id: UUID | str) -> Response:
    """The newest job of ``kind`` for a subject, which the deed just wrote (or found open)."""
    job = jobs(kind=kind, subject_id=str(subject_id)).first()
    if job is None:
        raise RuntimeError(f"no job of kind {kind} follows from the deed: portal/pipeline.py must name one")
    headers = {"Location": f"/api/v1/jobs/{job.pk}", "Retry-After": str(POLL_SECONDS)}
    return Response({"job": job.pk}, status=202, headers=headers)
