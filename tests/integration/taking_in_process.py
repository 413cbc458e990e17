"""One worker that takes a build in and dies at a chosen point. Started by test_taking_in_kills.py.

``python taking_in_process.py JOB_ID [POINT]``: runs the job until it has ended; with a point, kills itself there, after
the effect and before anything that follows.
"""

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any
from uuid import UUID

sys.path.insert(0, str(Path(__file__).parents[2]))

import django

django.setup()

from django.utils import timezone  # noqa: E402

from builds.services import taking_in  # noqa: E402
from catalog import services as catalog  # noqa: E402
from jobs.domain.state import State  # noqa: E402
from jobs.models import Job  # noqa: E402
from jobs.worker import run_job  # noqa: E402
from registry import services as registry  # noqa: E402
from registry.adapters.client import RegistryClient  # noqa: E402
from tests.integration.taking_in_points import POINTS  # noqa: E402

MODULES = {"registry": registry, "client": RegistryClient, "catalog": catalog, "taking_in": taking_in}


def kill_after(module: Any, name: str, wanted: int) -> None:
    """Let ``name`` of ``module`` do its work ``wanted`` times, and die."""
    real = getattr(module, name)
    calls = 0

    def deadly(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        found = real(*args, **kwargs)
        calls += 1
        if calls == wanted:
            os.kill(os.getpid(), signal.SIGKILL)
        return found

    setattr(module, name, deadly)


if len(sys.argv) > 2:
    where, name, wanted = POINTS[sys.argv[2]]
    kill_after(MODULES[where], name, wanted)
job_id = UUID(sys.argv[1])
while Job.objects.get(pk=job_id).state in (State.QUEUED, State.RUNNING):
    if not run_job(job_id, clock=timezone.now):
        time.sleep(0.05)
