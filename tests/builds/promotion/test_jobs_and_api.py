"""The jobs on their timers, asking by hand, and the addresses."""

import pytest
from django.test import Client

from accounts.roles import Role
from builds.models import DriftAlarm, PullProbe
from builds.services.promotion import DRIFT_JOB, PROBE_JOB, ask_drift_look, ask_probes
from jobs.models import Job, Schedule
from jobs.services import enqueue
from tests.factories.accounts import person_with, token_for
from tests.jobs.support import run_due_jobs

pytestmark = [pytest.mark.django_db, pytest.mark.integration]


def client_of(*roles):
    client = Client()
    client.force_login(person_with(*roles), backend="django.contrib.auth.backends.ModelBackend")
    return client


def ended(kind):
    return Job.objects.filter(kind=kind).order_by("created_at", "id").last()


class TestJobs:
    def test_the_first_certification_sets_the_timers_and_people_may_edit_them(self, now):
        enqueue("builds.guard_certified", subject_id="", now=now)
        run_due_jobs(now)
        found = {one.kind: one.timer for one in Schedule.objects.filter(kind__in=[DRIFT_JOB, PROBE_JOB])}
        assert found[DRIFT_JOB].interval.every == 3600
        assert (found[PROBE_JOB].crontab.hour, found[PROBE_JOB].crontab.day_of_week) == ("3", "*")

    def test_asked_twice_they_run_once(self, now):
        assert ask_drift_look(now=now).pk == ask_drift_look(now=now).pk
        assert ask_probes(now=now).pk == ask_probes(now=now).pk

    def test_a_look_says_what_it_looked_at(self, in_directory, now):
        in_directory.certify(in_directory.image("debian"))
        ask_drift_look(now=now)
        run_due_jobs()
        job = ended(DRIFT_JOB)
        assert (job.state, job.text) == (
            "succeeded", "3 tags in 1 repositories looked at; 0 alarms opened, 0 closed."
        )  # fmt: skip

    def test_a_registry_that_is_down_fails_the_look(self, on_server, now):
        on_server.certify(on_server.image("debian"))
        on_server.stop()
        ask_drift_look(now=now)
        run_due_jobs(now)
        job = ended(DRIFT_JOB)
        assert (job.state, job.error_code) == ("queued", "certified_side_silent")  # to be tried again
        assert on_server.repository.name in job.error_text

    def test_a_pull_that_fails_is_an_answer_of_the_probe(self, on_server, now):
        artifact = on_server.image("debian")
        on_server.certify(artifact)
        on_server.usable(artifact)
        on_server.stop()
        ask_probes(now=now)
        run_due_jobs(now)
        assert (ended(PROBE_JOB).state, PullProbe.objects.get().is_pullable) == ("succeeded", False)


class TestOverRest:
    @pytest.fixture
    def alarm(self, in_directory, now):
        good, evil = in_directory.image("debian"), in_directory.image("evil")
        in_directory.certify(good)
        in_directory.usable(good)
        in_directory.push(evil, "12")
        ask_drift_look(now=now)
        ask_probes(now=now)
        run_due_jobs()
        return DriftAlarm.objects.get()

    def test_alarms_are_read_and_closed_with_a_reason(self, alarm):
        admin = client_of(Role.PLATFORM_ADMIN)
        (row,) = admin.get("/api/v1/drift-alarms?open=true").json()["results"]
        assert (row["tag"], row["expected_digest"], row["found_digest"]) == (
            "12", alarm.expected_digest, alarm.found_digest
        )  # fmt: skip
        path = f"/api/v1/drift-alarms/{row['id']}/close"
        assert admin.post(path, {"reason": " "}, content_type="application/json").status_code == 400
        closed = admin.post(path, {"reason": "We know."}, content_type="application/json")
        assert (closed.status_code, closed.json()["reason"]) == (200, "We know.")
        assert admin.post(path, {"reason": "Again."}, content_type="application/json").status_code == 409
        assert admin.get("/api/v1/drift-alarms?open=true").json()["results"] == []

    def test_probes_are_read_and_asked_for(self, alarm):
        admin = client_of(Role.PLATFORM_ADMIN)
        (row,) = admin.get("/api/v1/pull-probes?pullable=true").json()["results"]
        assert row["digest"] == alarm.expected_digest
        for path in ("/api/v1/pull-probes", "/api/v1/drift-alarms"):
            asked = admin.post(path)
            assert asked.status_code == 202
            assert admin.get(asked["Location"]).json()["state"] == "queued"

    def test_who_may_not(self, alarm):
        reviewer = client_of(Role.REVIEWER)
        assert reviewer.get("/api/v1/drift-alarms").status_code == 200
        assert reviewer.post("/api/v1/pull-probes").status_code == 403
        _, secret = token_for(person_with(Role.PLATFORM_ADMIN))
        answer = Client().post(
            f"/api/v1/drift-alarms/{alarm.pk}/close", {"reason": "Robot."}, content_type="application/json",
            headers={"Authorization": f"Bearer {secret}"},
        )  # fmt: skip
        assert answer.status_code == 403
        alarm.refresh_from_db()
        assert alarm.closed_at is None
