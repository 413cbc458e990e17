"""What people do on pages: the services answer, and what they refuse stands where the person can act on it."""

from datetime import timedelta
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from accounts.models import Person, RoleGrant, ServiceToken
from accounts.roles import Role
from admission.models import Decision
from approvals.models import Proposal, Review
from audit.models import Record
from catalog import selectors as catalog
from registry.models import Import, Registry
from scans.models import Feed
from tests.factories.accounts import person_with
from tests.factories.admission import publisher_in
from tests.factories.registry import archive
from tests.web.world import World, text_of

pytestmark = pytest.mark.django_db


class TestReviewing:
    def judge(self, client, proposal: Proposal, outcome: str, reason: str = ""):
        data = {"outcome": outcome, "reason": reason, "packet_sha256": proposal.current_packet.sha256}
        return client.post(f"/reviews/{proposal.pk}", data, follow=True)

    def test_two_approvals_begin_the_certification(self, world, signed_in):
        self.judge(signed_in(world.reviewer), world.waiting, "approve")
        answer = self.judge(signed_in(world.security), world.waiting, "approve", "Read and understood.")
        assert "It was the last one needed" in text_of(answer)
        world.waiting.refresh_from_db()
        assert world.waiting.state == Proposal.State.CERTIFYING

    def test_of_an_own_proposal_shows_no_form(self, world, signed_in):
        page = text_of(signed_in(world.requester).get(f"/reviews/{world.waiting.pk}"))
        assert "You proposed it, so others judge it." in page
        assert 'name="outcome"' not in page

    def test_of_an_own_proposal_is_refused(self, world, signed_in):
        RoleGrant.objects.create(person=world.requester, role=Role.REVIEWER, starts_at=world.now)
        answer = self.judge(signed_in(world.requester), world.waiting, "approve")
        assert answer.status_code == 400
        assert "Nobody reviews what they proposed" in text_of(answer)
        assert not Review.objects.filter(proposal=world.waiting).exists()

    def test_asking_for_changes_needs_a_reason_at_its_field(self, world, signed_in):
        answer = self.judge(signed_in(world.reviewer), world.waiting, "request_changes")
        page = text_of(answer)
        assert answer.status_code == 400
        assert 'aria-invalid="true"' in page
        assert "A reason is missing" in page or "Say in words why" in page

    def test_of_a_packet_that_moved_is_refused_and_names_the_new_one(self, world, signed_in):
        data = {"outcome": "approve", "reason": "", "packet_sha256": "0" * 64}
        answer = signed_in(world.reviewer).post(f"/reviews/{world.waiting.pk}", data)
        assert answer.status_code == 400
        assert "The evidence changed while it was read" in text_of(answer)
        assert f'value="{world.waiting.current_packet.sha256}"' in text_of(answer)

    def test_warns_when_the_proposer_made_the_reviewer_s_account(self, world, signed_in):
        page = text_of(signed_in(world.reviewer).get(f"/reviews/{world.waiting.pk}"))
        assert "Your account was made by" in page
        assert "who proposed this" in page
        assert "Your account was made by" not in text_of(signed_in(world.second).get(f"/reviews/{world.waiting.pk}"))

    def test_the_warning_stays_beside_the_judgement(self, world, signed_in):
        self.judge(signed_in(world.reviewer), world.waiting, "approve")
        assert "was created by" in text_of(signed_in(world.viewer).get(f"/reviews/{world.waiting.pk}"))

    def test_stands_on_the_start_page_of_who_must_act(self, world, signed_in):
        assert "1 review waits for you" in text_of(signed_in(world.second).get("/"))
        assert "review waits for you" not in text_of(signed_in(world.requester).get("/"))


class TestProposing:
    def test_from_an_artifact_to_its_reviewers(self, world, signed_in):
        client = signed_in(world.requester)
        answer = client.post(f"/a/{world.loose}/place", {"version": "debian/12", "name": "12.17"})
        assert answer["Location"] == "/i/debian/12/12.17"
        client.post("/i/debian/12/12.17/propose", {"note": "Please."})
        assert Proposal.objects.get(subversion__name="12.17").note == "Please."

    def test_of_a_name_that_is_taken_is_refused(self, world, signed_in):
        answer = signed_in(world.requester).post(
            f"/a/{world.loose}/place", {"version": "debian/12", "name": world.good.name}
        )
        assert answer.status_code == 400
        assert "exists" in text_of(answer)


class TestEnding:
    def where(self, world: World) -> str:
        return f"/i/debian/12/{world.good.name}"

    def test_revoking_shows_its_effect_first(self, world, signed_in):
        page = text_of(signed_in(world.security).get(f"{self.where(world)}/revoke"))
        assert "this cannot be taken back" in page
        assert "There is nothing certified to move to" in page

    def test_revoking_asks_for_a_reason(self, world, signed_in):
        answer = signed_in(world.security).post(f"{self.where(world)}/revoke", {"reason": ""})
        assert answer.status_code == 400
        assert catalog.subversion_by_id(world.good.pk).revoked_at is None

    def test_revoking_is_shown_with_its_reason(self, world, signed_in):
        client = signed_in(world.security)
        page = text_of(client.post(f"{self.where(world)}/revoke", {"reason": "A backdoor in xz."}, follow=True))
        assert "withdrawn" in page
        assert "A backdoor in xz." in page
        assert "Not yet published" in page
        assert "FROM registry.example" not in page

    def test_suspending_and_lifting(self, world, signed_in):
        client = signed_in(world.security)
        assert "suspended until" in text_of(
            client.post(f"{self.where(world)}/suspend", {"reason": "Looking into it."}, follow=True)
        )
        assert "May be used until" in text_of(
            client.post(f"{self.where(world)}/lift", {"reason": "False alarm."}, follow=True)
        )

    def test_an_administrator_may_not(self, world, signed_in):
        client = signed_in(world.admin)
        assert client.post(f"{self.where(world)}/revoke", {"reason": "No."}).status_code == 403
        assert "Revoke …" not in text_of(client.get(self.where(world)))


class TestRequests:
    def test_who_asks_for_the_same_joins(self, world, signed_in):
        data = {"image_name": "python", "version_name": "3.12", "reason": "We too."}
        answer = signed_in(world.reviewer).post("/requests/new", data)
        assert answer["Location"] == f"/r/{world.asked.pk}"
        assert world.asked.joins.get().person == world.reviewer

    def test_what_is_certified_already_is_named(self, world, signed_in):
        data = {"image_name": "debian", "version_name": "12", "reason": "We need it."}
        answer = signed_in(world.requester).post("/requests/new", data)
        assert answer.status_code == 400
        assert "FROM registry.example/golden/debian@sha256:" in text_of(answer)

    def test_is_answered_in_words(self, world, signed_in):
        page = text_of(
            signed_in(world.admin).post(f"/r/{world.asked.pk}/answer", {"answer": "Use debian/12."}, follow=True)
        )
        assert "Use debian/12." in page
        assert "answered" in page


class TestImporting:
    def test_an_archive(self, world, signed_in):
        upload = SimpleUploadedFile("hello.tar", archive("hello-1").read_bytes())
        answer = signed_in(world.requester).post("/imports/new", {"way": "archive", "archive": upload})
        asked = Import.objects.exclude(pk=world.done_import.pk).get()
        assert answer["Location"] == f"/imports/{asked.pk}"
        assert "It is on its way" in text_of(signed_in(world.viewer).get(answer["Location"]))

    def test_what_is_no_archive_is_refused_on_the_form(self, world, signed_in):
        upload = BytesIO(b"no archive")
        upload.name = "x.tar"
        answer = signed_in(world.requester).post("/imports/new", {"way": "archive", "archive": upload})
        assert answer.status_code == 400
        assert "This was not done" in text_of(answer)

    def test_from_a_registry_that_is_not_listed_says_so(self, world, signed_in):
        data = {"way": "reference", "reference": "evil.example/x/y:1"}
        answer = signed_in(world.requester).post("/imports/new", data)
        assert answer.status_code == 400
        assert "No registry with the host" in text_of(answer)


class TestRegistries:
    def test_a_preset_fills_the_form_in(self, world, signed_in):
        assert 'value="ghcr.io"' in text_of(signed_in(world.admin).get("/registries/new?preset=ghcr"))

    def test_a_wrong_field_is_named_at_the_field(self, world, signed_in):
        data = {"name": "x", "side": "source", "kind": "remote", "host": "NOT A HOST"}
        answer = signed_in(world.admin).post("/registries/new", data)
        assert answer.status_code == 400
        assert "The host is host[:port] in lower case" in text_of(answer)
        assert 'href="#id_host"' in text_of(answer)

    def test_a_password_is_kept_and_never_shown(self, world, signed_in):
        data = {
            "name": "x",
            "side": "source",
            "kind": "remote",
            "host": "x.example",
            "username": "u",
            "secret": "s3cr3t-9",
        }
        client = signed_in(world.admin)
        page = text_of(client.post("/registries/new", data, follow=True))
        assert Registry.objects.get(name="x").has_secret
        assert "s3cr3t-9" not in page


class TestFeeds:
    def test_a_file_without_a_date_is_refused(self, world, signed_in):
        upload = SimpleUploadedFile("a.jsonl", b"")
        answer = signed_in(world.admin).post(f"/feeds/{world.feed.pk}", {"file": upload})
        assert answer.status_code == 400

    def test_switching_off_is_recorded(self, world, signed_in):
        signed_in(world.admin).post(f"/feeds/{world.feed.pk}/switch")
        assert not Feed.objects.get(pk=world.feed.pk).is_enabled
        assert Record.objects.filter(verb="feed.changed").exists()


class TestPeople:
    def test_a_one_time_password_is_shown_once(self, admin, signed_in):
        client = signed_in(admin)
        answer = client.post("/people/new", {"username": "newcomer"})
        made = Person.objects.get(username="newcomer")
        assert "It is shown now and never again" in text_of(answer)
        assert answer["Cache-Control"] == "no-store"
        assert "never again" not in text_of(client.get(f"/people/{made.pk}"))

    def test_nobody_grants_themselves_a_role(self, admin, signed_in):
        answer = signed_in(admin).post(f"/people/{admin.pk}/roles", {"role": "reviewer"})
        assert answer.status_code == 400
        assert "Nobody grants themselves a role" in text_of(answer)

    def test_a_role_until_a_day_holds_through_that_day(self, admin, viewer, signed_in):
        day = (timezone.now() + timedelta(days=3)).date()
        signed_in(admin).post(f"/people/{viewer.pk}/roles", {"role": "auditor", "ends_on": day.isoformat()})
        grant = RoleGrant.objects.get(person=viewer, role="auditor")
        assert grant.ends_at.date() == day + timedelta(days=1)
        assert (grant.ends_at.hour, grant.ends_at.minute) == (0, 0)

    def test_ending_the_last_administrator_is_refused_in_words(self, admin, signed_in):
        grant = RoleGrant.objects.get(person=admin)
        page = text_of(signed_in(admin).post(f"/roles/{grant.pk}/end", follow=True))
        assert "no longer platform admin" not in page
        grant.refresh_from_db()
        assert grant.ends_at is None


class TestTokens:
    def test_the_secret_is_shown_once(self, viewer, signed_in):
        client = signed_in(viewer)
        day = (timezone.now() + timedelta(days=30)).date().isoformat()
        page = text_of(client.post("/tokens/new", {"name": "ci", "scopes": ["read"], "expires_on": day}))
        token = ServiceToken.objects.get(owner=viewer)
        assert f"ggt_{token.hint}" in page
        assert page.count("ggt_") >= 1
        assert text_of(client.get("/tokens")).count(f"ggt_{token.hint}…") == 1

    def test_of_somebody_else_is_as_if_it_did_not_exist(self, world, signed_in):
        page = text_of(signed_in(world.viewer).post(f"/tokens/{world.token.pk}/end", follow=True))
        assert "There is no such token." in page
        assert world.token.name not in page


class TestTryIt:
    def test_without_a_snapshot_says_what_is_missing(self, world, signed_in, settings, tmp_path):
        settings.GOLDGATE_HOME = tmp_path
        answer = signed_in(world.viewer).post("/try", {"question": "registry.example/golden/debian:12"})
        assert answer.status_code == 400
        assert "No snapshot is published yet" in text_of(answer)

    def test_is_answered_by_the_engine(self, world, signed_in, settings, tmp_path):
        settings.GOLDGATE_HOME = tmp_path
        now = timezone.now()
        publisher_in(tmp_path, now=now).publish_due(now=now)
        manifest = (
            "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {containers: [{name: a, image: 'evil.example/x:1'}]}"
        )
        page = text_of(signed_in(world.viewer).post("/try", {"question": manifest}, follow=True))
        assert "denied" in page
        assert "spec.containers[0].image" in page
        assert Decision.objects.filter(gate=None, user="vic").count() == 1

    def test_a_manifest_that_cannot_be_read_names_the_line(self, world, signed_in):
        answer = signed_in(world.viewer).post("/try", {"question": "kind: Pod\nkind: Pod\n"})
        assert answer.status_code == 400
        assert "stands twice" in text_of(answer)


class TestLists:
    @pytest.mark.parametrize(
        "address", ["/jobs?stat=failed", "/jobs?state=lost", "/decisions?answer=maybe", "/catalog?q=%00"]
    )
    def test_an_unknown_filter_is_said(self, world, signed_in, address):
        answer = signed_in(world.admin).get(address)
        assert answer.status_code == 400
        assert "This list was not filtered as asked." in text_of(answer)

    def test_a_cut_cursor_is_refused_in_words(self, world, signed_in):
        answer = signed_in(world.admin).get("/jobs?cursor=abc")
        assert answer.status_code == 400
        assert "cut or altered" in text_of(answer)

    def test_pages_follow_one_another_without_gap(self, admin, signed_in):
        people = {person_with(Role.VIEWER, username=f"p{number:03}").username for number in range(120)}
        client, seen, address = signed_in(admin), set(), "/people"
        for _ in range(4):
            page = text_of(client.get(address))
            seen |= {name for name in people if f">{name}<" in page}
            if 'rel="next"' not in page:
                break
            address = "/people" + page.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
        assert seen == people

    def test_cells_of_a_csv_file_are_no_formulas(self, world, signed_in):
        Decision.objects.filter(pk=world.denied.pk).update(user="=cmd|'/c calc'!A0")
        body = b"".join(signed_in(world.viewer).get("/decisions?format=csv").streaming_content).decode()
        assert "'=cmd" in body
        assert ",=cmd" not in body

    def test_the_approved_list_as_csv(self, world, signed_in):
        body = b"".join(signed_in(world.viewer).get("/catalog.csv").streaming_content).decode()
        assert body.splitlines()[0].startswith("image,version,subversion,state,until,repository,digest")
        assert f"debian,12,{world.good.name},certified" in body


class TestFinding:
    def test_jumps_to_an_exact_digest(self, world, signed_in):
        answer = signed_in(world.viewer).get(f"/find?q={world.good.artifact.digest}")
        assert answer["Location"].endswith(world.good.artifact.digest) or answer["Location"].startswith("/i/")

    def test_finds_who_has_a_vulnerability(self, world, signed_in):
        page = text_of(signed_in(world.viewer).get("/find?q=cve-2026-8376"))
        assert "Images affected by it" in page

    def test_says_what_it_looks_for_when_it_finds_nothing(self, world, signed_in):
        assert "Nothing found" in text_of(signed_in(world.viewer).get("/find?q=zzzz"))


class TestRecord:
    def test_an_auditor_takes_all_of_it_out_and_that_is_recorded(self, world, signed_in):
        answer = signed_in(world.auditor).post("/record/export")
        body = b"".join(answer.streaming_content)
        assert body.startswith(b'{"')
        assert Record.objects.filter(verb="record.exported", actor_name="otto").count() == 1


class TestRawData:
    def test_is_a_download_that_no_browser_runs(self, world, signed_in):
        answer = signed_in(world.viewer).get(f"/packets/{world.waiting.current_packet_id}")
        assert answer["Content-Disposition"].startswith("attachment")
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer.content.decode() == world.waiting.current_packet.canonical

    def test_of_what_is_not_kept_is_missing(self, world, signed_in):
        assert signed_in(world.viewer).get(f"/a/{world.loose}/raw/sbom").status_code == 404


class TestEmptyHouse:
    def test_says_what_is_missing_and_how_to_get_it(self, admin, signed_in):
        page = text_of(signed_in(admin).get("/"))
        for sentence in ("There are no advisories", "There are not two reviewers", "There is nowhere to publish"):
            assert sentence in page
        assert "script/manage person add" in page

    @pytest.mark.parametrize("address", ["/catalog", "/feeds", "/clusters", "/registries", "/imports", "/decisions"])
    def test_every_empty_list_says_the_next_step(self, admin, signed_in, address):
        page = text_of(signed_in(admin).get(address))
        assert 'class="gg-empty"' in page

    def test_policy_of_security_headers(self, admin, signed_in):
        policy = signed_in(admin).get("/")["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
