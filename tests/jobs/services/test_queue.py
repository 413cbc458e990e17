"""Queueing, cancelling and trying again."""

import threading
import uuid

import pytest
from django.db import IntegrityError, connection, transaction

from audit.actor import Actor
from audit.models import Record
from audit.verbs import Verb
from jobs.domain.asking import Asker
from jobs.domain.state import State
from jobs.errors import JobClosed, JobMissing, JobNotCancellable, JobNotRetryable, JobOfOthers
from jobs.models import Job
from jobs.services import cancel_job, enqueue, retry_job
from tests.factories.audit import RecordFactory
from tests.factories.jobs import JobFactory
from tests.undone import undone

ADA = Asker(Actor("person", "1", "Ada"), frozenset({("person", "1"), ("token", "9")}))
ADMIN = Asker(Actor("person", "2", "Root"), may_change_all=True)
KIND = "test.work"


@pytest.fixture(autouse=True)
def _handler(handle):
    handle(KIND, limit_seconds=30, max_attempts=3)


@pytest.mark.django_db
class TestEnqueue:
    def test_writes_what_the_handler_says(self, now):
        cause = RecordFactory()
        job = enqueue(KIND, subject_id=uuid.UUID(int=1), now=now, args={"a": 1}, caused_by=cause.pk)
        job.refresh_from_db()
        assert (job.state, job.queue, job.max_attempts, job.limit_seconds) == (State.QUEUED, "default", 3, 30.0)
        assert (job.subject_id, job.args, job.caused_by) == (str(uuid.UUID(int=1)), {"a": 1}, cause)

    def test_refuses_a_kind_that_nobody_handles(self, now):
        with pytest.raises(RuntimeError, match=r"test\.unheard"):
            enqueue("test.unheard", subject_id="1", now=now)

    def test_the_same_key_is_queued_once(self, now):
        assert enqueue(KIND, subject_id="1", now=now, key="k") == enqueue(KIND, subject_id="1", now=now, key="k")

    def test_without_a_key_each_is_its_own(self, now):
        assert enqueue(KIND, subject_id="1", now=now) != enqueue(KIND, subject_id="1", now=now)

    @pytest.mark.parametrize("state", [State.RUNNING, State.SUCCEEDED, State.FAILED, State.CANCELLED])
    def test_one_that_began_already_is_no_substitute(self, now, state):
        """It may have read its input before the deed that asks now."""
        began = JobFactory(key="k", state=state)
        assert enqueue(KIND, subject_id="1", now=now, key="k") != began

    def test_the_database_refuses_a_second_queued_one(self):
        JobFactory(key="k")
        with pytest.raises(IntegrityError, match="job_one_queued_per_key"), transaction.atomic():
            JobFactory(key="k")


@pytest.mark.django_db(transaction=True)
class TestEnqueueBesideOthers:
    def test_goes_with_the_deed_that_is_undone(self, now):
        with undone():
            RecordFactory()
            enqueue(KIND, subject_id="1", now=now)
        assert not Job.objects.exists()
        assert not Record.objects.exists()

    def test_two_at_once_write_one(self, now):
        barrier = threading.Barrier(4)
        found = []

        def ask():
            try:
                barrier.wait(10)
                with transaction.atomic():
                    found.append(enqueue(KIND, subject_id="1", now=now, key="k").pk)
            finally:
                connection.close()

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == 4
        assert len(set(found)) == 1

    def test_rings_at_the_commit_and_not_before(self, now):
        listener = connection.get_new_connection(connection.get_connection_params())
        try:
            listener.autocommit = True
            listener.execute("LISTEN goldgate_jobs")
            with transaction.atomic():
                enqueue(KIND, subject_id="1", now=now)
                before = list(listener.notifies(timeout=0.2))
            after = list(listener.notifies(timeout=5, stop_after=1))
        finally:
            listener.close()
        assert (len(before), len(after)) == (0, 1)


@pytest.mark.django_db
class TestCancelJob:
    def test_ends_a_queued_one_at_once(self, now):
        job = cancel_job(job_id=JobFactory().pk, asker=ADMIN, now=now)
        assert (job.state, job.finished_at) == (State.CANCELLED, now)
        assert Record.objects.get(verb=Verb.JOB_CANCELLED).actor_name == "Root"

    def test_asks_a_running_one(self, now):
        job = cancel_job(job_id=JobFactory(state=State.RUNNING).pk, asker=ADMIN, now=now)
        assert (job.state, job.cancel_asked_at) == (State.RUNNING, now)

    @pytest.mark.parametrize("state", [State.SUCCEEDED, State.FAILED, State.CANCELLED])
    def test_refuses_an_ended_one(self, now, state):
        with pytest.raises(JobClosed):
            cancel_job(job_id=JobFactory(state=state).pk, asker=ADMIN, now=now)
        assert not Record.objects.exists()

    def test_refuses_what_carries_out_a_decision(self, now, handle):
        handle("test.withdraw", is_cancellable=False)
        job = JobFactory(kind="test.withdraw")
        with pytest.raises(JobNotCancellable):
            cancel_job(job_id=job.pk, asker=ADMIN, now=now)
        job.refresh_from_db()
        assert job.state == State.QUEUED

    def test_refuses_an_unknown_one(self, now):
        with pytest.raises(JobMissing):
            cancel_job(job_id=uuid.uuid4(), asker=ADMIN, now=now)


@pytest.mark.django_db
class TestRetryJob:
    @pytest.mark.parametrize("state", [State.FAILED, State.CANCELLED])
    def test_begins_from_the_beginning(self, now, state):
        job = JobFactory(state=state, error_code="x", error_text="y", done=3, total=4, lapses=2, attempts=5)
        job = retry_job(job_id=job.pk, asker=ADMIN, now=now)
        job.refresh_from_db()
        assert (job.state, job.run_at, job.attempts, job.lapses) == (State.QUEUED, now, 0, 0)
        assert (job.error_code, job.done, job.finished_at) == ("", None, None)
        assert Record.objects.get(verb=Verb.JOB_RETRIED).subject_id == str(job.pk)

    @pytest.mark.parametrize("state", [State.QUEUED, State.RUNNING, State.SUCCEEDED])
    def test_refuses_others(self, now, state):
        with pytest.raises(JobNotRetryable):
            retry_job(job_id=JobFactory(state=state).pk, asker=ADMIN, now=now)

    def test_refuses_while_the_same_is_queued(self, now):
        JobFactory(key="k")
        with pytest.raises(JobNotRetryable, match="already queued"):
            retry_job(job_id=JobFactory(key="k", state=State.FAILED).pk, asker=ADMIN, now=now)


def asked_by(kind, number, **fields):
    return JobFactory(caused_by=RecordFactory(actor=Actor(kind, number, "Somebody")), **fields)


@pytest.mark.django_db
class TestWhoseJob:
    @pytest.mark.parametrize(("kind", "number"), [("person", "1"), ("token", "9")])
    def test_ones_own_and_that_of_ones_tokens(self, now, kind, number):
        assert cancel_job(job_id=asked_by(kind, number).pk, asker=ADA, now=now).state == State.CANCELLED
        assert retry_job(job_id=asked_by(kind, number, state=State.FAILED).pk, asker=ADA, now=now).state == State.QUEUED

    @pytest.mark.parametrize(
        ("kind", "number"), [("person", "2"), ("token", "1"), ("system", "1"), ("gate", "1"), ("system", "worker")]
    )
    @pytest.mark.parametrize(("deed", "state"), [(cancel_job, State.QUEUED), (retry_job, State.FAILED)])
    def test_not_that_of_others_nor_a_process_of_ours(self, now, kind, number, deed, state):
        job = asked_by(kind, number, state=state)
        with pytest.raises(JobOfOthers, match="Somebody") as refused:
            deed(job_id=job.pk, asker=ADA, now=now)
        assert "platform administrator" in refused.value.cure
        job.refresh_from_db()
        assert (job.state, Record.objects.filter(verb__startswith="job.").exists()) == (state, False)

    def test_not_what_a_schedule_started(self, now):
        with pytest.raises(JobOfOthers, match="schedule"):
            cancel_job(job_id=JobFactory().pk, asker=ADA, now=now)

    def test_tried_again_by_an_administrator_it_stays_whose_it_was(self, now):
        job = asked_by("person", "1", state=State.FAILED)
        retry_job(job_id=job.pk, asker=ADMIN, now=now)
        assert cancel_job(job_id=job.pk, asker=ADA, now=now).state == State.CANCELLED


@pytest.mark.django_db
class TestConstraints:
    @pytest.mark.parametrize(
        ("fields", "constraint"),
        [
            pytest.param({"state": "odd"}, "job_(state_known|closed_has_end)", id="state"),
            pytest.param({"lease_token": uuid.UUID(int=1)}, "job_running_has_lease", id="not-running"),
            pytest.param({"state": "running", "lease_token": None}, "job_running_has_lease", id="no-lease"),
            pytest.param({"state": "failed", "finished_at": None}, "job_closed_has_end", id="closed-without-end"),
        ],
    )
    def test_refuse_what_cannot_be(self, fields, constraint):
        with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
            JobFactory(**fields)
