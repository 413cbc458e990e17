from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from accounts import selectors, services
from accounts.errors import BadName, BadPeriod, NotOwnToken, PersonInactive, TokenOver, UnknownScope
from accounts.models import ServiceToken
from accounts.roles import Role, Scope
from audit.models import Record
from audit.verbs import Verb
from tests.factories.accounts import PersonFactory, person_with, token_for

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner():
    return PersonFactory("rita")


@pytest.fixture
def made(owner, now):
    return services.create_token(
        owner=owner, name="laptop", scopes=[Scope.READ], expires_at=now + timedelta(days=90), now=now
    )


class TestCreateToken:
    def test_the_secret_finds_the_token(self, made, now):
        assert selectors.live_token(made.secret, now) == made.token

    def test_the_secret_is_nowhere_in_the_database(self, made):
        row = ServiceToken.objects.filter(pk=made.token.pk).values().get()
        assert made.secret not in str(row)
        assert made.secret not in str(Record.objects.get(verb=Verb.TOKEN_CREATED).body())

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param(lambda secret: secret[:-1], id="cut"),
            pytest.param(lambda secret: secret + "A", id="longer"),
            pytest.param(lambda secret: secret.removeprefix("ggt_"), id="no-prefix"),
            pytest.param(lambda secret: secret.swapcase(), id="case"),
            pytest.param(lambda secret: "", id="empty"),
        ],
    )
    def test_no_other_secret_does(self, made, now, change):
        assert selectors.live_token(change(made.secret), now) is None

    def test_at_its_expiry_it_is_over(self, made, now):
        end = made.token.expires_at
        assert selectors.live_token(made.secret, end - timedelta(microseconds=1)) is not None
        assert selectors.live_token(made.secret, end) is None

    @pytest.mark.parametrize(
        ("scopes", "days", "name", "error"),
        [
            pytest.param([], 1, "laptop", UnknownScope, id="no-scope"),
            pytest.param(["review"], 1, "laptop", UnknownScope, id="a-robot-is-no-reviewer"),
            pytest.param(["read", "admin"], 1, "laptop", UnknownScope, id="one-unknown-scope"),
            pytest.param(["read"], 0, "laptop", BadPeriod, id="expires-now"),
            pytest.param(["read"], -1, "laptop", BadPeriod, id="expired"),
            pytest.param(["read"], 367, "laptop", BadPeriod, id="more-than-a-year"),
            pytest.param(["read"], 1, "", BadName, id="no-name"),
        ],
    )
    def test_refused_and_nothing_kept(self, owner, now, scopes, days, name, error):
        with pytest.raises(error):
            services.create_token(owner=owner, name=name, scopes=scopes, expires_at=now + timedelta(days=days), now=now)
        assert not ServiceToken.objects.exists()
        assert not Record.objects.exists()

    def test_a_closed_account_makes_none(self, now):
        with pytest.raises(PersonInactive):
            services.create_token(
                owner=PersonFactory(is_active=False),
                name="x",
                scopes=["read"],
                expires_at=now + timedelta(days=1),
                now=now,
            )


class TestEndToken:
    def test_it_takes_effect_at_once(self, made, owner, now):
        services.end_token(token=made.token, by=owner, now=now)
        assert selectors.live_token(made.secret, now) is None

    def test_an_administrator_may_end_any(self, made, now):
        services.end_token(token=made.token, by=person_with(Role.PLATFORM_ADMIN), now=now)
        assert selectors.live_token(made.secret, now) is None

    def test_for_anybody_else_it_does_not_exist(self, made, now):
        with pytest.raises(NotOwnToken):
            services.end_token(token=made.token, by=person_with(Role.SECURITY_REVIEWER), now=now)
        assert selectors.live_token(made.secret, now) is not None

    def test_twice_is_refused(self, made, owner, now):
        services.end_token(token=made.token, by=owner, now=now)
        with pytest.raises(TokenOver):
            services.end_token(token=made.token, by=owner, now=now)


class TestNoteTokenUse:
    def test_it_is_written_at_most_once_a_minute(self, made, now):
        token = made.token
        services.note_token_use(token=token, now=now)
        services.note_token_use(token=token, now=now + timedelta(seconds=59))
        assert ServiceToken.objects.get().last_used_at == now
        services.note_token_use(token=token, now=now + timedelta(seconds=60))
        assert ServiceToken.objects.get().last_used_at == now + timedelta(seconds=60)


class TestTheDatabaseItself:
    def test_a_secret_in_the_clear_cannot_be_stored(self, owner):
        token, secret = token_for(owner)
        with pytest.raises(IntegrityError, match="service_token_is_hashed"), transaction.atomic():
            ServiceToken.objects.filter(pk=token.pk).update(sha256=secret)

    def test_a_scope_that_is_none_cannot_be_stored(self, owner):
        with pytest.raises(IntegrityError, match="service_token_scopes_known"), transaction.atomic():
            token_for(owner, "review")
