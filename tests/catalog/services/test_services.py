from datetime import timedelta

import pytest

from accounts.roles import Role
from catalog import selectors, services
from catalog.domain.state import Cause, State
from catalog.errors import BadName, DigestTaken, IllegalStep, NameTaken, NoSuchImage, NotRunnable
from catalog.models import Image
from tests.factories.accounts import person_with
from tests.factories.catalog import ArtifactFactory, IndexFactory, SubversionFactory, VersionFactory

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def admin():
    return person_with(Role.PLATFORM_ADMIN)


def certify(subversion, at, days=90):
    return services.set_certified(
        subversion=subversion, starts_at=at, ends_at=at + days * DAY, repository="registry.example/debian"
    )


class TestCreateImage:
    @pytest.mark.parametrize("name", ["debian", "python-slim", "a.b_c", "node__22", "x" * 100])
    def test_names_of_the_grammar(self, now, admin, name):
        assert services.create_image(name=name, created_by=admin, now=now).name == name

    @pytest.mark.parametrize("name", ["", "Debian", "a/b", "-a", "a-", "a b", "debian\n", "ä", "x" * 101, "a..b"])
    def test_other_names_are_refused(self, now, admin, name):
        with pytest.raises(BadName):
            services.create_image(name=name, created_by=admin, now=now)
        assert not Image.objects.exists()

    def test_a_name_is_taken_once(self, now, admin):
        services.create_image(name="debian", created_by=admin, now=now)
        with pytest.raises(NameTaken):
            services.create_image(name="debian", created_by=admin, now=now)


class TestCreateVersion:
    @pytest.mark.parametrize("name", ["", ".12", "12 ", "versions", "x" * 129, "12\n"])
    def test_other_names_are_refused(self, now, admin, name):
        image = services.create_image(name="debian", created_by=admin, now=now)
        with pytest.raises(BadName):
            services.create_version(image=image, name=name, created_by=admin, now=now)

    def test_a_name_is_taken_once(self, now, admin):
        version = VersionFactory(now, "debian/12")
        with pytest.raises(NameTaken):
            services.create_version(image=version.image, name="12", created_by=admin, now=now)


class TestAddSubversion:
    def test_is_named_by_the_day_and_a_number(self, now):
        version = VersionFactory(now, "debian/12")
        names = [SubversionFactory(now, version=version).name for _ in range(2)]
        assert names == ["12-20261124.1", "12-20261124.2"]

    def test_one_digest_has_one_place(self, now, admin):
        first = SubversionFactory(now)
        with pytest.raises(DigestTaken):
            services.add_subversion(version=VersionFactory(now), artifact=first.artifact, created_by=admin, now=now)

    @pytest.mark.parametrize("kind", ["attestation", "other"])
    def test_only_what_runs(self, now, admin, kind):
        artifact = ArtifactFactory(now, kind=kind)
        with pytest.raises(NotRunnable):
            services.add_subversion(version=VersionFactory(now), artifact=artifact, created_by=admin, now=now)

    def test_names_are_checked_and_taken_once(self, now):
        version = VersionFactory(now)
        SubversionFactory(now, version=version, name="one")
        with pytest.raises(NameTaken):
            SubversionFactory(now, version=version, name="one")
        with pytest.raises(BadName):
            SubversionFactory(now, version=version, name="a b")


class TestValidity:
    def test_what_is_revoked_or_rejected_stays_so(self, now):
        revoked, rejected = SubversionFactory(now), SubversionFactory(now)
        certify(revoked, now)
        services.set_revoked(subversion=revoked, at=now, reason="x")
        services.set_rejected(subversion=rejected, at=now, reason="x")
        for subversion in (revoked, rejected):
            with pytest.raises(IllegalStep):
                certify(subversion, now)
            with pytest.raises(IllegalStep):
                services.set_certifying(subversion=subversion, since=now)
            with pytest.raises(IllegalStep):
                services.set_revoked(subversion=subversion, at=now, reason="x")

    def test_what_was_certified_is_not_rejected(self, now):
        subversion = SubversionFactory(now)
        certify(subversion, now)
        with pytest.raises(IllegalStep):
            services.set_rejected(subversion=subversion, at=now, reason="x")

    def test_an_older_one_retires_no_longer_than_its_certificate(self, now):
        version = VersionFactory(now)
        older, newer = SubversionFactory(now, version=version), SubversionFactory(now, version=version)
        certify(older, now, days=10)
        assert certify(newer, now + DAY) == [older]
        older.refresh_from_db()
        assert (older.retiring_from, older.retiring_until) == (now + DAY, now + 10 * DAY)

    def test_renewing_an_older_one_does_not_push_out_its_successor(self, now):
        version = VersionFactory(now)
        older, newer = SubversionFactory(now, version=version), SubversionFactory(now, version=version)
        certify(older, now)
        certify(newer, now + DAY)
        assert certify(older, now + 2 * DAY) == []
        newer.refresh_from_db()
        assert newer.retiring_from is None
        assert (older.retiring_from, older.retiring_until) == (now + 2 * DAY, now + 32 * DAY)

    def test_an_older_one_is_certified_again_when_its_successor_is_revoked(self, now):
        version = VersionFactory(now)
        older, newer = SubversionFactory(now, version=version), SubversionFactory(now, version=version)
        certify(older, now)
        certify(newer, now)
        services.set_revoked(subversion=newer, at=now, reason="x")
        certify(older, now + DAY)
        assert older.retiring_from is None


class TestSelectors:
    def test_the_current_digest_and_its_history_in_one_query(self, now, django_assert_num_queries):
        version = VersionFactory(now, "debian/12")
        first, second, candidate = (SubversionFactory(now, version=version) for _ in range(3))
        certify(first, now)
        certify(second, now + DAY)
        with django_assert_num_queries(1):
            current, history = selectors.current_and_history("debian/12", now + DAY)
        assert current.subversion == second
        assert [(entry.subversion, str(entry.view.state)) for entry in history] == [
            (second, "certified"),
            (first, "retiring"),
            (candidate, "candidate"),
        ]
        assert history[1].view.next_action == f"Move to {second.name}."

    def test_a_retiring_one_is_current_where_there_is_no_other(self, now):
        version = VersionFactory(now, "debian/12")
        first, second = (SubversionFactory(now, version=version) for _ in range(2))
        certify(first, now)
        certify(second, now + DAY)
        services.set_revoked(subversion=second, at=now + 2 * DAY, reason="x")
        assert selectors.current_certified("debian/12", now + 2 * DAY) == first
        assert selectors.successor_of(first, now + 2 * DAY) is None

    def test_the_database_and_the_rules_say_the_same(self, now):
        """``usable_at`` is ``state_at`` in SQL: they are compared over every kind of fact and moment."""
        subversions = [SubversionFactory(now) for _ in range(7)]
        candidate, plain, short, retiring, suspended, lifted, revoked = subversions
        for one in (plain, retiring, suspended, lifted, revoked):
            certify(one, now)
        certify(short, now, days=1)
        type(retiring).objects.filter(pk=retiring.pk).update(retiring_from=now + DAY, retiring_until=now + 2 * DAY)
        services.set_suspended(subversion=suspended, starts_at=now + DAY, ends_at=now + 3 * DAY, reason="x")
        services.set_suspended(subversion=lifted, starts_at=now + DAY, ends_at=now + DAY, reason="x")
        services.set_revoked(subversion=revoked, at=now + 2 * DAY, reason="x")
        for hours in range(-24, 5 * 24, 12):
            at = now + timedelta(hours=hours)
            from_rules = {one.pk for one in type(candidate).objects.all() if selectors.state_of(one, at).is_usable}
            assert set(selectors.approved_subversions(at).values_list("pk", flat=True)) == from_rules, at
            assert {entry.subversion.pk for entry in selectors.approved_list(at)} == from_rules

    def test_the_approved_list_is_flat_in_rows(self, now, django_assert_num_queries):
        for _ in range(5):
            certify(SubversionFactory(now), now)
        with django_assert_num_queries(2):
            assert len(selectors.approved_list(now)) == 5

    def test_finds_by_digest_also_through_an_index(self, now):
        child = ArtifactFactory(now)
        subversion = SubversionFactory(now, artifact=IndexFactory(now, child))
        assert selectors.subversion_by_digest(subversion.artifact.digest) == subversion
        assert selectors.subversion_by_digest(child.digest) == subversion
        assert selectors.subversion_by_digest("sha256:" + "f" * 64) is None

    def test_what_is_not_there(self, now):
        for call in (
            lambda: selectors.version_by_name("debian/12"),
            lambda: selectors.image_by_name("debian"),
            lambda: selectors.subversion_by_id("0190aaaa-0000-7000-8000-000000000000"),
        ):
            with pytest.raises(NoSuchImage):
                call()

    def test_certifying_is_seen(self, now):
        subversion = SubversionFactory(now)
        services.set_certifying(subversion=subversion, since=now)
        view = selectors.state_of(subversion, now)
        assert (view.state, view.cause) == (State.CANDIDATE, Cause.CERTIFYING)
        assert selectors.is_certifying(view)
