"""What a job's end says on its import."""

from dataclasses import dataclass

import pytest

from core.errors import GoldgateError
from jobs.errors import JobCancelled, LeaseLost, TimeLimitReached
from registry import services, tasks
from registry.models import Import
from tests.factories.accounts import PersonFactory
from tests.factories.registry import EARLY, OLD, RegistryFactory, archive, pieces

pytestmark = pytest.mark.django_db


@dataclass
class Attempt:
    """A run whose progress ends it."""

    subject_id: str
    ends_with: Exception | None = None
    attempt: int = 1

    def now(self):
        return EARLY

    def progress(self, **_words) -> None:
        if self.ends_with:
            raise self.ends_with


@pytest.fixture
def asked() -> Import:
    return services.import_archive(chunks=pieces(archive("debian-12-old")), requested_by=PersonFactory(), now=EARLY)


class TestImportJob:
    @pytest.mark.parametrize(
        ("end", "said"), [(JobCancelled("x"), "cancelled"), (TimeLimitReached("x"), "longer than an hour")]
    )
    def test_a_run_that_is_stopped_says_so_and_can_be_tried_again(self, asked, end, said):
        with pytest.raises(type(end)):
            tasks.import_artifact(Attempt(str(asked.pk), end))
        asked.refresh_from_db()
        assert asked.state == "failed"
        assert said in asked.failure

        tasks.import_artifact(Attempt(str(asked.pk)))
        asked.refresh_from_db()
        assert (asked.state, asked.artifact.digest, asked.failure) == ("done", OLD, "")

    def test_a_lost_lease_says_nothing_another_goes_on(self, asked):
        with pytest.raises(LeaseLost):
            tasks.import_artifact(Attempt(str(asked.pk), LeaseLost("x")))
        asked.refresh_from_db()
        assert asked.state == "asked"

    @pytest.mark.parametrize(("attempt", "state"), [(1, "asked"), (8, "failed")])
    def test_a_registry_that_stays_away_fails_it_at_the_last_try(self, attempt, state):
        RegistryFactory("127.0.0.1:1", base_url="http://127.0.0.1:1", allow_private=True)
        one = services.import_reference(reference="127.0.0.1:1/x:1", requested_by=PersonFactory(), now=EARLY)
        with pytest.raises(GoldgateError):
            tasks.import_artifact(Attempt(str(one.pk), attempt=attempt))
        one.refresh_from_db()
        assert one.state == state
