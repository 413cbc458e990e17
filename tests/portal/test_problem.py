import pytest
from django.test import Client

from portal.problem_list import problems

pytestmark = [pytest.mark.django_db]


def problem_of(answer):
    """The body, after what RFC 9457 asks of every problem."""
    body = answer.json()
    assert answer["Content-Type"] == "application/problem+json"
    assert body["status"] == answer.status_code
    assert body["type"].endswith(f"/docs/problems#{body['code']}")
    assert body["instance"] == f"urn:uuid:{answer['X-Request-ID']}"
    assert body["title"]
    assert body["detail"]
    return body


@pytest.mark.usefixtures("probed")
class TestShape:
    def test_a_refusal_of_ours_carries_code_cure_and_members(self, anonymous):
        body = problem_of(anonymous.get("/api/v1/probe/refuses"))
        assert (body["status"], body["code"], body["title"]) == (409, "not_yet", "Not yet")
        assert (body["detail"], body["cure"]) == ("It is too early.", "Wait.")
        assert body["errors"] == [{"pointer": "/when", "code": "early", "detail": "Before noon."}]

    def test_wrong_members_are_named_by_json_pointer(self, anonymous):
        given = {"parts": [{"size": 1}, {"size": "x", "colour": "red"}, 3], "a/b": 1}
        body = problem_of(anonymous.post("/api/v1/probe/validates", given, content_type="application/json"))
        assert body["code"] == "invalid"
        assert [(row["pointer"], row["code"]) for row in body["errors"]] == [("/a~1b", "unknown_member")]

    def test_in_lists_too(self, anonymous):
        given = {"parts": [{"size": 1}, {"size": "x"}, 3]}
        body = problem_of(anonymous.post("/api/v1/probe/validates", given, content_type="application/json"))
        assert [(row["pointer"], row["code"]) for row in body["errors"]] == [
            ("/name", "required"),
            ("/parts/1/size", "invalid"),
            ("/parts/2", "invalid"),
        ]

    def test_nowhere(self, anonymous):
        body = problem_of(anonymous.get("/api/v1/probe/absent"))
        assert (body["status"], body["code"]) == (404, "not_found")

    def test_an_unknown_method(self, as_person):
        from tests.factories.accounts import PersonFactory

        body = problem_of(as_person(PersonFactory()).delete("/api/v1/probe/echo"))
        assert (body["status"], body["code"]) == (405, "method_not_allowed")

    def test_a_body_of_another_type(self, anonymous):
        body = problem_of(anonymous.post("/api/v1/probe/validates", "<a/>", content_type="application/xml"))
        assert (body["status"], body["code"]) == (415, "unsupported_media_type")

    def test_an_answer_of_another_type(self, anonymous):
        body = problem_of(anonymous.get("/api/v1/probe/people", headers={"Accept": "text/html"}))
        assert (body["status"], body["code"]) == (406, "not_acceptable")

    def test_what_nobody_foresaw_says_nothing_of_its_cause(self, anonymous):
        answer = anonymous.get("/api/v1/probe/boom")
        body = problem_of(answer)
        assert (body["status"], body["code"]) == (500, "internal_error")
        assert b"xyzzy" not in answer.content

    def test_a_host_that_is_not_ours(self, anonymous, settings):
        settings.ALLOWED_HOSTS = ["goldgate.example"]
        body = problem_of(anonymous.get("/api/v1/probe/people", headers={"Host": "evil.example"}))
        assert (body["status"], body["code"]) == (400, "bad_request")

    def test_pages_answer_with_pages(self, anonymous):
        assert anonymous.get("/absent")["Content-Type"].startswith("text/html")
        assert anonymous.get("/boom").status_code == 500
        assert b"xyzzy" not in anonymous.get("/boom").content

    def test_the_callers_own_request_id_is_not_taken(self, anonymous):
        answer = anonymous.get("/api/v1/probe/absent", headers={"X-Request-ID": "mine"})
        assert answer["X-Request-ID"] != "mine"


class TestTheListOfProblems:
    def test_every_type_leads_to_its_entry(self):
        page = Client().get("/docs/problems").content.decode()
        for code in ("name_taken", "not_found", "invalid", "permission_denied", "internal_error"):
            assert f'<dt id="{code}">' in page

    def test_one_code_has_one_status(self):
        from core.errors import GoldgateError
        from portal.problem_list import _below

        kinds: dict[str, set[str]] = {}
        for error in _below(GoldgateError):
            if "code" in vars(error):
                kinds.setdefault(error.code, set()).add(error.kind)
        assert {code: found for code, found in kinds.items() if len(found) > 1} == {}

    def test_each_says_what_it_means(self):
        assert [code for code, (_, meaning) in problems().items() if not meaning and code != "not_yet"] == []
