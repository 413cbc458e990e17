from datetime import datetime

import pytest
from django.db import transaction

from audit import pipeline
from audit.actor import Actor, Subject
from audit.models import Pending, Record
from audit.selectors import records_of
from audit.services import record
from audit.verbs import Verb
from tests.factories.audit import RecordFactory
from tests.undone import undone

ADA = Actor("person", "1", "Ada")
BLUE = Subject("team", "2", "Blue")


class TestRecord:
    @pytest.mark.django_db
    def test_holds_who_what_and_when(self, now):
        with transaction.atomic():
            written = record(Verb.TEAM_CREATED, actor=ADA, subject=BLUE, at=now, data={"size": 3})
        assert written.body() == {
            "id": written.pk,
            "uuid": str(written.uuid),
            "verb": "team.created",
            "actor": {"kind": "person", "id": "1", "name": "Ada"},
            "subject": {"kind": "team", "id": "2", "label": "Blue"},
            "at": "2026-11-24T12:00:00.000000Z",
            "data": {"size": 3},
            "request_id": "",
        }

    @pytest.mark.django_db
    def test_reads_back_as_it_was_hashed(self, now):
        odd = {"text": "ä\u2028\U0001f600\u0000\ud800", "list": [1, True, None, {"": -(2**53) + 1}], "b": 0, "a": {}}
        written = RecordFactory(data=odd, at=now.replace(microsecond=1))
        assert Record.objects.get(pk=written.pk).body() == written.body()
        assert written.data["text"] == "ä\u2028\U0001f600\ufffd\ufffd"

    @pytest.mark.django_db(transaction=True)
    def test_is_refused_outside_a_transaction(self, now):
        with pytest.raises(RuntimeError, match="inside the deed's transaction"):
            record(Verb.TEAM_CREATED, actor=ADA, subject=BLUE, at=now)
        assert not Record.objects.exists()

    @pytest.mark.django_db(transaction=True)
    def test_goes_with_the_deed_that_is_undone(self, now):
        with undone():
            record(Verb.TEAM_CREATED, actor=ADA, subject=BLUE, at=now)
        assert not Record.objects.exists()
        assert not Pending.objects.exists()

    @pytest.mark.django_db
    @pytest.mark.parametrize(
        "data",
        [
            pytest.param({"share": 0.5}, id="float"),
            pytest.param({"size": 2**53}, id="too-large"),
            pytest.param({"text": "x" * 2**20}, id="more-than-a-mebibyte"),
            pytest.param({1: "one"}, id="key-not-text"),
            pytest.param({"at": datetime(2026, 1, 1)}, id="not-json"),  # noqa: DTZ001
        ],
    )
    def test_refuses_what_json_would_change(self, data):
        with pytest.raises(ValueError, match=r"record"):
            RecordFactory(data=data)

    @pytest.mark.django_db
    def test_refuses_a_naive_time(self):
        with pytest.raises(ValueError, match="naive"):
            RecordFactory(at=datetime(2026, 1, 1))  # noqa: DTZ001

    @pytest.mark.django_db
    def test_shortens_a_label_that_is_too_long(self):
        written = RecordFactory(subject=Subject("image", "1", "x" * 600))
        assert written.subject_label == "x" * 499 + "…"

    def test_an_actor_has_a_known_kind(self):
        with pytest.raises(ValueError, match="robot"):
            Actor("robot", "1", "R2")


@pytest.mark.django_db
class TestRecordsOf:
    def test_newest_first_and_of_this_subject_only(self):
        first, other, second = RecordFactory(subject=BLUE), RecordFactory(), RecordFactory(subject=BLUE)
        assert list(records_of("team", "2")) == [second, first]
        assert other not in records_of("team", "2")


@pytest.mark.django_db(transaction=True)
class TestSubscribe:
    def test_a_subscriber_that_raises_undoes_the_deed(self):
        def refuse(written: Record) -> None:
            raise LookupError(written.verb)

        pipeline.subscribe(Verb.MEMBER_ADDED, refuse)
        try:
            with pytest.raises(LookupError):
                RecordFactory(Verb.MEMBER_ADDED)
        finally:
            pipeline._subscribers[Verb.MEMBER_ADDED].remove(refuse)
        assert not Record.objects.exists()
