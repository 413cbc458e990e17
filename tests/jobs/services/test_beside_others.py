"""Workers beside each other, each with a connection of its own."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from jobs import leases
from jobs.domain.state import State
from jobs.models import Job
from jobs.worker import run_job
from tests.factories.jobs import JobFactory

pytestmark = pytest.mark.django_db(transaction=True)
KIND = "test.work"


class TestTwoLeasers:
    def test_one_gets_the_job(self, now, at_once):
        for _ in range(20):
            job = JobFactory()
            taken = at_once(*[lambda job=job: leases.take(job.pk, seconds=60, worker="w", now=now)] * 3)
            assert len([each for each in taken if each]) == 1

    def test_one_gets_a_job_whose_lease_ran_out(self, now, at_once):
        for _ in range(20):
            job = JobFactory(state=State.RUNNING, lease_until=now)
            taken = at_once(*[lambda job=job: leases.take(job.pk, seconds=60, worker="w", now=now)] * 3)
            assert len([each for each in taken if each]) == 1

    def test_of_two_with_one_key_one_begins(self, now, at_once):
        for round_number in range(20):
            key = f"k{round_number}"
            left = JobFactory(key=key, state=State.RUNNING, lease_until=now)
            queued = JobFactory(key=key)
            taken = at_once(
                *[lambda job=job: leases.take(job.pk, seconds=60, worker="w", now=now) for job in (left, queued)]
            )
            assert len([each for each in taken if each]) == 1

    def test_fifty_messages_for_one_job_run_it_once(self, handle, at_once):
        effects = []
        handle(KIND, lambda run: effects.append(run.attempt))
        job = JobFactory(run_at=timezone.now())
        for _ in range(10):
            at_once(*[lambda: run_job(job.pk, clock=timezone.now)] * 5)
        assert effects == [1]


class TestRenewal:
    def test_a_long_job_keeps_its_lease(self, handle, settings):
        settings.GOLDGATE_LEASE_SECONDS = 0.3
        seen = []

        def work(run):
            time.sleep(1.0)
            seen.append(Job.objects.filter(leases.due(timezone.now())).exists())

        handle(KIND, work)
        job = JobFactory(run_at=timezone.now())
        run_job(job.pk, clock=timezone.now)
        job.refresh_from_db()
        assert seen == [False]
        assert (job.state, job.attempts) == (State.SUCCEEDED, 1)

    def test_past_its_limit_it_loses_it(self, handle, settings):
        settings.GOLDGATE_LEASE_SECONDS = 0.2
        seen = []

        def hang(run):
            time.sleep(1.0)
            seen.append(Job.objects.filter(leases.due(timezone.now())).exists())

        handle(KIND, hang)
        run_job(JobFactory(run_at=timezone.now(), limit_seconds=0.1).pk, clock=timezone.now)
        assert seen == [True]

    def test_the_thread_brings_the_news_of_a_cancel(self, handle, settings):
        settings.GOLDGATE_LEASE_SECONDS = 0.3

        def work(run):
            run.check()
            Job.objects.filter(pk=run.job_id).update(cancel_asked_at=timezone.now())
            for _ in range(40):
                run.check()
                time.sleep(0.05)

        handle(KIND, work)
        job = JobFactory(run_at=timezone.now())
        run_job(job.pk, clock=timezone.now)
        job.refresh_from_db()
        assert job.state == State.CANCELLED

    def test_goes_on_through_the_runs_own_fence(self, handle, settings):
        """The row is locked then; renewing neither waits for ever nor takes it for lost."""
        settings.GOLDGATE_LEASE_SECONDS = 0.3

        def work(run):
            with run.finishing():
                time.sleep(0.8)

        handle(KIND, work)
        job = JobFactory(run_at=timezone.now())
        run_job(job.pk, clock=timezone.now)
        job.refresh_from_db()
        assert job.state == State.SUCCEEDED


class TestFence:
    def test_nobody_takes_the_job_between_the_effect_and_its_commit(self, now, handle):
        """Even though the lease has run out: the row is locked."""
        taken = []

        def take_it():
            taken.append(leases.take(job.pk, seconds=60, worker="other", now=now + timedelta(hours=1)))
            connection.close()

        def work(run):
            with run.finishing():
                other = threading.Thread(target=take_it)
                other.start()
                other.join(10)

        handle(KIND, work)
        job = JobFactory()
        run_job(job.pk, clock=lambda: now)
        job.refresh_from_db()
        assert taken == [None]
        assert job.state == State.SUCCEEDED
