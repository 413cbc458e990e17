"""What comes of a source, on its pages: judging recipes, builds and waves; and what is refused."""

import pytest

from approvals.models import RecipeReview, Review
from audit.models import Record
from audit.verbs import Verb
from builds.models import Build, Cause, LogChunk, Recipe, Source, Wave, WaveRow
from tests.factories.approvals import ProposalFactory, known
from tests.factories.builds import BuildFactory, RecipeFactory, SourceFactory
from tests.factories.catalog import SubversionFactory, VersionFactory
from tests.factories.registry import RegistryFactory
from tests.web.world import findings, text_of
from web.supply import detail_words, failing_lines, source_lines

pytestmark = pytest.mark.django_db


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

    def test_renewing_all_that_stands_on_it_leads_to_the_wave(self, world, signed_in):
        source, client = SourceFactory(world.now), signed_in(world.admin)
        assert f'action="/sources/{source.pk}/wave"' in text_of(client.get(f"/sources/{source.pk}"))
        answer = client.post(f"/sources/{source.pk}/wave")
        wave = Wave.objects.get(reason="by_hand")
        assert answer["Location"] == f"/waves/{wave.pk}"
        assert (wave.title, wave.detail["by"]) == (f"{source.version}, by hand", world.admin.username)
        assert Build.objects.get(source=source).causes.get().reason == Cause.Reason.BY_HAND
        assert Record.objects.get(verb=Verb.WAVE_OPENED, subject_id=str(wave.pk)).actor_name == world.admin.username

    def test_that_is_paused_opens_no_wave(self, world, signed_in):
        source = SourceFactory(world.now, is_paused=True)
        answer = signed_in(world.admin).post(f"/sources/{source.pk}/wave", follow=True)
        assert "is paused" in text_of(answer)
        assert not Wave.objects.filter(reason="by_hand").exists()

    def test_no_wave_is_opened_by_who_does_not_administer(self, world, signed_in):
        source = SourceFactory(world.now)
        assert signed_in(world.security).post(f"/sources/{source.pk}/wave").status_code == 403
        assert not Wave.objects.filter(reason="by_hand").exists()

    def test_paused_and_resumed_by_what_the_button_says(self, world, signed_in, settings, tmp_path):
        settings.GOLDGATE_SOURCE_DIRECTORIES = str(tmp_path)
        source, client = SourceFactory(world.now, url=f"{tmp_path}/base.git"), signed_in(world.admin)
        assert 'name="paused" value="yes"' in text_of(client.get(f"/sources/{source.pk}"))
        for word, is_paused in (("yes", True), ("no", False)):
            client.post(f"/sources/{source.pk}/switch", {"paused": word})
            source.refresh_from_db()
            assert source.is_paused is is_paused

    def test_that_is_built_elsewhere_shows_the_line_to_submit_with(self, world, signed_in):
        source, client = world.supply.source, signed_in(world.viewer)
        line = f"goldgate builds submit {source.pk} HOST/PATH@DIGEST --provenance FILE"
        assert line not in text_of(client.get(f"/sources/{source.pk}"))
        Source.objects.filter(pk=source.pk).update(builder="external")
        assert line in text_of(client.get(f"/sources/{source.pk}"))

    def test_another_person_answers_for_it_with_a_reason(self, world, signed_in):
        source, client = world.supply.source, signed_in(world.admin)
        assert f'href="/sources/{source.pk}/owner"' in text_of(client.get(f"/sources/{source.pk}"))
        asked = text_of(client.get(f"/sources/{source.pk}/owner"))
        assert "reviews none of its recipes" in asked
        done = client.post(
            f"/sources/{source.pk}/owner", {"owner": world.second.username, "reason": "Ada leaves."}, follow=True
        )
        page = text_of(done)
        assert f"{world.second} answers for {source.name} now." in page
        assert "Ada leaves." in page
        source.refresh_from_db()
        assert source.owner == world.second

    @pytest.mark.parametrize(
        ("owner", "reason", "words"),
        [
            pytest.param("nobody-at-all", "x", "There is nobody of that name.", id="nobody"),
            pytest.param("{owner}", "x", "owns it already", id="the-same"),
            pytest.param("{second}", "", "required", id="no-reason"),
        ],
    )
    def test_handing_it_over_is_refused_in_words(self, world, signed_in, owner, reason, words):
        source = world.supply.source
        named = owner.format(owner=source.owner.username, second=world.second.username)
        answer = signed_in(world.admin).post(f"/sources/{source.pk}/owner", {"owner": named, "reason": reason})
        assert answer.status_code == 400
        assert words in text_of(answer)
        assert Source.objects.get(pk=source.pk).owner == source.owner

    def test_handing_it_over_is_for_administrators(self, world, signed_in):
        source, client = world.supply.source, signed_in(world.security)
        assert "/owner" not in text_of(client.get(f"/sources/{source.pk}"))
        answer = client.post(f"/sources/{source.pk}/owner", {"owner": world.second.username, "reason": "x"})
        assert answer.status_code == 403
        assert Source.objects.get(pk=source.pk).owner == source.owner

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
