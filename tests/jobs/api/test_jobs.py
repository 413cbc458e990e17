import uuid

import pytest
from rest_framework.test import APIClient

from accounts.models import RoleGrant
from accounts.roles import Role, Scope
from audit.models import Record
from audit.verbs import Verb
from jobs.domain.state import State
from jobs.models import Job
from tests.factories.accounts import EARLY, TeamFactory, person_with, token_for
from tests.factories.audit import RecordFactory
from tests.factories.jobs import AT, JobFactory

pytestmark = pytest.mark.django_db


def client_of(*roles: Role) -> APIClient:
    client = APIClient()
    client.force_login(person_with(*roles))
    return client


@pytest.fixture
def viewer() -> APIClient:
    return client_of(Role.VIEWER)


@pytest.fixture
def admin() -> APIClient:
    return client_of(Role.PLATFORM_ADMIN)


class TestList:
    @pytest.mark.parametrize(
        ("filters", "found"),
        [
            pytest.param({"state": "failed"}, ["failed"], id="state"),
            pytest.param({"kind": "scans.match"}, ["match"], id="kind"),
            pytest.param({"subject": "42"}, ["about"], id="subject"),
            pytest.param({}, ["about", "match", "failed"], id="none"),
        ],
    )
    def test_filters(self, viewer, filters, found):
        names = {
            str(JobFactory(state=State.FAILED).pk): "failed",
            str(JobFactory(kind="scans.match").pk): "match",
            str(JobFactory(subject_id="42").pk): "about",
        }
        rows = viewer.get("/api/v1/jobs", filters).json()["results"]
        assert [names[row["id"]] for row in rows] == found

    def test_pages_are_whole(self, viewer):
        written = [str(JobFactory().pk) for _ in range(5)]
        first = viewer.get("/api/v1/jobs", {"limit": 2}).json()
        second = viewer.get(first["next"]).json()
        third = viewer.get(second["next"]).json()
        assert [row["id"] for page in (first, second, third) for row in page["results"]] == written[::-1]

    @pytest.mark.parametrize("filters", [{"state": "lost"}, {"sate": "failed"}])
    def test_refuses_what_it_does_not_know(self, viewer, filters):
        assert viewer.get("/api/v1/jobs", filters).status_code == 400

    def test_queries_do_not_grow_with_rows(self, viewer, django_assert_max_num_queries):
        for _ in range(40):
            JobFactory()
        with django_assert_max_num_queries(8):
            viewer.get("/api/v1/jobs")

    def test_refuses_strangers(self):
        assert APIClient().get("/api/v1/jobs").status_code in (401, 403)


class TestRead:
    def test_shows_progress_and_when_to_ask_again(self, viewer):
        job = JobFactory(state=State.RUNNING, done=3, total=9, unit="layers", text="layer 3")
        response = viewer.get(f"/api/v1/jobs/{job.pk}")
        assert response.json()["progress"] == {"done": 3, "total": 9, "unit": "layers", "text": "layer 3"}
        assert response["Retry-After"] == "1"

    def test_an_ended_one_says_why_and_asks_nobody_back(self, viewer):
        job = JobFactory(state=State.FAILED, error_code="tag_missing", error_text="There is no tag 13.")
        response = viewer.get(f"/api/v1/jobs/{job.pk}")
        assert response.json()["error"] == {"code": "tag_missing", "text": "There is no tag 13."}
        assert "Retry-After" not in response

    def test_the_same_again_is_not_sent(self, viewer):
        job = JobFactory()
        url = f"/api/v1/jobs/{job.pk}"
        tag = viewer.get(url)["ETag"]
        same = viewer.get(url, HTTP_IF_NONE_MATCH=tag)
        assert (same.status_code, same.content, same["ETag"]) == (304, b"", tag)
        Job.objects.filter(pk=job.pk).update(text="further")
        assert viewer.get(url, HTTP_IF_NONE_MATCH=tag).status_code == 200

    def test_an_unknown_one(self, viewer):
        response = viewer.get(f"/api/v1/jobs/{uuid.uuid4()}")
        assert (response.status_code, response.json()["code"]) == (404, "job_missing")


class TestCancel:
    def test_ends_a_queued_one(self, admin):
        job = JobFactory()
        response = admin.post(f"/api/v1/jobs/{job.pk}/cancel")
        assert (response.status_code, response.json()["state"]) == (200, "cancelled")

    def test_an_ended_one_is_a_conflict(self, admin):
        response = admin.post(f"/api/v1/jobs/{JobFactory(state=State.SUCCEEDED).pk}/cancel")
        assert (response.status_code, response.json()["code"]) == (409, "job_closed")

    @pytest.mark.parametrize("role", [Role.VIEWER, Role.AUDITOR, Role.REVIEWER])
    def test_is_not_for_everyone(self, role):
        job = JobFactory()
        assert client_of(role).post(f"/api/v1/jobs/{job.pk}/cancel").status_code == 403
        job.refresh_from_db()
        assert job.state == State.QUEUED

    def test_a_token_that_may_only_read_is_refused(self):
        _, secret = token_for(person_with(Role.PLATFORM_ADMIN), Scope.READ)
        response = APIClient().post(f"/api/v1/jobs/{JobFactory().pk}/cancel", HTTP_AUTHORIZATION=f"Bearer {secret}")
        assert response.status_code == 403

    def test_names_the_token(self):
        token, secret = token_for(person_with(Role.PLATFORM_ADMIN), Scope.IMPORT)
        APIClient().post(f"/api/v1/jobs/{JobFactory().pk}/cancel", HTTP_AUTHORIZATION=f"Bearer {secret}")
        written = Record.objects.get(verb=Verb.JOB_CANCELLED)
        assert (written.actor_kind, written.actor_id) == ("token", str(token.pk))


class TestRetry:
    def test_queues_a_failed_one_again(self, admin):
        job = JobFactory(state=State.FAILED, run_at=AT)
        response = admin.post(f"/api/v1/jobs/{job.pk}/retry")
        assert (response.status_code, response.json()["state"]) == (202, "queued")
        assert response["Location"] == f"/api/v1/jobs/{job.pk}"

    def test_a_running_one_is_a_conflict(self, admin):
        response = admin.post(f"/api/v1/jobs/{JobFactory(state=State.RUNNING).pk}/retry")
        assert (response.status_code, response.json()["code"]) == (409, "job_not_retryable")


class TestWhoseJob:
    @pytest.mark.parametrize(("deed", "state"), [("cancel", State.QUEUED), ("retry", State.FAILED)])
    def test_a_requester_touches_their_own_alone(self, deed, state):
        ada, eve = person_with(Role.REQUESTER), person_with(Role.REQUESTER)
        own, others, nobodys = (
            JobFactory(state=state, caused_by=RecordFactory(actor=ada.as_actor())),
            JobFactory(state=state, caused_by=RecordFactory(actor=eve.as_actor())),
            JobFactory(state=state),
        )
        client = APIClient()
        client.force_login(ada)
        assert client.post(f"/api/v1/jobs/{own.pk}/{deed}").status_code in (200, 202)
        for job in (others, nobodys):
            answer = client.post(f"/api/v1/jobs/{job.pk}/{deed}")
            assert (answer.status_code, answer.json()["code"]) == (403, "job_of_others")
            job.refresh_from_db()
            assert job.state == state
        assert [row.subject_id for row in Record.objects.filter(verb__startswith="job.")] == [str(own.pk)]

    def test_a_token_and_its_owner_are_one(self):
        ada = person_with(Role.REQUESTER)
        token, secret = token_for(ada, Scope.IMPORT)
        _, other = token_for(person_with(Role.REQUESTER), Scope.IMPORT)
        asked_by_her = JobFactory(caused_by=RecordFactory(actor=ada.as_actor()))
        asked_by_it = JobFactory(caused_by=RecordFactory(actor=token.as_actor()))
        url = f"/api/v1/jobs/{asked_by_her.pk}/cancel"
        assert APIClient().post(url, HTTP_AUTHORIZATION=f"Bearer {other}").status_code == 403
        assert APIClient().post(url, HTTP_AUTHORIZATION=f"Bearer {secret}").status_code == 200
        client = APIClient()
        client.force_login(ada)
        assert client.post(f"/api/v1/jobs/{asked_by_it.pk}/cancel").status_code == 200

    def test_an_administrator_of_one_team_is_none_here(self):
        person = person_with(Role.REQUESTER)
        RoleGrant.objects.create(person=person, role=Role.PLATFORM_ADMIN, team=TeamFactory(), starts_at=EARLY)
        client = APIClient()
        client.force_login(person)
        assert client.post(f"/api/v1/jobs/{JobFactory().pk}/cancel").json()["code"] == "job_of_others"
