"""One builder: runs the job it is given whenever that is due, until it has ended. Killed by test_builders_kills.py.

``python builder_process.py JOB_ID`` with the environment of a builder.
"""

import sys
import time
from pathlib import Path
from uuid import UUID

sys.path.insert(0, str(Path(__file__).parents[2]))

import django

django.setup()

from django.utils import timezone  # noqa: E402

from jobs.domain.state import State  # noqa: E402
from jobs.models import Job  # noqa: E402
from jobs.worker import run_job  # noqa: E402

job_id = UUID(sys.argv[1])
while Job.objects.get(pk=job_id).state in (State.QUEUED, State.RUNNING):
    if not run_job(job_id, clock=timezone.now):
        time.sleep(0.05)
