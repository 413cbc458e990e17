from datetime import timedelta

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from accounts.roles import Role
from approvals import services
from approvals.errors import GiverMissing, OwnWaiver, ReasonMissing, RoleMissing
from audit.models import Record
from audit.verbs import Verb
from builds.domain.image_rules.rules import RULES as IMAGE_RULES
from builds.domain.rules import RULES as DOCKERFILE_RULES
from builds.errors import SourceMissing
from catalog.errors import NoSuchImage
from policies.domain.grants import GrantState, state_at
from policies.errors import BadEnd, BadRule, BadScope, GrantAsked, GrantClosed, GrantMissing
from policies.models import Grant
from policies.selectors import grants_expiring, in_state, waivers_in_force
from registry.errors import ArtifactUnknown
from tests.factories.accounts import TeamFactory, person_with
from tests.factories.builds import SourceFactory
from tests.factories.catalog import VersionFactory

pytestmark = pytest.mark.django_db
MONTH = timedelta(days=30)


def asked(now, *, by=None, rule="GG1004", until=MONTH, version=None, **fields):
    """A waiver of a rule for a version, asked for by a requester."""
    return services.ask_waiver(
        rule=rule,
        scope_kind=fields.pop("scope_kind", "version"),
        scope=fields.pop("scope", "") or str(version or VersionFactory(now)),
        reason="The installer needs it until the new one is there.",
        ticket="OPS-12",
        ends_at=now + until,
        asked_by=by or person_with(Role.REQUESTER),
        now=now,
        **fields,
    )


def given(now, **fields):
    """The same, given by a reviewer."""
    return services.give_waiver(grant_id=asked(now, **fields).pk, given_by=person_with(Role.REVIEWER), now=now)


class TestAskWaiver:
    def test_nothing_passes_before_another_person_gave_it(self, now):
        grant = asked(now)
        assert state_at(grant, now) is GrantState.ASKED
        assert waivers_in_force([grant.rule], version=grant.scope, at=now) == {}
        services.give_waiver(grant_id=grant.pk, given_by=person_with(Role.REVIEWER), now=now)
        found = waivers_in_force([grant.rule], version=grant.scope, at=now)
        assert found[grant.rule].pk == grant.pk

    def test_the_record_says_who_asked_and_who_gave(self, now):
        grant = given(now)
        told = {row.verb: row for row in Record.objects.filter(subject_kind="grant", subject_id=str(grant.pk))}
        assert set(told) == {Verb.GRANT_ASKED, Verb.GRANT_GIVEN}
        assert told[Verb.GRANT_ASKED].actor_id == str(grant.asked_by_id)
        assert told[Verb.GRANT_GIVEN].actor_id == str(grant.given_by_id)
        assert told[Verb.GRANT_ASKED].data["scope"] == grant.scope

    @pytest.mark.parametrize(
        ("changed", "error"),
        [
            pytest.param({"rule": "GG1"}, BadRule, id="no-rule"),
            pytest.param({"rule": "GG1999"}, BadRule, id="a-rule-that-is-not-there"),
            pytest.param({"rule": "gg1004"}, BadRule, id="rule-in-lower-case"),
            pytest.param({"rule": "GG1004\n"}, BadRule, id="rule-with-a-line-end"),
            pytest.param({"scope": "debian"}, BadScope, id="image-without-version"),
            pytest.param({"scope": "debian/12/x"}, BadScope, id="more-than-a-version"),
            pytest.param({"scope": "nothing/12"}, NoSuchImage, id="version-unknown"),
            pytest.param({"scope_kind": "source", "scope": "nobody"}, SourceMissing, id="source-unknown"),
            pytest.param({"scope_kind": "digest", "scope": "latest"}, BadScope, id="tag-for-digest"),
            pytest.param({"scope_kind": "digest", "scope": f"sha256:{1:064x}"}, ArtifactUnknown, id="digest-unknown"),
            pytest.param({"until": timedelta()}, BadEnd, id="ends-at-once"),
            pytest.param({"until": timedelta(days=180, microseconds=1)}, BadEnd, id="longer-than-180-days"),
        ],
    )
    def test_what_cannot_be_asked_leaves_nothing(self, now, changed, error):
        with pytest.raises(error):
            asked(now, **changed)
        assert not Grant.objects.exists()

    def test_180_days_are_the_most(self, now):
        assert asked(now, until=timedelta(days=180)).ends_at == now + timedelta(days=180)

    def test_somebody_without_a_role_does_not_ask(self, now):
        with pytest.raises(RoleMissing):
            asked(now, by=person_with(Role.VIEWER))

    def test_a_reason_is_asked_for(self, now):
        with pytest.raises(ReasonMissing):
            services.ask_waiver(
                rule="GG1004",
                scope_kind="version",
                scope=str(VersionFactory(now)),
                reason="  ",
                ends_at=now + MONTH,
                asked_by=person_with(Role.REQUESTER),
                now=now,
            )

    def test_the_same_waits_once(self, now):
        version = VersionFactory(now)
        asked(now, version=version)
        with pytest.raises(GrantAsked):
            asked(now, version=version)

    def test_one_that_nobody_answered_in_time_is_asked_again(self, now):
        version = VersionFactory(now)
        old = asked(now, version=version)
        again = asked(now + MONTH, version=version)
        old.refresh_from_db()
        assert state_at(old, now + MONTH) is GrantState.REFUSED
        assert state_at(again, now + MONTH) is GrantState.ASKED


class TestGiveWaiver:
    def test_nobody_gives_what_they_asked_for(self, now):
        asker = person_with(Role.REVIEWER)
        grant = asked(now, by=asker)
        with pytest.raises(OwnWaiver):
            services.give_waiver(grant_id=grant.pk, given_by=asker, now=now)

    def test_nor_by_another_account_of_theirs(self, now):
        asker = person_with(Role.REVIEWER)
        twin = person_with(Role.REVIEWER, same_person_as=asker)
        grant = asked(now, by=asker)
        with pytest.raises(OwnWaiver):
            services.give_waiver(grant_id=grant.pk, given_by=twin, now=now)

    @pytest.mark.parametrize("kind", ["source", "version"])
    def test_nor_what_lets_their_own_source_pass(self, now, kind):
        source = SourceFactory(now, owner=person_with(Role.REVIEWER))
        scope = source.name if kind == "source" else str(source.version)
        grant = asked(now, scope_kind=kind, scope=scope)
        with pytest.raises(OwnWaiver):
            services.give_waiver(grant_id=grant.pk, given_by=source.owner, now=now)

    def test_in_a_house_of_one_person_it_says_so(self, now, settings):
        settings.GOLDGATE_ONE_PERSON = True
        alone = person_with(Role.REVIEWER, Role.REQUESTER)
        grant = services.give_waiver(grant_id=asked(now, by=alone).pk, given_by=alone, now=now)
        assert grant.is_one_person

    @pytest.mark.parametrize("role", [Role.REQUESTER, Role.PLATFORM_ADMIN, Role.AUDITOR, Role.VIEWER])
    def test_other_roles_do_not_give(self, now, role):
        grant = asked(now)
        with pytest.raises(GiverMissing):
            services.give_waiver(grant_id=grant.pk, given_by=person_with(role), now=now)

    def test_a_role_held_for_one_team_does_not_do(self, now):
        grant = asked(now)
        with pytest.raises(GiverMissing):
            services.give_waiver(grant_id=grant.pk, given_by=person_with(Role.REVIEWER, team=TeamFactory()), now=now)

    def test_secrets_are_a_security_reviewers(self, now):
        rule = sorted(services.waivers.SECRET_RULES)[0]
        grant = asked(now, rule=rule)
        with pytest.raises(GiverMissing):
            services.give_waiver(grant_id=grant.pk, given_by=person_with(Role.REVIEWER), now=now)
        assert services.give_waiver(grant_id=grant.pk, given_by=person_with(Role.SECURITY_REVIEWER), now=now).starts_at

    def test_it_is_given_once(self, now):
        grant = given(now)
        with pytest.raises(GrantClosed):
            services.give_waiver(grant_id=grant.pk, given_by=person_with(Role.REVIEWER), now=now)

    def test_its_end_has_come(self, now):
        grant = asked(now)
        with pytest.raises(GrantClosed):
            services.give_waiver(grant_id=grant.pk, given_by=person_with(Role.REVIEWER), now=now + MONTH)

    def test_there_is_no_such_grant(self, now):
        with pytest.raises(GrantMissing):
            services.give_waiver(
                grant_id="0192e0a0-0000-7000-8000-000000000000", given_by=person_with(Role.REVIEWER), now=now
            )


class TestItsTime:
    def test_it_holds_until_its_end_and_not_at_it(self, now):
        grant = given(now)
        end = now + MONTH
        assert waivers_in_force([grant.rule], version=grant.scope, at=end - timedelta(microseconds=1))
        assert not waivers_in_force([grant.rule], version=grant.scope, at=end)
        assert state_at(grant, end) is GrantState.EXPIRED

    def test_it_is_told_before_it_ends(self, now):
        grant = given(now)
        assert grants_expiring(now + timedelta(days=15)) == []
        assert [one.pk for one in grants_expiring(now + timedelta(days=16))] == [grant.pk]

    def test_the_database_finds_the_states_that_are_computed(self, now):
        moment = now + timedelta(days=20)
        refused = services.refuse_waiver(
            grant_id=asked(now).pk, person=person_with(Role.REVIEWER), reason="Mend it.", now=now
        )
        ended = services.end_waiver(
            grant_id=given(now).pk, person=person_with(Role.REVIEWER), reason="Mended.", now=now + timedelta(days=1)
        )
        rows = [
            asked(now), asked(now, until=timedelta(days=2)), given(now), given(now, until=timedelta(days=90)),
            given(now, until=timedelta(days=3)), refused, ended,
        ]  # fmt: skip
        by_state = {state: set(Grant.objects.filter(in_state(state, moment))) for state in GrantState}
        assert all(by_state.values())
        for grant in rows:
            grant.refresh_from_db()
            assert [state for state, found in by_state.items() if grant in found] == [state_at(grant, moment)]


class TestWaiversInForce:
    def test_a_waiver_reaches_what_it_names_and_nothing_else(self, now):
        grant = given(now)
        assert not waivers_in_force([grant.rule], version="other/1", at=now)
        assert not waivers_in_force([grant.rule], source=grant.scope, at=now)
        assert not waivers_in_force(["GG1005"], version=grant.scope, at=now)
        assert not waivers_in_force([grant.rule], at=now)

    def test_of_two_the_one_that_ends_last_is_told(self, now):
        source = SourceFactory(now)
        given(now, version=source.version)
        later = given(now, scope_kind="source", scope=source.name, until=2 * MONTH)
        found = waivers_in_force(["GG1004"], version=str(source.version), source=source.name, at=now)
        assert found["GG1004"].pk == later.pk

    def test_it_is_one_query(self, now, django_assert_num_queries):
        grant = given(now)
        with django_assert_num_queries(1):
            found = waivers_in_force(["GG1004", "GG1005"], version=grant.scope, source="x", digests=["y"], at=now)
            assert found["GG1004"].given_by.username


class TestRefuseAndEnd:
    def test_refused_with_a_reason_it_never_holds(self, now):
        grant = asked(now)
        with pytest.raises(ReasonMissing):
            services.refuse_waiver(grant_id=grant.pk, person=person_with(Role.REVIEWER), reason=" ", now=now)
        refused = services.refuse_waiver(
            grant_id=grant.pk, person=person_with(Role.REVIEWER), reason="It can be mended.", now=now
        )
        assert (state_at(refused, now), refused.answer) == (GrantState.REFUSED, "It can be mended.")
        with pytest.raises(GrantClosed):
            services.give_waiver(grant_id=grant.pk, given_by=person_with(Role.REVIEWER), now=now)

    def test_who_asked_takes_it_back(self, now):
        asker = person_with(Role.REQUESTER)
        grant = asked(now, by=asker)
        assert services.refuse_waiver(grant_id=grant.pk, person=asker, reason="Mended.", now=now).refused_by == asker

    def test_another_requester_does_not(self, now):
        with pytest.raises(GiverMissing):
            services.refuse_waiver(grant_id=asked(now).pk, person=person_with(Role.REQUESTER), reason="No.", now=now)

    def test_ended_early_it_lets_nothing_pass_from_then_on(self, now):
        grant = given(now)
        day = now + timedelta(days=1)
        services.end_waiver(grant_id=grant.pk, person=person_with(Role.SECURITY_REVIEWER), reason="Mended.", now=day)
        assert waivers_in_force([grant.rule], version=grant.scope, at=day - timedelta(seconds=1))
        assert not waivers_in_force([grant.rule], version=grant.scope, at=day)
        with pytest.raises(GrantClosed):
            services.end_waiver(grant_id=grant.pk, person=person_with(Role.REVIEWER), reason="Again.", now=day)

    def test_others_do_not_end_it(self, now):
        with pytest.raises(RoleMissing):
            services.end_waiver(grant_id=given(now).pk, person=person_with(Role.REQUESTER), reason="No.", now=now)


class TestSecretRules:
    def test_every_rule_that_refuses_secrets_is_a_security_reviewers(self):
        dockerfile = {name for name, rule in DOCKERFILE_RULES.items() if rule.severity == "error"}
        refusing = {name: rule.title.lower() for name, rule in (DOCKERFILE_RULES | IMAGE_RULES).items()}
        about = {
            name for name, title in refusing.items() if "secret" in title and name in dockerfile | set(IMAGE_RULES)
        }
        assert len(about) >= 6
        assert about <= services.waivers.SECRET_RULES <= set(refusing)


class TestTheDatabaseHoldsItToo:
    @pytest.mark.parametrize(
        "changed",
        [
            pytest.param({"rule": "GG1001"}, id="another-rule"),
            pytest.param({"scope": "other/1"}, id="another-scope"),
            pytest.param({"reason": "Other."}, id="another-reason"),
            pytest.param({"ends_at": "later"}, id="a-later-end"),
            pytest.param({"ends_at": "sooner"}, id="an-earlier-end-unsaid"),
            pytest.param({"starts_at": None, "given_by": None, "giver_identity": ""}, id="taken-back"),
        ],
    )
    def test_what_was_given_stays_what_was_given(self, now, changed):
        grant = given(now)
        if "ends_at" in changed:
            changed = {"ends_at": grant.ends_at + timedelta(days=1 if changed["ends_at"] == "later" else -1)}
        with pytest.raises(DatabaseError, match="policies_grant"), transaction.atomic():
            Grant.objects.filter(pk=grant.pk).update(**changed)

    def test_nobody_is_written_down_as_the_giver_of_their_own(self, now):
        grant = asked(now)
        with pytest.raises(IntegrityError, match="grant_given_by_another"), transaction.atomic():
            Grant.objects.filter(pk=grant.pk).update(
                given_by=grant.asked_by, giver_identity=grant.asker_identity, starts_at=now
            )

    def test_nothing_is_deleted(self, now):
        grant = asked(now)
        with pytest.raises(DatabaseError, match="policies_grant"), transaction.atomic():
            grant.delete()

    def test_an_end_is_not_taken_back(self, now):
        grant = given(now)
        services.end_waiver(grant_id=grant.pk, person=person_with(Role.REVIEWER), reason="Mended.", now=now)
        with pytest.raises(DatabaseError, match="policies_grant"), transaction.atomic():
            Grant.objects.filter(pk=grant.pk).update(ended_at=None, ended_by=None)
