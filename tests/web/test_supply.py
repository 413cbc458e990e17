"""Watches, waivers, pipelines, the starter set, the certified side, differences, on their pages; what is refused."""

from datetime import timedelta

import pytest
from django.core.cache import cache

from accounts.models import Person
from accounts.roles import Role
from audit.actor import Actor, Subject
from audit.services import record
from audit.verbs import Verb
from builds.models import TrustedPipeline, Watch, WaveRow
from catalog.models import HostSystem
from jobs.models import Job
from policies.models import Grant
from tests.factories.accounts import person_with
from tests.factories.approvals import known
from tests.factories.builds import BuildFactory, SourceFactory
from tests.factories.catalog import SubversionFactory, VersionFactory
from tests.factories.registry import RegistryFactory
from tests.web.supply import inspected
from tests.web.world import text_of

pytestmark = pytest.mark.django_db


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
