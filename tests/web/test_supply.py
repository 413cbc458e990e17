"""What people do on the pages of supply: judging recipes and waves, sources, waivers, watches; and what is refused."""

from datetime import timedelta

import pytest
from django.core.cache import cache

from accounts.models import Person
from accounts.roles import Role
from approvals.models import RecipeReview, Review
from audit.actor import Actor, Subject
from audit.models import Record
from audit.services import record
from audit.verbs import Verb
from builds.models import Build, Cause, LogChunk, Recipe, Source, TrustedPipeline, Watch, WaveRow
from catalog.models import HostSystem
from jobs.models import Job
from policies.models import Grant
from tests.factories.accounts import person_with
from tests.factories.approvals import ProposalFactory, known
from tests.factories.builds import BuildFactory, RecipeFactory, SourceFactory
from tests.factories.catalog import SubversionFactory, VersionFactory
from tests.factories.registry import RegistryFactory
from tests.web.supply import inspected
from tests.web.world import World, build, findings
from web.supply import detail_words, failing_lines, source_lines
from web.visible import visible, visible_line

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db) -> World:
    return build()


def text_of(answer) -> str:
    return answer.content.decode()


class TestVisible:
    @pytest.mark.parametrize(
        ("raw", "shown"),
        [
            pytest.param("a\u202eb\u2066c", "a⟨U+202E⟩b⟨U+2066⟩c", id="bidirectional"),
            pytest.param("a\u200bb\ufeff", "a⟨U+200B⟩b⟨U+FEFF⟩", id="zero-width"),
            pytest.param("\x1b[31mred", "⟨U+001B⟩[31mred", id="escape"),
            pytest.param("a\x00\x07\x9b", "a⟨U+0000⟩⟨U+0007⟩⟨U+009B⟩", id="control"),
            pytest.param("10%\r20%\r\ndone\n", "10%\n20%\ndone\n", id="carriage-return"),
            pytest.param("\tgrün 漢字 ✓\n", "\tgrün 漢字 ✓\n", id="plain"),
            pytest.param("\U000e0041\ue000", "⟨U+E0041⟩⟨U+E000⟩", id="tags"),
        ],
    )
    def test_writes_out_what_nobody_sees(self, raw, shown):
        assert visible(raw) == shown

    def test_on_one_line(self):
        assert visible_line("a\nb\tc") == "a⟨U+000A⟩b c"


class TestRecipe:
    def judge(self, client, recipe: Recipe, outcome: str, reason: str = "", sha256: str = ""):
        data = {"outcome": outcome, "reason": reason, "recipe_sha256": sha256 or recipe.sha256}
        return client.post(f"/recipes/{recipe.pk}", data, follow=True)

    def test_says_who_approves_and_what_is_missing(self, world, signed_in):
        page = text_of(signed_in(world.reviewer).get(f"/recipes/{world.supply.recipe.pk}"))
        assert "Not approved: 0 of 2 approvals" in page
        assert "2 more approvals of 2, each by another person." in page
        assert "against" in page.lower()
        assert "RUN apt-get update" in page  # the line that went, of the approved one

    def test_two_approvals_approve_it(self, world, signed_in):
        recipe = world.supply.recipe
        self.judge(signed_in(world.reviewer), recipe, "approve")
        answer = self.judge(signed_in(world.security), recipe, "approve", "Read.")
        assert "the recipe is approved" in text_of(answer)
        recipe.refresh_from_db()
        assert recipe.is_approved
        assert "Approved on" in text_of(signed_in(world.viewer).get(f"/recipes/{recipe.pk}"))

    def test_of_other_bytes_is_refused(self, world, signed_in):
        answer = self.judge(signed_in(world.reviewer), world.supply.recipe, "approve", sha256="0" * 64)
        assert answer.status_code == 400
        assert "What was read is not this recipe." in text_of(answer)
        assert not RecipeReview.objects.exists()

    def test_asking_for_changes_needs_a_reason(self, world, signed_in):
        answer = self.judge(signed_in(world.reviewer), world.supply.recipe, "request_changes")
        assert answer.status_code == 400
        assert not RecipeReview.objects.exists()

    def test_is_not_offered_to_who_answers_for_the_source(self, world, signed_in):
        Source.objects.filter(pk=world.supply.source.pk).update(owner=world.reviewer)
        page = text_of(signed_in(world.reviewer).get(f"/recipes/{world.supply.recipe.pk}"))
        assert "You answer for its source, so others judge it." in page
        assert 'name="outcome"' not in page
        assert self.judge(signed_in(world.reviewer), world.supply.recipe, "approve").status_code == 400

    def test_withdrawing_asks_why_and_is_shown(self, world, signed_in):
        recipe = world.supply.recipe
        self.judge(signed_in(world.reviewer), recipe, "approve")
        self.judge(signed_in(world.second), recipe, "approve")
        client = signed_in(world.security)
        assert "say why" in text_of(client.post(f"/recipes/{recipe.pk}/withdraw", {"reason": ""}, follow=True))
        page = text_of(client.post(f"/recipes/{recipe.pk}/withdraw", {"reason": "A key leaked."}, follow=True))
        assert "Its approval was withdrawn" in page
        assert "A key leaked." in page

    def test_that_nobody_checked_is_not_called_clean(self, world, signed_in, now):
        recipe = RecipeFactory(world.now)
        page = text_of(signed_in(world.viewer).get(f"/recipes/{recipe.pk}"))
        assert "It was not checked yet; that is not the same as clean." in page

    def test_a_waiver_in_force_stands_beside_its_check(self, world, signed_in):
        signed_in(world.second).post(f"/waivers/{world.supply.waiver.pk}/give")
        page = text_of(signed_in(world.viewer).get(f"/recipes/{world.supply.recipe.pk}"))
        assert "Waived until" in page

    def test_counts_lines_as_the_parser_does(self):
        assert [line.text for line in source_lines("FROM a\nRUN b\u2028c\r\nUSER 1\n", [])] == [
            "FROM a",
            "RUN b\u2028c",
            "USER 1",
        ]


class TestSource:
    fields = {
        "name": "debian-13", "version": "debian/13", "url": "https://git.example.org/base.git", "ref_rule": "main",
        "dockerfile": "Dockerfile", "platforms": "linux/amd64", "builder": "buildah", "network": "none",
        "renew_every_days": "7", "arguments": "SUITE=trixie\nEMPTY=",
    }  # fmt: skip

    def test_a_place_that_is_not_listed_is_refused_at_its_field(self, world, signed_in):
        VersionFactory(world.now, "debian/13")
        answer = signed_in(world.admin).post("/sources/new", self.fields)
        assert answer.status_code == 400
        assert 'aria-invalid="true"' in text_of(answer)
        assert not Source.objects.filter(name="debian-13").exists()

    def test_is_named_and_fetched(self, world, signed_in, settings, tmp_path):
        VersionFactory(world.now, "debian/13")
        settings.GOLDGATE_SOURCE_DIRECTORIES = str(tmp_path)
        signed_in(world.admin).post("/sources/new", {**self.fields, "url": f"{tmp_path}/base.git"})
        made = Source.objects.get(name="debian-13")
        assert made.arguments == {"SUITE": "trixie", "EMPTY": ""}
        assert made.owner == world.admin
        assert Record.objects.filter(verb=Verb.SOURCE_FETCH_ASKED, subject_id=str(made.pk)).exists()

    def test_candidates_go_where_the_form_says(self, world, signed_in, tmp_path, settings):
        VersionFactory(world.now, "debian/13")
        settings.GOLDGATE_SOURCE_DIRECTORIES = str(tmp_path)
        RegistryFactory(host="candidates.example")
        fields = {**self.fields, "url": f"{tmp_path}/base.git", "candidate_repository": "candidates.example/builds/x"}
        signed_in(world.admin).post("/sources/new", fields)
        assert Source.objects.get(name=self.fields["name"]).candidate_repository.name == "candidates.example/builds/x"

    def test_no_candidate_goes_to_the_certified_side(self, world, signed_in, tmp_path, settings):
        VersionFactory(world.now, "debian/13")
        settings.GOLDGATE_SOURCE_DIRECTORIES = str(tmp_path)
        RegistryFactory(host="gold.example", side="certified")
        fields = {**self.fields, "url": f"{tmp_path}/base.git", "candidate_repository": "gold.example/builds/x"}
        answer = signed_in(world.admin).post("/sources/new", fields)
        assert answer.status_code == 400
        assert "nothing but certifying writes there" in text_of(answer)

    @pytest.mark.parametrize("text", ["no equals sign", "A=1\nA=2", "=x"])
    def test_arguments_that_are_none_are_refused(self, world, signed_in, text):
        answer = signed_in(world.admin).post("/sources/new", {**self.fields, "arguments": text})
        assert answer.status_code == 400

    @pytest.mark.parametrize(
        ("platforms", "words"),
        [
            pytest.param("linux/amd64\nlinux/amd64", "linux/amd64 is there twice.", id="twice"),
            pytest.param("linux/amd64\narm64", "&#x27;arm64&#x27; is none that is built.", id="malformed"),
        ],
    )
    def test_platforms_that_are_none_are_refused_at_their_field(self, world, signed_in, platforms, words):
        VersionFactory(world.now, "debian/13")
        answer = signed_in(world.admin).post("/sources/new", {**self.fields, "platforms": platforms})
        assert answer.status_code == 400
        assert words in answer.content.decode()

    def test_rebuilding_leads_to_the_build(self, world, signed_in):
        source = SourceFactory(world.now)
        answer = signed_in(world.admin).post(f"/sources/{source.pk}/rebuild")
        made = Build.objects.get(source=source)
        assert answer["Location"] == f"/builds/{made.pk}"
        assert made.causes.get().reason == Cause.Reason.BY_HAND

    def test_paused_and_resumed_by_what_the_button_says(self, world, signed_in, settings, tmp_path):
        settings.GOLDGATE_SOURCE_DIRECTORIES = str(tmp_path)
        source, client = SourceFactory(world.now, url=f"{tmp_path}/base.git"), signed_in(world.admin)
        assert 'name="paused" value="yes"' in text_of(client.get(f"/sources/{source.pk}"))
        for word, is_paused in (("yes", True), ("no", False)):
            client.post(f"/sources/{source.pk}/switch", {"paused": word})
            source.refresh_from_db()
            assert source.is_paused is is_paused

    def test_that_is_paused_refuses_to_build_and_says_so(self, world, signed_in):
        source = SourceFactory(world.now, is_paused=True)
        answer = signed_in(world.admin).post(f"/sources/{source.pk}/rebuild", follow=True)
        assert "is paused" in text_of(answer)
        assert not Build.objects.filter(source=source).exists()

    def test_shows_what_the_breaker_holds(self, world, signed_in):
        page = text_of(signed_in(world.viewer).get(f"/sources/{world.supply.source.pk}"))
        assert "The breaker holds 1 reason back:" in page
        assert "not renewed" in page


class TestBuild:
    def test_that_failed_shows_its_last_words_first_and_leaves_the_certified_one(self, world, signed_in):
        page = text_of(signed_in(world.viewer).get(f"/builds/{world.supply.build.pk}"))
        assert page.index("What it said last") < page.index('id="log"')
        assert "E: Unable to locate package" in page
        assert "What is certified stays as it is." in page
        assert "⟨U+202E⟩gnol" in page
        assert "\u202e" not in page

    def test_that_succeeded_leads_to_its_candidate_and_names_its_builder(self, world, signed_in):
        page = text_of(signed_in(world.viewer).get(f"/builds/{world.supply.good_build.pk}"))
        assert "https://goldgate.example/builders/buildah" in page
        assert f"/i/debian/12/{world.good.name}" in page
        assert world.supply.approved.commit in page
        assert "46 s" in page

    def test_log_is_a_download_of_all_of_it(self, world, signed_in):
        LogChunk.objects.create(build=world.supply.build, number=2, text="last\x1b[0m\n", at=world.now)
        answer = signed_in(world.viewer).get(f"/builds/{world.supply.build.pk}/log")
        body = b"".join(answer.streaming_content).decode()
        assert body.startswith("STEP 1/3")
        assert body.endswith("last⟨U+001B⟩[0m\n")
        assert answer["Content-Type"].startswith("text/plain")

    def test_once_more_makes_a_second_build_to_compare(self, world, signed_in):
        answer = signed_in(world.admin).post(f"/builds/{world.supply.good_build.pk}/again")
        second = Build.objects.get(purpose="reproduction")
        assert answer["Location"] == f"/builds/{second.pk}"
        assert "to compare" in text_of(signed_in(world.viewer).get(f"/builds/{second.pk}"))

    def test_once_more_of_a_failed_one_is_refused_in_words(self, world, signed_in):
        answer = signed_in(world.admin).post(f"/builds/{world.supply.build.pk}/again", follow=True)
        assert "left no candidate to compare with" in text_of(answer)

    @pytest.mark.parametrize(
        ("comparison", "words"),
        [
            ({"layers": 3, "equal": 3, "is_reproduced": True}, "all 3 layers are equal"),
            ({"layers": 3, "equal": 1, "is_reproduced": False}, "Not reproduced: 1 of 3 layers are equal."),
        ],
    )
    def test_twice_says_whether_it_was_the_same(self, world, signed_in, comparison, words):
        good = world.supply.good_build
        BuildFactory(
            world.now, recipe=good.recipe, purpose="reproduction", reproduces=good, state="succeeded",
            finished_at=world.now, comparison=comparison,
        )  # fmt: skip
        assert words in text_of(signed_in(world.viewer).get(f"/builds/{good.pk}"))

    def test_list_narrows_by_reason_and_refuses_an_unknown_filter(self, world, signed_in):
        client = signed_in(world.viewer)
        page = text_of(client.get("/builds?reason=fix_available"))
        assert "debian-12 build 2" in page
        assert "debian-12 1<" not in page
        assert client.get("/builds?reasons=x").status_code == 400

    def test_says_what_a_long_log_s_end_is(self):
        assert failing_lines("a\nb error: x\nc\n") == ["b error: x"]
        assert failing_lines("a\nb\n\n") == ["a", "b"]

    def test_details_of_a_cause_are_words(self):
        assert detail_words({"fixes": ["CVE-1", "CVE-2"], "by": "ada", "none": ""}) == "fixes: CVE-1, CVE-2; by: ada"
        assert detail_words({"fixes": [str(n) for n in range(20)]}).endswith("and 8 more")


class TestWave:
    @pytest.fixture
    def two(self, world) -> list:
        """The wave's candidate and a second one, both before their reviewers."""
        other = SubversionFactory(world.now, version=VersionFactory(world.now, "busybox/1"))
        known(other.artifact, world.now, findings(world.now, has_fix=False)[:1])
        second = ProposalFactory(world.now, subversion=other, proposed_by=world.requester)
        WaveRow.objects.create(wave=world.supply.wave, version=other.version, subversion=other, started_at=world.now)
        return [world.waiting, second]

    def judge(self, client, world, proposals, reason="Only packages rose.", packets=None):
        packets = packets or [one.current_packet.sha256 for one in proposals]
        chosen = [f"{one.pk} {packet}" for one, packet in zip(proposals, packets, strict=True)]
        data = {"packet": chosen, "outcome": "approve", "reason": reason}
        return client.post(f"/waves/{world.supply.wave.pk}", data)

    def test_shows_one_row_an_image_and_who_must_act(self, world, signed_in):
        page = text_of(signed_in(world.viewer).get(f"/waves/{world.supply.wave.pk}"))
        assert "waits for reviewers" in page
        assert "waits for its parent" in page
        assert 'type="checkbox"' not in page

    def test_many_rows_are_judged_with_one_reason(self, world, signed_in, two):
        page = text_of(self.judge(signed_in(world.second), world, two))
        assert "2 judgements recorded." in page
        assert {one.reason for one in Review.objects.filter(proposal__in=two)} == {"Only packages rose."}

    def test_a_row_that_moved_is_refused_alone_and_nothing_is_lost(self, world, signed_in, two):
        packets = ["0" * 64, two[1].current_packet.sha256]
        page = text_of(self.judge(signed_in(world.second), world, two, packets=packets))
        assert "1 judgement recorded, 1 refused." in page
        assert "Not recorded: The evidence changed while it was read" in page
        assert [one.proposal_id for one in Review.objects.filter(proposal__in=two)] == [two[1].pk]
        assert "Only packages rose.</textarea>" in page
        assert page.count(" checked") >= 2  # the refused row, and the judgement

    def test_without_a_reason_nothing_is_judged(self, world, signed_in, two):
        answer = self.judge(signed_in(world.second), world, two, reason="")
        assert answer.status_code == 400
        assert not Review.objects.filter(proposal__in=two).exists()
        assert text_of(answer).count(" checked") >= 3  # what was chosen stays chosen

    def test_without_a_row_nothing_is_judged(self, world, signed_in):
        answer = self.judge(signed_in(world.second), world, [])
        assert answer.status_code == 400
        assert "No row is chosen." in text_of(answer)

    def test_offers_no_row_that_the_reader_may_not_judge(self, world, signed_in, two):
        page = text_of(signed_in(world.requester).get(f"/waves/{world.supply.wave.pk}"))
        assert 'name="packet"' not in page
        assert self.judge(signed_in(world.requester), world, two).status_code == 403

    def test_a_row_of_elsewhere_is_refused(self, world, signed_in, two):
        stranger = SubversionFactory(world.now, version=VersionFactory(world.now, "alien/1"))
        known(stranger.artifact, world.now)
        proposal = ProposalFactory(world.now, subversion=stranger, proposed_by=world.requester)
        page = text_of(self.judge(signed_in(world.second), world, [proposal]))
        assert "0 judgements recorded, 1 refused." in page
        assert not Review.objects.filter(proposal=proposal).exists()


class TestWatch:
    def test_that_stopped_goes_on_when_a_person_says_so(self, world, signed_in):
        client = signed_in(world.admin)
        assert "It moved too often in a day" in text_of(client.get("/upstream"))
        client.post(f"/upstream/{world.supply.watch.pk}/resume")
        assert Watch.objects.get(pk=world.supply.watch.pk).stopped_at is None

    def test_is_paused_and_goes_on(self, world, signed_in):
        client, watch = signed_in(world.admin), world.supply.watch
        Watch.objects.filter(pk=watch.pk).update(stopped_at=None)
        client.post(f"/upstream/{watch.pk}/pause")
        assert Watch.objects.get(pk=watch.pk).is_paused
        client.post(f"/upstream/{watch.pk}/resume")
        assert not Watch.objects.get(pk=watch.pk).is_paused


class TestWaiver:
    def test_form_is_filled_from_a_check(self, world, signed_in):
        page = text_of(signed_in(world.requester).get("/waivers/new?rule=GG1004&scope_kind=source&scope=debian-12"))
        assert 'value="GG1004"' in page
        assert 'value="debian-12"' in page
        assert '<option value="source" selected>' in page

    def test_is_asked_for_and_given_by_another(self, world, signed_in):
        day = (world.now + timedelta(days=20)).date().isoformat()
        data = {"rule": "GG1006", "scope_kind": "version", "scope": "debian/12", "reason": "For now.", "ends_on": day}
        signed_in(world.requester).post("/waivers/new", data)
        grant = Grant.objects.get(rule="GG1006")
        assert grant.starts_at is None
        own = text_of(signed_in(world.requester).get(f"/waivers/{grant.pk}"))
        assert "another person gives it" in own
        signed_in(world.second).post(f"/waivers/{grant.pk}/give")
        grant.refresh_from_db()
        assert grant.given_by == world.second
        assert "in force" in text_of(signed_in(world.viewer).get(f"/waivers/{grant.pk}"))

    def test_without_an_end_is_refused(self, world, signed_in):
        data = {"rule": "GG1006", "scope_kind": "version", "scope": "debian/12", "reason": "For now."}
        answer = signed_in(world.requester).post("/waivers/new", data)
        assert answer.status_code == 400
        assert not Grant.objects.filter(rule="GG1006").exists()

    def test_an_end_too_far_away_is_refused_in_words(self, world, signed_in):
        day = (world.now + timedelta(days=400)).date().isoformat()
        data = {"rule": "GG1006", "scope_kind": "version", "scope": "debian/12", "reason": "Ever.", "ends_on": day}
        answer = signed_in(world.requester).post("/waivers/new", data)
        assert answer.status_code == 400
        assert "180 days" in text_of(answer)

    def test_is_refused_and_ended_with_a_reason(self, world, signed_in):
        waiver, client = world.supply.waiver, signed_in(world.second)
        assert client.post(f"/waivers/{waiver.pk}/refuse", {"reason": ""}).status_code == 400
        client.post(f"/waivers/{waiver.pk}/give")
        client.post(f"/waivers/{waiver.pk}/end", {"reason": "It is cured."})
        waiver.refresh_from_db()
        assert waiver.answer == "It is cured."
        page = text_of(client.get("/waivers?state=ended"))
        assert "GG1004" in page

    def test_lists_narrow_by_state(self, world, signed_in):
        client = signed_in(world.viewer)
        assert "GG1004" in text_of(client.get("/waivers?state=asked"))
        assert "None is as asked." in text_of(client.get("/waivers?state=in_force"))
        assert client.get("/waivers?state=never").status_code == 400


class TestPipeline:
    given = {
        "kind": "github", "issuer": "https://token.actions.githubusercontent.com", "audience": "https://goldgate.example",
        "subject": "repo:corp/base:ref:refs/heads/main", "jwks_url": "", "ca_pem": "",
    }  # fmt: skip

    def test_is_trusted_and_ended(self, world, signed_in):
        source, client = SourceFactory(world.now, builder="external"), signed_in(world.admin)
        client.post(f"/sources/{source.pk}/pipelines", self.given)
        made = TrustedPipeline.objects.get(source=source)
        assert made.subject in text_of(client.get(f"/sources/{source.pk}"))
        client.post(f"/sources/{source.pk}/pipelines/{made.pk}/end")
        made.refresh_from_db()
        assert made.ended_at is not None

    def test_a_pattern_is_refused_at_its_field(self, world, signed_in):
        source = SourceFactory(world.now, builder="external")
        answer = signed_in(world.admin).post(f"/sources/{source.pk}/pipelines", {**self.given, "subject": "repo:*"})
        assert answer.status_code == 400
        assert "The subject is exact, without patterns" in text_of(answer)
        assert not TrustedPipeline.objects.filter(source=source).exists()

    def test_of_a_source_that_is_built_here_is_refused(self, world, signed_in):
        source = SourceFactory(world.now)
        answer = signed_in(world.admin).post(f"/sources/{source.pk}/pipelines", self.given)
        assert answer.status_code == 400


class TestStarter:
    def test_names_what_is_recommended_and_until_when(self, world, signed_in):
        page = text_of(signed_in(world.viewer).get("/starter"))
        assert "Debian slim" in page
        assert "docker.io/library/debian:13-slim" in page
        assert "begin here" in page
        assert "debian-slim/13" in page  # what to use instead of 12
        assert ">Adopt<" not in page

    def test_is_not_adopted_from_a_registry_that_nobody_lists(self, world, signed_in):
        client = signed_in(world.admin)
        assert "Its registry is not listed and trusted here." in text_of(client.get("/starter"))
        answer = client.post("/starter/debian-slim/13/adopt", follow=True)
        assert "docker.io" in text_of(answer)
        assert not Watch.objects.filter(tag="13-slim").exists()

    def test_is_adopted_one_by_one_and_watched(self, world, signed_in):
        RegistryFactory("docker.io", is_trusted=True)
        client = signed_in(world.admin)
        answer = client.post("/starter/debian-slim/13/adopt")
        assert answer["Location"] == "/i/debian-slim"
        assert Watch.objects.get(tag="13-slim").version.image.name == "debian-slim"
        assert "adopted</a>" in text_of(client.get("/starter"))

    def test_of_a_name_that_is_none_is_refused_in_words(self, world, signed_in):
        answer = signed_in(world.admin).post("/starter/nothing/1/adopt", follow=True)
        assert "The starter set has no" in text_of(answer)

    def test_a_host_system_is_recorded_with_its_checksum(self, world, signed_in):
        data = {
            "system": "flatcar/stable", "release": "4081.2.0", "architecture": "amd64", "artifact": "image.bin.bz2",
            "checksum": "sha256:" + "a" * 64, "signature": "gpg, key F88CFEDEFF29A5B4", "reason": "For the new racks.",
        }  # fmt: skip
        client = signed_in(world.admin)
        assert client.post("/host-systems/new", {**data, "checksum": "sha256:short"}).status_code == 400
        assert not HostSystem.objects.exists()
        assert client.post("/host-systems/new", data)["Location"] == "/starter"
        assert HostSystem.objects.get().release == "4081.2.0"
        assert "4081.2.0" in text_of(signed_in(world.viewer).get("/starter"))


class TestCertifiedSide:
    def test_shows_old_and_new_digest_of_an_alarm(self, world, signed_in):
        page = text_of(signed_in(world.viewer).get("/certified-side"))
        assert world.supply.alarm.expected_digest in page
        assert world.supply.alarm.found_digest in page
        assert "1 certified digest cannot be pulled." in page
        assert "Close the alarm" not in page

    def test_an_alarm_is_closed_with_a_reason_alone(self, world, signed_in):
        client, address = signed_in(world.admin), f"/certified-side/alarms/{world.supply.alarm.pk}/close"
        assert client.post(address, {"reason": ""}).status_code == 400
        page = text_of(client.post(address, {"reason": "Pushed by hand, put back."}, follow=True))
        assert "Pushed by hand, put back." in page
        world.supply.alarm.refresh_from_db()
        assert world.supply.alarm.closed_by == world.admin

    def test_is_looked_at_when_a_person_wants_it(self, world, signed_in):
        signed_in(world.admin).post("/certified-side/look")
        asked = set(Job.objects.filter(state="queued").values_list("kind", flat=True))
        assert {"builds.look_for_drift", "builds.probe_pulls"} <= asked


class TestDifference:
    def test_a_new_set_uid_file_stands_first(self, world, signed_in):
        cache.clear()
        older = SubversionFactory(world.now, version=VersionFactory(world.now, "tool/1"))
        known(older.artifact, world.now)
        inspected(older, world.now)
        address = f"/difference/{older.artifact.digest}/{world.good.artifact.digest}"
        page = text_of(signed_in(world.viewer).get(address))
        assert "1 new set-uid or set-gid file." in page
        assert page.index("1 new set-uid or set-gid file.") < page.index("Packages: ")
        assert "/bin/su&lt;script&gt;" in page
        assert "<code>4755</code>" in page

    def test_is_remembered_until_a_scan_or_an_inspection_moves(self, world, signed_in):
        cache.clear()
        older = SubversionFactory(world.now, version=VersionFactory(world.now, "tool/1"))
        known(older.artifact, world.now)
        client, address = signed_in(world.viewer), f"/difference/{older.artifact.digest}/{world.good.artifact.digest}"
        assert "The files of the older image were not inspected." in text_of(client.get(address))
        inspected(older, world.now)
        assert "1 new set-uid or set-gid file." in text_of(client.get(address))

    def test_what_is_unknown_is_said(self, world, signed_in):
        cache.clear()
        address = f"/difference/{world.bad.artifact.digest}/{world.loose}"
        page = text_of(signed_in(world.viewer).get(address))
        assert "Unknown, " in page

    def test_is_asked_for_by_name_or_digest(self, world, signed_in):
        client = signed_in(world.viewer)
        query = {"older": f"debian/12/{world.good.name}", "newer": world.bad.artifact.digest}
        answer = client.get("/difference", query)
        assert answer["Location"] == f"/difference/{world.good.artifact.digest}/{world.bad.artifact.digest}"
        assert client.get("/difference", {"older": "nothing/1/2", "newer": "x"}).status_code == 400

    def test_stands_before_the_reviewer(self, world, signed_in):
        cache.clear()
        page = text_of(signed_in(world.reviewer).get(f"/reviews/{world.waiting.pk}"))
        assert "Against what it would replace" in page
        assert f"/difference/{world.good.artifact.digest}/{world.waiting.subversion.artifact.digest}" in page
        assert page.index("Against what it would replace") < page.index("Where it stands")


class TestSubversion:
    def test_says_where_it_comes_from(self, world, signed_in):
        page = text_of(signed_in(world.viewer).get(f"/i/debian/12/{world.good.name}"))
        assert "Where it comes from" in page
        assert f"/builds/{world.supply.good_build.pk}" in page
        assert f"/recipes/{world.supply.approved.pk}" in page
        assert world.supply.approved.commit in page

    def test_names_what_was_found_in_its_files(self, world, signed_in):
        page = text_of(signed_in(world.viewer).get(f"/a/{world.good.artifact.digest}/hardening"))
        assert "GG2001" in page
        assert "/bin/sh" in page
        page = text_of(signed_in(world.viewer).get(f"/a/{world.bad.artifact.digest}/hardening"))
        assert "Nobody looked into its files yet" in page or "Every rule is kept." in page

    def test_shows_how_little_is_in_it(self, world, signed_in):
        page = text_of(signed_in(world.viewer).get(f"/a/{world.good.artifact.digest}/profile"))
        assert "Its certified neighbours" in page


class TestImage:
    def test_says_what_renews_each_version(self, world, signed_in):
        assert f"/sources/{world.supply.source.pk}" in text_of(signed_in(world.viewer).get("/i/debian"))
        page = text_of(signed_in(world.viewer).get("/i/alpine"))
        assert "Adopted: follows" in page
        page = text_of(signed_in(world.admin).get("/i/python"))
        assert "Nothing renews it" in page
        assert "/sources/new?version=python/3.12" in page


class TestTagsOfOthers:
    def test_one_that_followed_certification_is_told_on_the_certified_side(self, world, signed_in):
        data = {"from": f"sha256:{1:064x}", "to": f"sha256:{2:064x}"}
        subject = Subject("tag", "1:stable", "registry.example/golden/debian:stable<script>")
        record(Verb.TAG_FOLLOWED, actor=Actor.system("worker"), subject=subject, at=world.now, data=data)
        page = text_of(signed_in(world.viewer).get("/certified-side"))
        assert "golden/debian:stable&lt;script&gt;" in page
        assert "Tags of others that followed certification" in page


class TestHome:
    def test_tells_platform_people_what_of_supply_waits(self, world, signed_in):
        page = text_of(signed_in(world.admin).get("/"))
        for words in (
            "A certified tag moved behind our back",
            "A certified digest cannot be pulled",
            "Does not build",
            "An upstream tag is no longer followed",
            "Waits for the approval of others",
            "python/3.12 waits for the decision about it",
        ):
            assert words in page

    def test_tells_reviewers_of_the_recipes_that_they_may_judge(self, world, signed_in):
        page = text_of(signed_in(world.second).get("/"))
        assert "Waits for your approval" in page
        assert "Does not build" not in page
        assert "Waits for your approval" not in text_of(signed_in(world.viewer).get("/"))

    def test_tells_nobody_to_judge_a_recipe_of_their_own(self, world, signed_in):
        # The address of the commit's author.
        Person.objects.filter(pk=world.second.pk).update(email="Mallory@example.org")
        assert "Waits for your approval" not in text_of(signed_in(world.second).get("/"))
        assert "for others to judge" in text_of(signed_in(world.second).get("/recipes"))
        assert "yours to judge" in text_of(signed_in(world.reviewer).get("/recipes"))

    def test_says_each_recipe_once_to_who_is_both(self, world, signed_in):
        page = text_of(signed_in(person_with(*Role)).get("/"))
        assert "Waits for your approval" in page
        assert "Waits for the approval of others" not in page

    def test_names_some_of_many_that_wait_for_one_decision(self, world, signed_in):
        for number in range(5):
            version = VersionFactory(world.now, f"app-{number}/1")
            WaveRow.objects.create(wave=world.supply.wave, version=version, parent=world.supply.row)
        page = text_of(signed_in(world.admin).get("/"))
        assert "python/3.12, app-0/1, app-1/1 and others wait for the decision about it" in page

    def test_tells_of_no_decision_that_nobody_waits_for(self, world, signed_in):
        WaveRow.objects.filter(parent=world.supply.row).update(outcome="withdrawn", finished_at=world.now)
        assert "the decision about it" not in text_of(signed_in(world.admin).get("/"))

    def test_forgets_a_failure_that_a_newer_build_mended(self, world, signed_in):
        BuildFactory(
            world.now + timedelta(minutes=1), recipe=world.supply.recipe, state="no_change", finished_at=world.now
        )
        assert "Does not build" not in text_of(signed_in(world.admin).get("/"))
