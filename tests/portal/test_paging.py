from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.core import signing
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Person
from portal.paging import MAX_LIMIT, SALT, _after
from tests.factories.accounts import PersonFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("probed")]

URL = "/api/v1/probe/people"


def people(count):
    base = timezone.now()
    for number in range(count):
        person = PersonFactory(f"p{number:03}")
        # three share each moment, so that the order's tail has work to do
        Person.objects.filter(pk=person.pk).update(created_at=base - timedelta(minutes=number // 3))


def walk(client, url):
    names = []
    while url:
        answer = client.get(url)
        assert answer.status_code == 200
        names.extend(row["username"] for row in answer.json()["results"])
        url = answer.json()["next"]
        assert answer.get("Link") == (f'<{url}>; rel="next"' if url else None)
    return names


class TestPage:
    @pytest.mark.parametrize("limit", [1, 2, 3, 7, 10, 11])
    def test_each_row_once_whatever_the_size(self, anonymous, limit):
        people(10)
        names = walk(anonymous, f"{URL}?limit={limit}")
        assert sorted(names) == [f"p{number:03}" for number in range(10)]
        assert names == walk(anonymous, f"{URL}?limit=200")

    def test_rows_added_meanwhile_move_nothing(self, anonymous):
        people(6)
        first = anonymous.get(f"{URL}?limit=3").json()
        PersonFactory("newest")
        rest = walk(anonymous, first["next"])
        names = [row["username"] for row in first["results"]] + rest
        assert sorted(names) == [f"p{number:03}" for number in range(6)]

    def test_an_empty_list_has_no_next(self, anonymous):
        answer = anonymous.get(URL)
        assert answer.json() == {"next": None, "results": []}
        assert "Link" not in answer

    def test_filters_are_kept_from_page_to_page(self, anonymous):
        people(5)
        PersonFactory("gone", is_active=False)
        assert len(walk(anonymous, f"{URL}?active=true&limit=2")) == 5
        assert walk(anonymous, f"{URL}?active=false&limit=2") == ["gone"]

    def test_a_total_only_when_asked_for(self, anonymous):
        people(5)
        assert "count" not in anonymous.get(f"{URL}?limit=2").json()
        body = anonymous.get(f"{URL}?limit=2&count=exact").json()
        assert body["count"] == 5
        assert "count=" not in body["next"]

    def test_later_pages_cost_no_more(self, anonymous, django_assert_num_queries):
        people(10)
        following = anonymous.get(f"{URL}?limit=3").json()["next"]
        with django_assert_num_queries(1):
            anonymous.get(following)


class TestRefusals:
    @pytest.mark.parametrize(
        ("query", "name"),
        [
            pytest.param("limit=0", "limit", id="limit-0"),
            pytest.param(f"limit={MAX_LIMIT + 1}", "limit", id="limit-too-large"),
            pytest.param("limit=-1", "limit", id="limit-negative"),
            pytest.param("limit=ten", "limit", id="limit-word"),
            pytest.param("limit=٣", "limit", id="limit-other-digits"),
            pytest.param("limit=" + "9" * 5000, "limit", id="limit-long"),
            pytest.param("limit=", "limit", id="limit-empty"),
            pytest.param("count=true", "count", id="count"),
            pytest.param("cursor=abc", "cursor", id="cursor-garbage"),
            pytest.param("cursor=" + "a" * 5000, "cursor", id="cursor-long"),
            pytest.param("nmae=rita", "nmae", id="misspelt"),
            pytest.param("ordering=password", "ordering", id="ordering"),
            pytest.param("username__startswith=a", "username__startswith", id="lookup"),
            pytest.param("name=a&name=b", "name", id="twice"),
            pytest.param("name=%00", "name", id="nul"),
            pytest.param("active=yes", "active", id="not-boolean"),
            pytest.param("role=superuser", "role", id="not-a-role"),
            pytest.param("maker=1", "maker", id="not-a-uuid"),
            pytest.param("since=yesterday", "since", id="not-a-moment"),
            pytest.param("since=2026-11-24T12:00:00", "since", id="no-offset"),
            pytest.param("since=2026-13-45T12:00:00Z", "since", id="no-such-day"),
            pytest.param("since=0001-01-01T00:00:00%2B05:00", "since", id="before-all-days"),
            pytest.param("since=9999-12-31T23:00:00-05:00", "since", id="after-all-days"),
        ],
    )
    def test_the_parameter_is_named(self, anonymous, query, name):
        answer = anonymous.get(f"{URL}?{query}")
        assert answer.status_code == 400
        assert [row["pointer"] for row in answer.json()["errors"]] == [f"/{name}"]

    def test_a_moment_with_a_plus_that_was_not_encoded_is_understood(self, anonymous):
        assert anonymous.get(f"{URL}?since=2026-11-24T12:00:00+01:00").status_code == 200

    def test_an_offset_that_the_database_does_not_know_is_understood(self, anonymous):
        assert anonymous.get(f"{URL}?since=2026-11-24T12:00:00-19:21").status_code == 200

    def test_a_cursor_of_other_filters_is_refused(self, anonymous):
        people(4)
        following = anonymous.get(f"{URL}?limit=2").json()["next"]
        assert anonymous.get(following + "&active=true").status_code == 400

    def test_a_changed_cursor_is_refused(self, anonymous):
        people(4)
        following = anonymous.get(f"{URL}?limit=2").json()["next"]
        assert anonymous.get(following[:-1] + ("A" if following[-1] != "A" else "B")).status_code == 400

    def test_a_cursor_signed_for_something_else_is_refused(self, anonymous):
        foreign = signing.dumps({"v": [], "b": ""}, salt="sessions")
        ours_but_other = signing.dumps({"v": [["p", 1]], "b": "other list"}, salt=SALT)
        for cursor in (foreign, ours_but_other):
            assert anonymous.get(f"{URL}?{urlencode({'cursor': cursor})}").status_code == 400


class TestAfter:
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
    @given(
        st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xyz")), min_size=1, max_size=8),
        st.sampled_from(
            [("email", "username"), ("-email", "username"), ("email", "-username"), ("-email", "-username")]
        ),
    )
    def test_it_is_what_python_says_comes_after(self, rows, order):
        Person.objects.all().delete()
        for number, (mail, name) in enumerate(rows):
            PersonFactory(f"{name}{number}", email=f"{mail}@example.com")
        ordered = list(Person.objects.order_by(*order))
        for index, row in enumerate(ordered):
            values = [getattr(row, column.removeprefix("-")) for column in order]
            assert list(Person.objects.filter(_after(order, values)).order_by(*order)) == ordered[index + 1 :]
