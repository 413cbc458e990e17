from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.roles import Role, Scope
from approvals import services
from approvals.models import Certification, Review
from tests.factories.accounts import person_with, token_for
from tests.factories.approvals import Finding, ProposalFactory, approve, certified, known, publish
from tests.factories.catalog import SubversionFactory, certified_side
from tests.factories.policies import adopted

pytestmark = pytest.mark.django_db


def client_of(person):
    client = Client()
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return client


def as_person(*roles):
    return client_of(person_with(*roles))


@pytest.fixture
def now():
    return timezone.now() - timedelta(minutes=1)


def post(client, path, body=None, **options):
    return client.post(path, body, content_type="application/json", **options)


class TestTheLine:
    def test_from_a_candidate_to_a_certificate_and_back(self, now):
        certified_side(now)
        subversion = SubversionFactory(now)
        known(subversion.artifact, now, [Finding("CVE-2026-1", "zlib1g", "1.2", "", "critical")])
        proposer = as_person(Role.REQUESTER)
        opened = post(proposer, "/api/v1/proposals", {"subversion": str(subversion.pk)})
        assert opened.status_code == 201, opened.json()
        proposal = opened.json()
        assert opened["Location"] == f"/api/v1/proposals/{proposal['id']}"
        assert {line["code"]: line["outcome"] for line in proposal["verdict"]}["unfixed"] == "warn"
        judged = {"outcome": "approve", "packet_sha256": proposal["packet_sha256"]}
        path = f"/api/v1/proposals/{proposal['id']}/reviews"
        for _ in range(2):
            assert post(as_person(Role.REVIEWER), path, judged).status_code == 201
        assert proposer.get(f"/api/v1/proposals/{proposal['id']}").json()["state"] == "certifying"
        certification = Certification.objects.get()
        publish(certification, now)
        services.finalise(publication_id=certification.publication_id, now=timezone.now())
        shown = proposer.get(f"/api/v1/certifications/{certification.pk}").json()
        assert (shown["unfixed"], shown["is_one_person"], len(shown["reviewers"])) == ({"critical": 1}, False, 2)
        assert shown["packet_sha256"] == proposal["packet_sha256"]
        security = as_person(Role.SECURITY_REVIEWER)
        place = f"/api/v1/subversions/{subversion.pk}"
        assert post(security, f"{place}/suspend", {"reason": "odd"}).status_code == 201
        assert proposer.get(place).json()["cause"] == "suspended"
        assert post(security, f"{place}/lift", {"reason": "fine"}).status_code == 200
        assert proposer.get(place).json()["state"] == "certified"
        assert post(security, f"{place}/revoke", {"reason": "backdoor"}).status_code == 201
        assert proposer.get(place).json()["cause"] == "revoked"
        assert post(security, f"{place}/revoke", {"reason": "backdoor"}).status_code == 409
        listed = proposer.get(f"{place}/certifications").json()["results"]
        assert [one["reason"] for one in listed] == ["Revoked: backdoor"]


class TestReviews:
    def test_the_proposer_is_refused_with_the_reason(self, now):
        proposer = person_with(Role.REQUESTER, Role.REVIEWER)
        proposal = ProposalFactory(now, proposed_by=proposer)
        body = {"outcome": "approve", "packet_sha256": proposal.current_packet.sha256}
        answer = post(client_of(proposer), f"/api/v1/proposals/{proposal.pk}/reviews", body)
        assert (answer.status_code, answer.json()["code"]) == (403, "own_proposal")
        assert not Review.objects.exists()

    def test_the_line_s_refusal_names_each_check(self, now):
        subversion = SubversionFactory(now)
        known(subversion.artifact, now, [Finding("CVE-2026-1", "openssl", "1", "2", "critical", fix_since=now)])
        proposal = ProposalFactory(now, subversion=subversion)
        body = {"outcome": "approve", "packet_sha256": proposal.current_packet.sha256}
        answer = post(as_person(Role.REVIEWER), f"/api/v1/proposals/{proposal.pk}/reviews", body)
        assert (answer.status_code, answer.json()["code"]) == (403, "line_crossed")
        assert [row["pointer"] for row in answer.json()["errors"]] == ["/findings"]

    def test_a_moved_packet_is_a_conflict(self, now):
        proposal = ProposalFactory(now)
        body = {"outcome": "approve", "packet_sha256": "0" * 64}
        answer = post(as_person(Role.REVIEWER), f"/api/v1/proposals/{proposal.pk}/reviews", body)
        assert (answer.status_code, answer.json()["code"]) == (409, "packet_moved")

    def test_no_token_reviews_whoever_owns_it(self, now):
        proposal = ProposalFactory(now)
        _, secret = token_for(person_with(Role.REVIEWER, Role.SECURITY_REVIEWER))
        headers = {"Authorization": f"Bearer {secret}"}
        body = {"outcome": "approve", "packet_sha256": proposal.current_packet.sha256}
        assert post(Client(), f"/api/v1/proposals/{proposal.pk}/reviews", body, headers=headers).status_code == 403
        place = f"/api/v1/subversions/{proposal.subversion_id}"
        for deed in ("suspend", "lift", "revoke"):
            assert post(Client(), f"{place}/{deed}", {"reason": "x"}, headers=headers).status_code == 403
        assert not Review.objects.exists()

    def test_are_listed_with_what_weakens_them(self, now):
        proposer = person_with(Role.REQUESTER)
        proposal = ProposalFactory(now, proposed_by=proposer)
        approve(proposal, person_with(Role.REVIEWER, created_by=proposer), now)
        listed = as_person(Role.VIEWER).get(f"/api/v1/proposals/{proposal.pk}/reviews").json()["results"]
        assert [(one["is_current"], len(one["warnings"])) for one in listed] == [(True, 1)]

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"outcome": "maybe", "packet_sha256": "0" * 64},
            {"outcome": "approve", "packet_sha256": "0" * 63},
            {"outcome": "approve", "packet_sha256": "0" * 64, "reviewer": "x"},
            [],
            None,
        ],
    )
    def test_malformed_ones_are_told_so(self, now, body):
        proposal = ProposalFactory(now)
        answer = post(as_person(Role.REVIEWER), f"/api/v1/proposals/{proposal.pk}/reviews", body)
        assert answer.status_code == 400


class TestPackets:
    def test_are_shown_byte_for_byte(self, now):
        packet = ProposalFactory(now).current_packet
        body = as_person(Role.VIEWER).get(f"/api/v1/packets/{packet.pk}").json()
        assert (body["canonical"], body["sha256"]) == (packet.canonical, packet.sha256)


class TestVerdict:
    def test_says_what_moved(self, now):
        subversion = certified(now).subversion
        known(subversion.artifact, now, [Finding("CVE-2026-2", "openssl", "1", "2", "critical", fix_since=now)])
        body = as_person(Role.VIEWER).get(f"/api/v1/subversions/{subversion.pk}/verdict").json()
        assert {line["code"]: line["outcome"] for line in body["lines"]}["findings"] == "fail"
        assert [one["vulnerability_id"] for one in body["moved"]["added"]] == ["CVE-2026-2"]


class TestRequests:
    def test_asked_joined_answered(self, now):
        first, second = as_person(Role.REQUESTER), as_person(Role.REQUESTER)
        wanted = {"image": "debian", "version": "12", "reason": "for us"}
        asked = post(first, "/api/v1/requests", wanted)
        assert asked.status_code == 201
        place = asked["Location"]
        assert post(second, "/api/v1/requests", wanted).json()["id"] == asked.json()["id"]
        assert first.get(place).json()["join_count"] == 1
        answered = post(as_person(Role.REVIEWER), f"{place}/answer", {"answer": "use 13"})
        assert (answered.status_code, answered.json()["state"]) == (200, "answered")
        assert post(second, f"{place}/join", {}).status_code == 409
        assert post(first, f"{place}/withdraw").status_code == 409
        assert first.get("/api/v1/requests?state=open").json()["results"] == []
        assert first.get("/api/v1/requests/999").status_code == 404

    def test_names_what_was_proposed_for_it(self, now):
        subversion = SubversionFactory(now)
        wanted = {"image": subversion.version.image.name, "version": "12", "reason": "for us"}
        place = post(as_person(Role.REQUESTER), "/api/v1/requests", wanted)["Location"]
        proposal = ProposalFactory(now, subversion=subversion)
        assert as_person(Role.VIEWER).get(place).json()["proposals"] == [str(proposal.pk)]


class TestLists:
    def test_queries_do_not_grow_with_rows(self, now, django_assert_max_num_queries):
        for number in range(3):
            certified(now)
            services.ask_request(
                image_name="debian",
                version_name=str(number),
                reason="for us",
                asked_by=person_with(Role.REQUESTER),
                now=now,
            )
        reader = as_person(Role.VIEWER)
        for path in ("proposals", "requests", "policies"):
            with django_assert_max_num_queries(8):
                assert reader.get(f"/api/v1/{path}").json()["results"]


class TestPolicies:
    def test_are_read_whole(self, now):
        reader = as_person(Role.VIEWER)
        assert reader.get("/api/v1/policies/active").json()["version"] == 0
        policy = adopted(now, reviewers=3)
        active = reader.get("/api/v1/policies/active").json()
        assert (active["version"], active["sha256"]) == (1, policy.sha256)
        assert active["document"]["certify"]["reviewers"] == 3
        assert [one["version"] for one in reader.get("/api/v1/policies").json()["results"]] == [1]
        assert reader.get("/api/v1/policies/1").json() == active
        assert reader.get("/api/v1/policies/2").status_code == 404


class TestProposals:
    def test_a_token_may_propose(self, now):
        subversion = SubversionFactory(now)
        _, secret = token_for(person_with(Role.REQUESTER), Scope.PROPOSE)
        headers = {"Authorization": f"Bearer {secret}"}
        answer = post(Client(), "/api/v1/proposals", {"subversion": str(subversion.pk)}, headers=headers)
        assert answer.status_code == 201

    def test_names_an_author_that_is_not_there(self, now):
        body = {"subversion": str(SubversionFactory(now).pk), "source_author": "nobody"}
        answer = post(as_person(Role.REQUESTER), "/api/v1/proposals", body)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/source_author")

    def test_listed_and_withdrawn(self, now):
        proposer = person_with(Role.REQUESTER)
        proposal = ProposalFactory(now, proposed_by=proposer)
        client = client_of(proposer)
        assert [one["id"] for one in client.get("/api/v1/proposals?state=open").json()["results"]] == [str(proposal.pk)]
        assert post(client, f"/api/v1/proposals/{proposal.pk}/withdraw", {"reason": "later"}).status_code == 200
        assert client.get("/api/v1/proposals?state=open").json()["results"] == []
