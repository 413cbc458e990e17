"""One job from lease to outcome, through the code that workers run."""

from datetime import timedelta
from typing import ClassVar

import pytest
from django.db import OperationalError, transaction

from audit.actor import Actor
from audit.models import Record
from audit.verbs import Verb
from core.errors import GoldgateError, Kind
from jobs import leases
from jobs.domain.asking import Asker
from jobs.domain.state import State
from jobs.errors import LeaseLost, TimeLimitReached
from jobs.handlers import handler
from jobs.models import Job
from jobs.services import cancel_job, enqueue
from jobs.worker import run_job
from tests.factories.jobs import JobFactory
from tests.jobs.support import run_due_jobs

KIND = "test.work"


class RegistryAway(GoldgateError):
    """An outside part that does not answer."""

    code: ClassVar[str] = "registry_away"
    kind: ClassVar[Kind] = Kind.UNAVAILABLE


class RegistryBusy(RegistryAway):
    retry_after_seconds = 100.0


class TagMissing(GoldgateError):
    """A name for nothing."""

    code: ClassVar[str] = "tag_missing"
    kind: ClassVar[Kind] = Kind.MISSING


def raising(error: Exception):
    def function(run):
        raise error

    return function


def run_one(now, **fields) -> Job:
    job = JobFactory(**fields)
    run_job(job.pk, clock=lambda: now, is_renewed=False)
    job.refresh_from_db()
    return job


@pytest.mark.django_db
class TestOutcome:
    def test_success(self, now, handle):
        seen = []
        handle(KIND, lambda run: seen.append((run.subject_id, run.args, run.attempt, run.now())))
        job = run_one(now, args={"a": 1})
        assert seen == [("7", {"a": 1}, 1, now)]
        assert (job.state, job.attempts, job.finished_at, job.lease_token) == (State.SUCCEEDED, 1, now, None)

    @pytest.mark.parametrize(
        ("error", "code", "text"),
        [
            pytest.param(TagMissing("No tag 13.", cure="Name one."), "tag_missing", "No tag 13. Name one.", id="ours"),
            pytest.param(KeyError("digest"), "unexpected", "KeyError: 'digest'", id="bug"),
            pytest.param(RegistryAway("It is away."), "registry_away", "It is away.", id="not-named-here"),
            pytest.param(TimeLimitReached(), "time_limit", "It took longer than 60 s.", id="limit"),
        ],
    )  # fmt: skip
    def test_what_is_not_named_fails_at_once(self, now, handle, error, code, text):
        handle(KIND, raising(error))
        job = run_one(now)
        assert (job.state, job.error_code, job.error_text, job.attempts) == (State.FAILED, code, text, 1)
        assert Record.objects.get(verb=Verb.JOB_FAILED).data["code"] == code

    def test_what_is_named_is_tried_later(self, now, handle):
        handle(KIND, raising(RegistryAway("It is away.")), retry_on=(RegistryAway,))
        job = run_one(now)
        assert (job.state, job.error_code, job.lease_token) == (State.QUEUED, "registry_away", None)
        assert timedelta(seconds=1) <= job.run_at - now <= timedelta(seconds=2)
        assert not Record.objects.exists()

    def test_as_late_as_the_other_side_asks(self, now, handle):
        handle(KIND, raising(RegistryBusy("Busy.")), retry_on=(RegistryAway,))
        assert run_one(now).run_at == now + timedelta(seconds=100)

    def test_until_its_tries_are_used_up(self, now, handle):
        handle(KIND, raising(RegistryAway("It is away.")), retry_on=(RegistryAway,))
        job = run_one(now, attempts=2, max_attempts=3)
        assert (job.state, job.error_code) == (State.FAILED, "registry_away")
        assert job.error_text == "It is away. (after 3 tries)"

    @pytest.mark.django_db(transaction=True)
    def test_a_database_that_went_away_is_worth_another_try_for_every_kind(self, now, handle):
        handle(KIND, raising(OperationalError("server closed the connection")))
        assert run_one(now).state == State.QUEUED

    def test_a_kind_that_lost_its_handler_fails(self, now):
        job = run_one(now, kind="test.gone")
        assert (job.state, job.error_code) == (State.FAILED, "no_handler")

    def test_cancel_is_seen_at_the_next_check(self, now, handle):
        after = []

        def work(run):
            cancel_job(job_id=run.job_id, asker=Asker(Actor.system("t"), may_change_all=True), now=now)
            run.check()
            after.append(1)

        handle(KIND, work)
        assert run_one(now).state == State.CANCELLED
        assert after == []

    def test_a_cancel_that_comes_too_late_changes_nothing(self, now, handle):
        handle(
            KIND,
            lambda run: cancel_job(job_id=run.job_id, asker=Asker(Actor.system("t"), may_change_all=True), now=now),
        )
        assert run_one(now).state == State.SUCCEEDED

    def test_a_cancelled_one_is_not_tried_later(self, now, handle):
        def work(run):
            cancel_job(job_id=run.job_id, asker=Asker(Actor.system("t"), may_change_all=True), now=now)
            raise RegistryAway("It is away.")

        handle(KIND, work, retry_on=(RegistryAway,))
        assert run_one(now).state == State.CANCELLED

    def test_a_later_job_of_the_same_key_takes_over_from_one_that_would_be_tried_again(self, now, handle):
        def work(run):
            enqueue(KIND, subject_id="7", now=now, key="k")
            raise RegistryAway("It is away.")

        handle(KIND, work, retry_on=(RegistryAway,))
        job = run_one(now, key="k")
        assert (job.state, job.error_code) == (State.CANCELLED, "superseded")
        assert Job.objects.filter(key="k", state=State.QUEUED).count() == 1


@pytest.mark.django_db
class TestTake:
    def take(self, job, now):
        return leases.take(job.pk, seconds=60, worker="w", now=now)

    def test_only_when_due(self, now):
        later = JobFactory(run_at=now + timedelta(microseconds=1))
        assert self.take(later, now) is None
        assert self.take(JobFactory(run_at=now), now) is not None

    @pytest.mark.parametrize("state", [State.SUCCEEDED, State.FAILED, State.CANCELLED])
    def test_not_an_ended_one(self, now, state):
        assert self.take(JobFactory(state=state), now) is None

    def test_not_while_its_lease_holds(self, now):
        job = JobFactory(state=State.RUNNING, lease_until=now + timedelta(microseconds=1))
        assert self.take(job, now) is None
        _, taken = self.take(job, now + timedelta(seconds=1))
        assert (taken.attempts, taken.lapses, taken.lease_until) == (2, 1, now + timedelta(seconds=61))

    def test_gives_up_on_what_kills_its_workers(self, now):
        job = JobFactory(state=State.RUNNING, lease_until=now, lapses=leases.MAX_LAPSES)
        assert self.take(job, now) is None
        job.refresh_from_db()
        assert (job.state, job.error_code) == (State.FAILED, "abandoned")

    def test_a_cancelled_one_whose_worker_vanished_ends(self, now):
        job = JobFactory(state=State.RUNNING, lease_until=now, cancel_asked_at=now)
        assert self.take(job, now) is None
        job.refresh_from_db()
        assert job.state == State.CANCELLED

    def test_not_beside_one_of_the_same_key(self, now):
        running = JobFactory(state=State.RUNNING, key="k", lease_until=now + timedelta(seconds=60))
        waiting = JobFactory(key="k")
        assert self.take(waiting, now) is None
        Job.objects.filter(pk=running.pk).update(
            state=State.SUCCEEDED, lease_token=None, lease_until=None, finished_at=now
        )
        assert self.take(waiting, now) is not None


@pytest.mark.django_db
class TestLeaseLost:
    @pytest.fixture
    def lost(self, now):
        """A lease whose job another worker has taken since; and that job."""
        job = JobFactory()
        lease, _ = leases.take(job.pk, seconds=60, worker="slow", now=now)
        later = now + timedelta(seconds=61)
        leases.take(job.pk, seconds=60, worker="quick", now=later)
        return lease, job, later

    @pytest.mark.parametrize(
        "write",
        [
            pytest.param(lambda lease, at: leases.succeed(lease, now=at), id="succeed"),
            pytest.param(lambda lease, at: leases.fail(lease, code="c", text="t", now=at), id="fail"),
            pytest.param(lambda lease, at: leases.cancel(lease, now=at), id="cancel"),
            pytest.param(
                lambda lease, at: leases.try_later(lease, code="c", text="t", delay_seconds=1, now=at), id="later"
            ),
        ],
    )  # fmt: skip
    def test_the_loser_writes_no_outcome(self, lost, write):
        lease, job, later = lost
        with pytest.raises(LeaseLost):
            write(lease, later)
        job.refresh_from_db()
        assert (job.state, job.leased_by) == (State.RUNNING, "quick")
        assert not Record.objects.exists()

    def test_nor_progress_nor_renewal(self, lost):
        lease, job, later = lost
        assert not leases.write_progress(lease, done=1, total=2, unit="", text=None)
        assert leases.renew(lease, now=later) is leases.Standing.LOST
        job.refresh_from_db()
        assert job.done is None

    @pytest.mark.parametrize("block", ["fence", "finishing"])
    def test_the_losers_effect_is_undone(self, now, handle, block):
        def work(run):
            if run.attempt == 1:
                run_job(run.job_id, clock=lambda: now + timedelta(hours=1), is_renewed=False)
            with getattr(run, block)():
                JobFactory(kind="test.effect", subject_id=str(run.attempt))

        handle(KIND, work)
        job = run_one(now)
        assert list(Job.objects.filter(kind="test.effect").values_list("subject_id", flat=True)) == ["2"]
        assert job.state == State.SUCCEEDED


@pytest.mark.django_db
class TestProgress:
    def test_is_written_and_the_last_always(self, now, handle):
        def work(run):
            for done in range(1, 101):
                run.progress(done=done, total=100, unit="layers", text=f"layer {done}")

        handle(KIND, work)
        job = run_one(now)
        assert (job.done, job.total, job.unit, job.text) == (100, 100, "layers", "layer 100")

    def test_a_long_text_is_cut(self, now, handle):
        handle(KIND, lambda run: run.progress(text="x" * 900))
        assert len(run_one(now).text) == 500

    def test_over_the_limit_it_ends_the_run(self, now, handle):
        handle(KIND, lambda run: run.check())
        job = run_one(now, limit_seconds=0)
        assert (job.state, job.error_code) == (State.FAILED, "time_limit")


@pytest.mark.django_db
class TestRunDueJobs:
    def test_runs_what_follows_too(self, now, handle):
        handle("test.second")
        handle(KIND, lambda run: enqueue("test.second", subject_id="2", now=run.now()))
        enqueue(KIND, subject_id="1", now=now)
        assert [(job.kind, job.state) for job in run_due_jobs()] == [
            (KIND, State.SUCCEEDED),
            ("test.second", State.SUCCEEDED),
        ]

    def test_leaves_what_waits(self, now, handle):
        handle(KIND, raising(RegistryAway("away")), retry_on=(RegistryAway,))
        enqueue(KIND, subject_id="1", now=now)
        assert [job.state for job in run_due_jobs()] == [State.QUEUED]

    def test_leaves_other_queues(self, now, handle):
        handle(KIND, queue="signing")
        enqueue(KIND, subject_id="1", now=now)
        assert run_due_jobs(queues=["default"]) == []


class TestHandler:
    def test_refuses_an_unknown_queue(self, handle):
        with pytest.raises(ValueError, match="fast"):
            handle(KIND, queue="fast")

    def test_refuses_to_retry_everything(self, handle):
        with pytest.raises(ValueError, match="must name"):
            handle(KIND, retry_on=(Exception,))

    def test_refuses_two_for_one_kind(self, handle):
        handle(KIND)

        def other(run):
            return None

        with pytest.raises(ValueError, match="handler already"):
            handler(KIND)(other)


@pytest.mark.django_db(transaction=True)
class TestAtomic:
    def test_a_failed_job_and_its_record_are_one_commit(self, now, handle, monkeypatch):
        handle(KIND, raising(KeyError("x")))
        job = JobFactory()

        def broken(*args, **kwargs):
            raise OperationalError("the record cannot be written")

        monkeypatch.setattr(leases, "record", broken)
        with pytest.raises(OperationalError):
            run_job(job.pk, clock=lambda: now)
        job.refresh_from_db()
        assert job.state == State.RUNNING
        with transaction.atomic():
            assert not Record.objects.exists()
