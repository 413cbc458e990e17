"""Who asks about a job, as the services take it."""

from datetime import datetime
from typing import cast

from django.conf import settings
from django.utils.module_loading import import_string
from rest_framework.request import Request

from jobs.domain.asking import Asker


def asker_of(request: Request, at: datetime) -> Asker:
    """The caller with everything that is theirs. Jobs stand below the room that has people: a setting names it."""
    return cast(Asker, import_string(settings.GOLDGATE_JOB_ASKER)(request.user, request.auth, at))
