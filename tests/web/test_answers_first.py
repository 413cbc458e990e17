"""Each page gives its answer first, with what to use instead, who must act, and a name for the thing it shows."""

import csv
import io
import re
from datetime import timedelta

import pytest
from django.test import Client, RequestFactory
from uuid6 import uuid7

from admission import services as admission
from admission.services import record_decisions
from catalog.models import Subversion
from tests.factories.admission import ACTOR, decision_row, revoke
from tests.factories.approvals import ProposalFactory, known
from tests.factories.catalog import SubversionFactory
from tests.web.world import text_of
from web.differing import _findings, _size
from web.templatetags.components import check_lines
from web.views.decisions import _instead
from web.views.errors import broken

pytestmark = pytest.mark.django_db


def title_of(page: str) -> str:
    return re.search(r"<title>(.*?)</title>", page, re.DOTALL).group(1)


class TestDecision:
    def test_says_what_to_use_instead_as_a_line_to_paste_before_its_checks(self, world, signed_in):
        page = text_of(signed_in(world.viewer).get(f"/d/{world.denied.short_id}"))
        line = f"<code>registry.example/golden/debian@{world.good.artifact.digest}</code>"
        assert "Use this instead" in page
        assert page.index(line) < page.index('class="gg-lines"')

    @pytest.mark.parametrize(
        ("remedy", "lines"),
        [
            (f"Use registry.corp:5000/base@sha256:{'a' * 64}.", [f"registry.corp:5000/base@sha256:{'a' * 64}"]),
            (f"Rebuild: FROM base@sha256:{'a' * 64}.", [f"FROM base@sha256:{'a' * 64}"]),
            (f"Import it: goldgate import stranger@sha256:{'a' * 64}.", []),
            ("Use base@sha256:abc.", []),
        ],
    )
    def test_only_what_a_cure_says_to_use_is_offered(self, world, signed_in, remedy, lines):
        checks = [{"code": "approved", "outcome": "fail", "reason": "", "remedy": remedy}]
        world.denied.images = [{"reference": "x", "allowed": False, "line": "deploy", "checks": checks}]
        answer = signed_in(world.viewer).get(f"/d/{world.denied.short_id}")
        assert answer.status_code == 200
        assert _instead(world.denied) == lines

    def test_list_does_not_set_the_name_of_a_check_beside_denied_as_if_it_were_an_answer(self, world, signed_in):
        page = text_of(signed_in(world.viewer).get("/decisions"))
        assert "not passed: approved" in page

    def test_list_says_which_image_was_asked_for(self, world, signed_in):
        image = {"reference": "docker.io/x:1", "path": "", "digest": "", "allowed": True, "line": "deploy"}
        image |= {"checks": [], "valid_until": 0}
        row = decision_row(str(uuid7()), at=world.now, digest=world.loose, images=[image] * 3)
        record_decisions(gate=world.gate, rows=[row], now=world.now)
        page = text_of(signed_in(world.viewer).get("/decisions"))
        assert "docker.io/x:1" in page
        assert "and 1 more" in page


class TestSubversion:
    def test_that_must_not_be_used_leads_to_the_one_to_use(self, world, signed_in):
        gone = Subversion.objects.get(pk=world.bad.pk)
        revoke(gone, world.now)
        page = text_of(signed_in(world.viewer).get(f"/i/debian/12/{gone.name}"))
        assert f'Use this instead: <a href="/i/debian/12/{world.good.name}">' in page
        assert f"<code>FROM registry.example/golden/debian@{world.good.artifact.digest}</code>" in page

    def test_that_may_be_used_offers_itself_alone(self, world, signed_in):
        page = text_of(signed_in(world.viewer).get(f"/i/debian/12/{world.good.name}"))
        assert "Use this instead" not in page

    @pytest.mark.parametrize("tab", ["findings", "hardening", "profile", "contents"])
    def test_each_of_its_pages_names_it(self, world, signed_in, tab):
        page = text_of(signed_in(world.viewer).get(f"/a/{world.good.artifact.digest}/{tab}"))
        assert str(world.good) in title_of(page)
        assert str(world.good) in re.search(r"<h1>(.*?)</h1>", page).group(1)


class TestReview:
    def test_leads_a_reviewer_to_the_judgement(self, world, signed_in):
        page = text_of(signed_in(world.reviewer).get(f"/reviews/{world.waiting.pk}"))
        assert '<a class="btn btn-primary" href="#judge">To your judgement</a>' in page
        assert 'id="judge"' in page

    @pytest.mark.parametrize(
        ("who", "words"), [("requester", "You proposed it, so others judge it."), ("viewer", "Reviewers must act")]
    )
    def test_says_at_the_top_why_somebody_else_must_act(self, world, signed_in, who, words):
        page = text_of(signed_in(getattr(world, who)).get(f"/reviews/{world.waiting.pk}"))
        assert page.index(words) < page.index('class="gg-lines"')
        assert "To your judgement" not in page


class TestCluster:
    def test_answers_whether_its_gates_live(self, world, signed_in):
        page = text_of(signed_in(world.viewer).get("/clusters/east"))
        assert "1 of 1 gate was not heard lately." in page
        assert "Enrolled, but it never said anything yet." in page

    def test_without_a_gate_says_that_nobody_answers(self, world, signed_in):
        admission.add_cluster(name="west", actor=ACTOR, now=world.now)
        assert "Nobody answers for this cluster yet." in text_of(signed_in(world.viewer).get("/clusters/west"))

    def test_heard_but_behind_is_not_called_newest(self, world, signed_in):
        world.gate.last_seen_at = world.now + timedelta(minutes=5)
        world.gate.save()
        page = text_of(signed_in(world.viewer).get("/clusters/east"))
        assert "1 gate heard, not all of them on the newest snapshot." in page


class TestErrors:
    @pytest.mark.parametrize(("address", "status"), [("/nothing", 404), ("/i/nothing", 404), ("/clusters/new", 403)])
    def test_keeps_the_ways_through_the_product(self, world, signed_in, address, status):
        answer = signed_in(world.viewer).get(address)
        assert answer.status_code == status
        assert 'aria-label="Main"' in text_of(answer)

    def test_shows_a_stranger_no_ways(self):
        answer = Client().get("/nothing")
        assert answer.status_code == 404
        assert 'aria-label="Main"' not in text_of(answer)

    def test_of_our_own_looks_like_the_product_and_asks_no_database(self, django_assert_num_queries):
        with django_assert_num_queries(0):
            page = text_of(broken(RequestFactory().get("/")))
        assert 'rel="stylesheet" href="/static/goldgate/goldgate' in page

    def test_of_our_own_is_there_without_collected_files(self, monkeypatch):
        def missing(name: str) -> str:
            raise ValueError(name)

        monkeypatch.setattr("web.views.errors.static", missing)
        page = text_of(broken(RequestFactory().get("/")))
        assert "Something broke on our side" in page
        assert "stylesheet" not in page

    def test_names_a_missing_role_in_words(self, world, signed_in):
        assert "This needs the role platform admin." in text_of(signed_in(world.viewer).get("/clusters/new"))


class TestForm:
    def test_what_is_folded_away_opens_when_something_in_it_is_wrong(self, world, signed_in):
        client = signed_in(world.admin)
        assert "<details><summary>Arguments" in text_of(client.get("/sources/new"))
        answer = client.post("/sources/new", {"name": "x"})
        assert "<details open><summary>Arguments" in text_of(answer)

    def test_a_version_that_is_not_there_is_said_at_its_field(self, world, signed_in):
        data = {"name": "x", "version": "nope/1", "url": "/srv/git/x.git", "ref_rule": "main"}
        data |= {"dockerfile": "Dockerfile", "builder": "buildah", "network": "none", "renew_every_days": "7"}
        page = text_of(signed_in(world.admin).post("/sources/new", data))
        assert '<a href="#id_version">Version</a>: There is no nope/1 in the catalog.' in page
        assert "Add the version to the catalog first." in page


class TestCheckLines:
    def test_neighbours_that_say_the_same_are_one_line(self):
        rows = [
            {"code": "reference", "outcome": "fail", "reason": "Not in full.", "remedy": "Write it."},
            {"code": "end_of_life", "outcome": "unknown", "reason": "Not sure."},
            {"code": "known", "outcome": "unknown", "reason": "Not sure."},
            {"code": "root", "outcome": "fail", "reason": "Not sure."},
        ]
        assert [codes for codes, _ in check_lines(rows)["lines"]] == ["reference", "root", "end of life, known"]

    def test_what_refuses_stands_first_and_the_rest_keeps_its_order(self):
        outcomes = ("pass", "warn", "unknown", "fail", "pass", "fail")
        rows = [{"code": str(number), "outcome": one, "reason": str(number)} for number, one in enumerate(outcomes)]
        assert [codes for codes, _ in check_lines(rows)["lines"]] == ["3", "5", "2", "1", "0", "4"]


class TestNumbers:
    @pytest.mark.parametrize(
        ("change", "words"), [(512, "512 B larger, unpacked."), (-3 * 2**20, "3.0 MiB smaller, unpacked.")]
    )
    def test_a_change_of_size_has_a_unit_that_shows_it(self, change, words):
        assert [point.text for point in _size({"unpacked_bytes_change": change})] == [words]

    @pytest.mark.parametrize(
        ("worst", "words"),
        [("high", "2 new findings, the worst high."), ("unknown", "2 new findings, some of them not rated.")],
    )
    def test_what_nobody_rated_is_not_called_the_worst(self, worst, words):
        told = {"findings_new": 2, "findings_fixed": 0, "worst_new_severity": worst}
        assert [point.text for point in _findings(told)] == [words]


class TestHome:
    def test_shows_some_of_very_many_reviews_and_where_all_are(self, world, signed_in):
        for number in range(21):
            one = SubversionFactory(world.now, version=world.good.version, name=f"more-{number}")
            known(one.artifact, world.now)
            ProposalFactory(world.now, subversion=one, proposed_by=world.requester)
        page = text_of(signed_in(world.reviewer).get("/"))
        assert page.count('<a class="gg-grow" href="/reviews/') == 20
        assert '<a href="/reviews">All 22 of them</a>' in page

    def test_what_is_mine_stands_before_what_i_may_try(self, world, signed_in):
        page = text_of(signed_in(world.requester).get("/"))
        assert page.index('id="req"') < page.index('id="end"') < page.index('id="try"')


LISTS = (
    "/requests",
    "/reviews",
    "/imports",
    "/builds",
    "/recipes",
    "/waves",
    "/waivers",
    "/jobs",
    "/sources",
    "/upstream",
)


class TestCsv:
    @pytest.mark.parametrize("address", LISTS)
    def test_each_list_is_there_as_a_file_with_its_filters(self, world, signed_in, address):
        client = signed_in(world.admin)
        assert "?format=csv" in text_of(client.get(address))
        answer = client.get(f"{address}?format=csv")
        rows = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode())))
        assert answer["Content-Type"].startswith("text/csv")
        assert len(rows) > 1
        assert {len(row) for row in rows} == {len(rows[0])}

    def test_a_file_holds_what_the_filter_leaves(self, world, signed_in):
        answer = signed_in(world.admin).get("/jobs?format=csv&state=failed")
        rows = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode())))
        assert [row[2] for row in rows[1:]] == ["failed"]

    @pytest.mark.parametrize("address", ["/jobs", "/decisions"])
    def test_a_filter_that_is_not_known_gives_no_file_of_more_than_was_asked_for(self, world, signed_in, address):
        answer = signed_in(world.admin).get(f"{address}?format=csv&stat=failed")
        assert (answer.status_code, answer["Content-Type"]) == (400, "text/html; charset=utf-8")
