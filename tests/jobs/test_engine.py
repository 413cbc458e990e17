import pytest

from jobs.domain.state import State
from jobs.handlers import _handlers, handler
from jobs.services import enqueue
from tests.jobs.support import run_due_jobs


@pytest.mark.django_db
class TestRun:
    def test_runs_once(self, now):
        seen = []

        @handler("test.echo")
        def echo(run):
            run.progress(done=1, total=1, unit="things", text="done")
            seen.append(run.subject_id)

        enqueue("test.echo", subject_id="7", now=now)
        jobs = run_due_jobs()
        del _handlers["test.echo"]
        assert seen == ["7"]
        assert jobs[0].state == State.SUCCEEDED
