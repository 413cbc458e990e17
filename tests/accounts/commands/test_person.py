import re
import stat
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts import selectors
from accounts.models import Person, Team
from accounts.roles import Role
from audit.models import Record
from tests.factories.accounts import PersonFactory

pytestmark = pytest.mark.django_db


def run(*arguments):
    out, err = StringIO(), StringIO()
    call_command("person", *arguments, stdout=out, stderr=err)
    return out.getvalue() + err.getvalue()


class TestAdd:
    def test_roles_and_teams_come_with_the_person(self):
        printed = run("add", "rita", "--display-name", "Rita Roe", "--role", "reviewer", "--role", "viewer",
                      "--team", "payments")  # fmt: skip
        rita = Person.objects.get()
        assert selectors.roles_of(rita, timezone.now()) == {Role.REVIEWER, Role.VIEWER}
        assert list(selectors.teams_of(rita)) == [Team.objects.get(name="payments")]
        password = re.search(r"one-time password (\S+)", printed).group(1)
        assert rita.check_password(password)

    def test_the_record_says_that_it_came_from_the_host(self):
        run("add", "rita")
        assert {(r.actor_kind, r.actor_id) for r in Record.objects.all()} == {("system", "host")}

    def test_a_taken_name_is_refused_and_nothing_is_left(self):
        PersonFactory("rita")
        with pytest.raises(CommandError, match="reads like"):
            run("add", "RITA", "--team", "payments")
        assert not Team.objects.exists()

    def test_an_unknown_role_is_refused(self):
        with pytest.raises(CommandError, match="invalid choice"):
            run("add", "rita", "--role", "superuser")
        assert not Person.objects.exists()


class TestFirstAdmin:
    def test_one_is_made_and_the_password_kept_for_its_owner_alone(self, tmp_path):
        file = tmp_path / "deep" / "password"
        printed = run("first-admin", "--password-file", str(file))
        admin = Person.objects.get()
        assert selectors.roles_of(admin, timezone.now()) == {Role.PLATFORM_ADMIN}
        assert admin.check_password(file.read_text().strip())
        assert file.read_text().strip() in printed
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert admin.must_change_password

    def test_a_second_time_nothing_happens(self, tmp_path):
        file = tmp_path / "password"
        run("first-admin", "--password-file", str(file))
        before = file.read_text()
        assert "nothing to do" in run("first-admin", "--password-file", str(file))
        assert (Person.objects.count(), file.read_text()) == (1, before)

    def test_nor_when_somebody_exists(self, tmp_path):
        PersonFactory("rita")
        run("first-admin", "--password-file", str(tmp_path / "password"))
        assert not (tmp_path / "password").exists()

    def test_a_file_of_an_earlier_start_that_anybody_could_read_is_replaced(self, tmp_path):
        file = tmp_path / "password"
        file.write_text("old")
        file.chmod(0o644)
        run("first-admin", "--password-file", str(file))
        assert stat.S_IMODE(file.stat().st_mode) == 0o600

    def test_a_file_that_cannot_be_written_makes_nobody(self, tmp_path):
        (tmp_path / "password").mkdir()
        with pytest.raises(IsADirectoryError):
            run("first-admin", "--password-file", str(tmp_path / "password"))
        assert not Person.objects.exists()

    def test_one_person_alone_holds_every_role_and_hears_what_it_means(self, tmp_path, settings):
        settings.GOLDGATE_ONE_PERSON = True
        printed = run("first-admin", "--password-file", str(tmp_path / "password"))
        assert selectors.roles_of(Person.objects.get(), timezone.now()) == set(Role)
        assert "Every certificate made like this says so" in printed


class TestGrantResetList:
    def test_grant(self):
        rita = PersonFactory("rita")
        run("grant", "rita", "reviewer")
        assert selectors.has_role(rita, Role.REVIEWER, timezone.now())

    def test_reset(self):
        rita = PersonFactory("rita")
        password = re.search(r"one-time password (\S+)", run("reset", "rita")).group(1)
        assert Person.objects.get(pk=rita.pk).check_password(password)

    def test_list(self):
        PersonFactory("rita")
        run("grant", "rita", "reviewer")
        PersonFactory("gone", is_active=False)
        assert run("list") == "gone: deactivated\nrita: reviewer\n"

    def test_an_unknown_name_is_refused(self):
        with pytest.raises(CommandError, match="no person"):
            run("grant", "nobody", "reviewer")
