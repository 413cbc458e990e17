import logging

import pytest
from django.db import connection
from django.test import Client

from portal.request_id import RequestIdFilter, current_request_id


class TestHealth:
    @pytest.mark.django_db
    def test_it_is_well(self):
        assert Client().get("/livez").json() == {"status": "ok"}
        assert Client().get("/readyz").json() == {"status": "ok"}

    @pytest.mark.django_db
    def test_it_asks_for_nothing_but_a_word_of_the_database(self, django_assert_num_queries):
        with django_assert_num_queries(0):
            Client().get("/livez")
        with django_assert_num_queries(1):
            Client().get("/readyz")

    def test_without_the_database_it_lives_and_is_not_ready(self, django_db_blocker, monkeypatch):
        monkeypatch.setitem(connection.settings_dict, "HOST", "127.0.0.1")
        monkeypatch.setitem(connection.settings_dict, "PORT", "1")
        monkeypatch.setitem(connection.settings_dict, "PASSWORD", "very secret")
        with django_db_blocker.unblock():
            connection.close()
            try:
                answer = Client().get("/readyz")
                assert Client().get("/livez").status_code == 200
            finally:
                connection.close()
        assert (answer.status_code, answer.json()["database"]) == (503, "does not answer")
        assert b"secret" not in answer.content


class TestTheLog:
    def line(self):
        record = logging.LogRecord("x", logging.INFO, "x", 1, "x", (), None)
        assert RequestIdFilter().filter(record)
        return record.request_id

    def test_a_line_of_a_request_carries_its_id(self):
        token = current_request_id.set("0190")
        try:
            assert self.line() == "0190"
        finally:
            current_request_id.reset(token)

    def test_a_line_of_nobody_says_so(self):
        assert self.line() == "-"
