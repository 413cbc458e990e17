"""Against a real docker-registry: what somebody else does to the certified side is found, and said once."""

from datetime import timedelta

import pytest

from accounts.roles import Role
from audit.models import Record
from audit.verbs import Verb
from builds.errors import DriftClosed, DriftMissing, DriftUnexplained
from builds.models import DriftAlarm
from builds.services.promotion import close_drift, look_for_drift
from signing.domain import cosign
from signing.services import withdraw_publication
from tests.factories.accounts import person_with
from tests.factories.authority import begin_certified

pytestmark = [pytest.mark.django_db, pytest.mark.integration]
HOUR = timedelta(hours=1)


def open_alarms():
    return {(one.tag, one.expected_digest, one.found_digest) for one in DriftAlarm.objects.filter(closed_at=None)}


def told(verb):
    return Record.objects.filter(verb=verb).count()


class TestAMovedTag:
    def test_what_certification_put_there_is_no_drift(self, on_server, now):
        on_server.certify(on_server.image("debian"))
        report = look_for_drift(now=now)
        assert (report.repositories, report.tags, report.opened, report.unanswered) == (1, 3, [], [])

    def test_a_tag_pushed_again_behind_our_back_is_an_alarm_with_both_digests_once(self, on_server, now):
        good, evil = on_server.image("debian"), on_server.image("evil")
        on_server.certify(good)
        on_server.push(evil, "12")
        for hours in range(3):
            look_for_drift(now=now + hours * HOUR)
        assert open_alarms() == {("12", good.digest, evil.digest)}
        assert told(Verb.DRIFT_FOUND) == 1

    def test_it_closes_by_itself_when_the_tag_is_back(self, on_server, now):
        good, evil = on_server.image("debian"), on_server.image("evil")
        on_server.certify(good)
        on_server.push(evil, "12")
        look_for_drift(now=now)
        on_server.push(good, "12")
        report = look_for_drift(now=now + HOUR)
        assert [(one.closed_by, good.digest in one.reason) for one in report.closed] == [(None, True)]
        assert told(Verb.DRIFT_CLOSED) == 1

    def test_moved_once_more_it_is_another_alarm(self, on_server, now):
        good, first, second = (on_server.image(name) for name in ("debian", "evil", "worse"))
        on_server.certify(good)
        on_server.push(first, "12")
        look_for_drift(now=now)
        on_server.push(second, "12")
        look_for_drift(now=now + HOUR)
        assert open_alarms() == {("12", good.digest, second.digest)}
        assert DriftAlarm.objects.count() == 2

    def test_back_to_an_older_certified_one_is_drift_too(self, on_server, now):
        old, new = on_server.image("old"), on_server.image("new")
        on_server.certify(old)
        on_server.certify(new, at=now + HOUR)
        assert look_for_drift(now=now + HOUR).opened == []
        on_server.push(old, "12")
        look_for_drift(now=now + 2 * HOUR)
        assert open_alarms() == {("12", new.digest, old.digest)}

    def test_a_tag_that_is_gone(self, on_server, now):
        good = on_server.image("debian")
        on_server.certify(good)
        on_server.side.delete_manifest(on_server.repository.path, good.digest)
        look_for_drift(now=now)
        assert ("12", good.digest, "") in open_alarms()

    def test_what_is_on_its_way_is_no_drift(self, on_server, now):
        good, coming = on_server.image("debian"), on_server.image("next")
        on_server.certify(good)
        publication = begin_certified(coming, on_server.repository, now, tag="12")
        on_server.push(coming, "12")
        assert (look_for_drift(now=now).opened, publication.sent_at) == ([], None)

    def test_a_tag_put_back_after_its_withdrawal(self, in_directory, now):
        good = in_directory.image("debian")
        publication = in_directory.certify(good)
        withdraw_publication(
            publication=publication, actor=person_with(Role.SECURITY_REVIEWER).as_actor(), now=now, reason="Revoked."
        )
        publication.refresh_from_db()
        publication.withdrawn_at = now
        publication.save()
        look_for_drift(now=now)
        assert open_alarms() == {("12", "", good.digest)}


class TestTagsOfOthers:
    def test_a_foreign_image_is_told(self, on_server, now):
        on_server.certify(on_server.image("debian"))
        evil = on_server.image("evil")
        on_server.push(evil, "latest")
        look_for_drift(now=now)
        assert open_alarms() == {("latest", "", evil.digest)}

    def test_once_a_person_explained_it_it_stays_closed_until_it_moves(self, on_server, now):
        on_server.certify(on_server.image("debian"))
        one, other = on_server.image("one"), on_server.image("other")
        on_server.push(one, "latest")
        (alarm,) = look_for_drift(now=now).opened
        close_drift(alarm_id=alarm.pk, person=person_with(Role.PLATFORM_ADMIN), reason="A test of ours.", now=now)
        assert look_for_drift(now=now + HOUR).opened == []
        on_server.push(other, "latest")
        assert [one.found_digest for one in look_for_drift(now=now + HOUR).opened] == [other.digest]

    def test_one_may_follow_certification_but_not_go_back_or_away(self, on_server, now):
        old, new, evil = (on_server.image(name) for name in ("old", "new", "evil"))
        on_server.certify(old, tag="")
        on_server.push(old, "stable")
        assert look_for_drift(now=now).opened == []
        on_server.certify(new, tag="", at=now + HOUR)
        assert told(Verb.TAG_FOLLOWED) == 0
        on_server.push(new, "stable")
        report = look_for_drift(now=now + HOUR)
        assert (report.opened, report.followed) == ([], 1)
        assert "1 of others followed certification." in str(report)
        # Said once, with both digests.
        assert look_for_drift(now=now + HOUR).followed == 0
        said = Record.objects.get(verb=Verb.TAG_FOLLOWED)
        assert said.subject_label == f"{on_server.repository.name}:stable"
        assert (said.data["from"], said.data["to"]) == (old.digest, new.digest)
        on_server.push(old, "stable")
        look_for_drift(now=now + 2 * HOUR)
        assert open_alarms() == {("stable", new.digest, old.digest)}
        on_server.push(evil, "stable")
        look_for_drift(now=now + 3 * HOUR)
        assert open_alarms() == {("stable", new.digest, evil.digest)}


class TestSignaturesBesideIt:
    @pytest.mark.parametrize("ending", ["", ".sig", ".att", ".debug"])
    def test_an_image_under_a_name_of_theirs(self, on_server, now, ending):
        good, evil = on_server.image("debian"), on_server.image("evil")
        on_server.certify(good)
        tag = f"sha256-{'0' * 64}{ending}"
        on_server.push(evil, tag)
        look_for_drift(now=now)
        assert open_alarms() == {(tag, "", evil.digest)}

    def test_a_signature_that_was_replaced(self, on_server, now):
        good = on_server.image("debian")
        on_server.certify(good)
        tag = cosign.signature_tag(good.digest)
        on_server.push(on_server.image("evil"), tag)
        look_for_drift(now=now)
        assert [one[0] for one in open_alarms()] == [tag]

    def test_an_attestation_that_was_removed(self, on_server, now):
        good = on_server.image("debian")
        on_server.certify(good)
        tag = cosign.attestation_tag(good.digest)
        found = on_server.side.head_manifest(on_server.repository.path, tag)
        on_server.side.delete_manifest(on_server.repository.path, str(found))
        look_for_drift(now=now)
        assert [(one[0], one[2]) for one in open_alarms()] == [(tag, "")]


class TestARegistryThatIsDown:
    def test_it_is_said_and_no_alarm_changes(self, on_server, now):
        good, evil = on_server.image("debian"), on_server.image("evil")
        on_server.certify(good)
        on_server.push(evil, "12")
        look_for_drift(now=now)
        on_server.stop()
        report = look_for_drift(now=now + HOUR)
        assert (report.repositories, len(report.unanswered)) == (0, 1)
        assert on_server.repository.name in report.unanswered[0]
        assert "Not known" in str(report)
        assert open_alarms() == {("12", good.digest, evil.digest)}


class TestCloseDrift:
    @pytest.fixture
    def alarm(self, in_directory, now):
        in_directory.certify(in_directory.image("debian"))
        in_directory.push(in_directory.image("evil"), "12")
        (found,) = look_for_drift(now=now).opened
        return found

    def test_a_person_says_why(self, alarm, now):
        person = person_with(Role.SECURITY_REVIEWER)
        closed = close_drift(alarm_id=alarm.pk, person=person, reason=" We know. ", now=now)
        assert (closed.closed_by, closed.closed_at, closed.reason) == (person, now, "We know.")
        assert told(Verb.DRIFT_CLOSED) == 1

    def test_of_a_tag_of_ours_it_opens_again_while_it_names_something_else(self, alarm, now):
        close_drift(alarm_id=alarm.pk, person=person_with(Role.PLATFORM_ADMIN), reason="We know.", now=now)
        assert [one.found_digest for one in look_for_drift(now=now + HOUR).opened] == [alarm.found_digest]

    def test_what_is_refused(self, alarm, now):
        person = person_with(Role.PLATFORM_ADMIN)
        with pytest.raises(DriftUnexplained):
            close_drift(alarm_id=alarm.pk, person=person, reason=" ", now=now)
        with pytest.raises(DriftMissing):
            close_drift(alarm_id=person.pk, person=person, reason="Gone.", now=now)
        close_drift(alarm_id=alarm.pk, person=person, reason="We know.", now=now)
        with pytest.raises(DriftClosed):
            close_drift(alarm_id=alarm.pk, person=person, reason="Again.", now=now)
