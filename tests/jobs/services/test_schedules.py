import json
import uuid

import pytest
from django_celery_beat.models import PeriodicTask

from audit.actor import Actor
from audit.models import Record
from audit.verbs import Verb
from jobs.domain.state import State
from jobs.errors import ScheduleMalformed, ScheduleMissing
from jobs.models import Job, Schedule
from jobs.services import change_schedule, enqueue_due, ensure_schedule
from tests.factories.jobs import JobFactory

pytestmark = pytest.mark.django_db
ADA = Actor("person", "1", "Ada")
KIND = "test.work"


@pytest.fixture(autouse=True)
def _handler(handle):
    handle(KIND)


class TestEnsureSchedule:
    def test_makes_a_timer_that_sends_our_id(self):
        schedule = ensure_schedule("Sync feeds", KIND, every_seconds=3600, args={"a": 1})
        timer = PeriodicTask.objects.get()
        assert (timer.name, timer.task, json.loads(timer.args)) == ("Sync feeds", "jobs.due", [str(schedule.pk)])
        assert timer.schedule.run_every.total_seconds() == 3600

    def test_a_crontab(self):
        ensure_schedule("Nightly", KIND, crontab="30 2 * * *")
        timer = PeriodicTask.objects.get()
        assert (timer.crontab.hour, timer.crontab.minute, str(timer.crontab.timezone)) == ("2", "30", "UTC")

    def test_keeps_what_a_person_set(self, now):
        schedule = ensure_schedule("Sync feeds", KIND, every_seconds=3600)
        change_schedule(schedule_id=schedule.pk, every_seconds=60, actor=ADA, now=now)
        ensure_schedule("Sync feeds", KIND, every_seconds=3600, args={"new": 1})
        assert PeriodicTask.objects.get().interval.every == 60
        assert Schedule.objects.get().args == {"new": 1}

    @pytest.mark.parametrize(
        "timer",
        [
            pytest.param({}, id="none"),
            pytest.param({"every_seconds": 60, "crontab": "* * * * *"}, id="both"),
            pytest.param({"every_seconds": 0}, id="zero"),
            pytest.param({"crontab": "* * *"}, id="three-fields"),
            pytest.param({"crontab": "* * * * * *"}, id="six-fields"),
            pytest.param({"crontab": "61 * * * *"}, id="minute-61"),
            pytest.param({"crontab": "x * * * *"}, id="word"),
        ],
    )
    def test_refuses_what_is_no_timer(self, timer):
        with pytest.raises(ScheduleMalformed):
            ensure_schedule("Sync feeds", KIND, **timer)

    def test_refuses_a_kind_that_nobody_handles(self):
        with pytest.raises(RuntimeError, match=r"test\.unheard"):
            ensure_schedule("Sync feeds", "test.unheard", every_seconds=60)


class TestChangeSchedule:
    def test_is_recorded(self, now):
        schedule = ensure_schedule("Sync feeds", KIND, every_seconds=3600)
        change_schedule(schedule_id=schedule.pk, crontab="0 5 * * 1", is_enabled=False, actor=ADA, now=now)
        timer = PeriodicTask.objects.get()
        assert (timer.enabled, timer.interval, timer.crontab.hour) == (False, None, "5")
        assert Record.objects.get(verb=Verb.SCHEDULE_CHANGED).data["is_enabled"] is False

    def test_refuses_an_unknown_one(self, now):
        with pytest.raises(ScheduleMissing):
            change_schedule(schedule_id=uuid.uuid4(), every_seconds=60, actor=ADA, now=now)


class TestEnqueueDue:
    def test_writes_the_job(self, now):
        schedule = ensure_schedule("Sync feeds", KIND, every_seconds=60, args={"a": 1}, subject_id="5")
        job = enqueue_due(schedule_id=schedule.pk, now=now)
        assert (job.kind, job.subject_id, job.args, job.run_at) == (KIND, "5", {"a": 1}, now)

    @pytest.mark.parametrize("state", [State.QUEUED, State.RUNNING])
    def test_does_not_pile_up_behind_a_slow_one(self, now, state):
        schedule = ensure_schedule("Sync feeds", KIND, every_seconds=60)
        open_one = JobFactory(key=f"schedule:{schedule.pk}", state=state)
        assert enqueue_due(schedule_id=schedule.pk, now=now) == open_one
        assert Job.objects.count() == 1

    def test_refuses_an_unknown_one(self, now):
        with pytest.raises(ScheduleMissing):
            enqueue_due(schedule_id=uuid.uuid4(), now=now)
