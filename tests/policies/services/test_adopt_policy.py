from datetime import timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, transaction

from accounts.roles import Role
from audit.models import Record
from gate.policy import DEFAULT, DEFAULT_JSON, DEMO, DEMO_JSON, MalformedPolicy
from policies import selectors, services
from policies.errors import DemoPolicy, NotPolicyAdmin
from policies.models import Policy
from tests.factories.accounts import person_with
from tests.factories.policies import adopted

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


class TestAdoptPolicy:
    def test_each_is_the_next_version(self, now):
        first, second = adopted(now, reviewers=3), adopted(now + DAY, reviewers=4)
        assert [first.version, second.version] == [1, 2]
        assert selectors.active_policy(now) == first
        assert selectors.active_policy(now + DAY) == second
        assert list(selectors.policy_history()) == [second, first]
        assert selectors.document_of(second).certify.reviewers == 4
        assert Record.objects.filter(verb="policy.adopted").count() == 2

    def test_the_same_again_is_no_new_version(self, now):
        assert adopted(now, reviewers=3) == adopted(now + DAY, reviewers=3)

    @pytest.mark.parametrize("role", [Role.REVIEWER, Role.SECURITY_REVIEWER, Role.AUDITOR])
    def test_is_an_administrator_s_deed(self, now, role):
        with pytest.raises(NotPolicyAdmin):
            services.adopt_policy(document=DEFAULT_JSON, adopted_by=person_with(role), now=now)
        assert not Policy.objects.exists()

    def test_a_malformed_document_is_not_adopted(self, now):
        with pytest.raises(MalformedPolicy):
            services.adopt_policy(
                document={**DEFAULT_JSON, "extra": 1}, adopted_by=person_with(Role.PLATFORM_ADMIN), now=now
            )
        assert not Policy.objects.exists()

    def test_a_demo_policy_is_refused_outside_a_demonstration(self, now):
        with pytest.raises(DemoPolicy):
            services.adopt_policy(document=DEMO_JSON, adopted_by=person_with(Role.PLATFORM_ADMIN), now=now)
        with pytest.raises(DemoPolicy):
            services.adopt_policy_for_demo(document=DEMO, now=now)
        assert not Policy.objects.exists()

    def test_a_demonstration_adopts_its_own(self, now, settings):
        settings.GOLDGATE_DEMO = True
        policy = services.adopt_policy_for_demo(document=DEMO, now=now)
        assert policy.is_demo
        assert selectors.active_policy(now) == policy

    def test_a_version_is_never_changed(self, now):
        policy = adopted(now, reviewers=3)
        with pytest.raises(DatabaseError), transaction.atomic():
            Policy.objects.filter(pk=policy.pk).update(document=DEFAULT_JSON)
        with pytest.raises(DatabaseError), transaction.atomic():
            policy.delete()


class TestPolicyInForce:
    def test_before_anybody_adopted_one_it_is_the_default(self, now):
        assert selectors.active_policy(now).sha256 == DEFAULT.sha256
        assert not Policy.objects.exists()

    def test_is_stored_when_something_refers_to_it(self, now):
        policy = services.policy_in_force(now=now)
        assert (policy.version, policy.sha256, policy.adopted_by) == (1, DEFAULT.sha256, None)
        assert services.policy_in_force(now=now) == policy


class TestCommand:
    def test_adopts_the_default_by_an_administrator(self, capsys):
        person_with(Role.PLATFORM_ADMIN, username="ada")
        call_command("adopt_policy", "default", "--by", "ada")
        assert DEFAULT.sha256 in capsys.readouterr().out

    @pytest.mark.parametrize("arguments", [("default",), ("default", "--by", "nobody"), ("demo",)])
    def test_says_why_not(self, arguments):
        with pytest.raises(CommandError):
            call_command("adopt_policy", *arguments)
