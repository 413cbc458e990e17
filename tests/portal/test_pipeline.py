import pytest
from django.db import transaction

from audit.actor import Actor, Subject
from audit.models import Record
from audit.services import record
from audit.verbs import Verb
from jobs import handlers
from jobs.models import Job
from portal import pipeline
from portal.pipeline import PIPELINE, JobRule

VERB = Verb.MEMBER_REMOVED  # starts nothing by itself


@pytest.fixture
def rule(monkeypatch):
    """``rule(JobRule(…))`` connects it to VERB until the test ends."""
    before = dict(handlers._handlers)
    handlers.handler("test.follow")(lambda run: None)

    def connect(*rules: JobRule) -> None:
        monkeypatch.setattr(pipeline, "PIPELINE", {VERB: list(rules)})
        pipeline.connect()

    yield connect
    handlers._handlers.clear()
    handlers._handlers.update(before)
    pipeline.pipeline._subscribers[VERB].clear()


def deed(now, subject_id: str = "7", **data) -> Record:
    with transaction.atomic():
        return record(VERB, actor=Actor.system("t"), subject=Subject("team", subject_id, "t"), at=now, data=data)


class TestTable:
    @pytest.mark.parametrize("verb", PIPELINE)
    def test_every_kind_has_a_handler(self, verb):
        assert [rule.kind for rule in PIPELINE[verb] if handlers.handler_of(rule.kind) is None] == []

    def test_nobody_stops_by_the_way_what_people_decided(self):
        """From the last review to the certificate, and from a revocation to its end in the registry."""
        decided = [kind for kind in handlers.kinds() if kind.startswith("signing.")] + ["approvals.finalise"]
        assert len(decided) == 5
        assert [kind for kind in decided if handlers.handler_of(kind).is_cancellable] == []


class TestConnect:
    def test_refuses_a_kind_without_handler(self, rule):
        with pytest.raises(RuntimeError, match=r"test\.unheard"):
            rule(JobRule("test.unheard"))

    @pytest.mark.django_db
    def test_starts_the_job_of_the_deed(self, rule, now):
        rule(JobRule("test.follow"))
        cause = deed(now)
        job = Job.objects.get()
        assert (job.kind, job.subject_id, job.caused_by, job.run_at) == ("test.follow", "7", cause, now)

    @pytest.mark.django_db
    def test_twice_connected_starts_nothing_twice(self, rule, now):
        rule(JobRule("test.follow"))
        pipeline.connect()
        deed(now)
        assert Job.objects.count() == 1

    @pytest.mark.django_db
    def test_a_subject_from_the_data(self, rule, now):
        rule(JobRule("test.follow", subject="artifact"))
        deed(now, artifact="42")
        assert Job.objects.get().subject_id == "42"

    @pytest.mark.django_db
    def test_once_means_once_while_it_is_queued(self, rule, now):
        rule(JobRule("test.follow", is_once=True))
        deed(now)
        deed(now)
        deed(now, subject_id="8")
        assert sorted(Job.objects.values_list("subject_id", flat=True)) == ["7", "8"]

    @pytest.mark.django_db(transaction=True)
    def test_an_undone_deed_starts_nothing(self, rule, now):
        rule(JobRule("test.follow"))
        with transaction.atomic():
            deed(now)
            transaction.set_rollback(True)
        assert not Job.objects.exists()
        assert not Record.objects.exists()
