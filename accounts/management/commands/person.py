"""``manage.py person``: people and their roles, from a shell on the host.

manage.py person add rita --display-name "Rita Roe" --role reviewer --role viewer --team payments
manage.py person grant rita security_reviewer
manage.py person reset rita
manage.py person list
manage.py person first-admin --password-file var/first-administrator-password
"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from accounts import selectors, services
from accounts.models import Person
from accounts.roles import Role
from core.errors import GoldgateError

ONE_PERSON = (
    "GOLDGATE_ONE_PERSON=1: one person proposes, reviews and certifies alone. Every certificate made like this says so."
)


class Command(BaseCommand):
    help = "Add people, grant roles, reset passwords; make the first administrator."

    def add_arguments(self, parser: ArgumentParser) -> None:
        deeds = parser.add_subparsers(dest="deed", required=True)
        add = deeds.add_parser("add", help="make an account; prints its one-time password once")
        add.add_argument("name")
        add.add_argument("--display-name", default="")
        add.add_argument("--email", default="")
        add.add_argument("--role", action="append", default=[], choices=list(Role), dest="roles")
        add.add_argument("--team", action="append", default=[], dest="teams", help="a team to be in; made if missing")
        grant = deeds.add_parser("grant", help="give a person a role until further notice")
        grant.add_argument("name")
        grant.add_argument("role", choices=list(Role))
        reset = deeds.add_parser("reset", help="give a person a new one-time password")
        reset.add_argument("name")
        deeds.add_parser("list", help="everybody, with the roles held now")
        first = deeds.add_parser("first-admin", help="make the first administrator, if nobody exists")
        first.add_argument("--name", default="admin")
        first.add_argument("--password-file", type=Path, required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        deeds = {
            "add": self._add,
            "grant": self._grant,
            "reset": self._reset,
            "list": self._list,
            "first-admin": self._first_administrator,
        }
        if selectors.is_one_person():
            self.stderr.write(ONE_PERSON)
        try:
            deeds[options["deed"]](options)
        except GoldgateError as error:
            raise CommandError(str(error)) from error

    @transaction.atomic
    def _add(self, options: dict[str, Any]) -> None:
        now = timezone.now()
        made = services.create_person(
            username=options["name"], display_name=options["display_name"], email=options["email"], now=now
        )
        for role in dict.fromkeys(options["roles"]):
            services.grant_role(person=made.person, role=Role(role), now=now)
        for name in dict.fromkeys(options["teams"]):
            team = selectors.team_by_name(name) or services.create_team(name=name, by=None, now=now)
            services.add_member(team=team, person=made.person, by=None, now=now)
        self._show(made)

    def _show(self, made: services.NewPerson) -> None:
        self.stdout.write(f"{made.person.username}: one-time password {made.one_time_password}")
        self.stdout.write("It is not shown again, and must be changed at the first sign-in.")

    def _grant(self, options: dict[str, Any]) -> None:
        grant = services.grant_role(person=_person(options["name"]), role=Role(options["role"]), now=timezone.now())
        self.stdout.write(str(grant))

    def _reset(self, options: dict[str, Any]) -> None:
        person = _person(options["name"])
        one_time = services.reset_password(person=person, by=None, now=timezone.now())
        self._show(services.NewPerson(person=person, one_time_password=one_time))

    def _list(self, options: dict[str, Any]) -> None:
        now = timezone.now()
        for person in selectors.people():
            state = ", ".join(sorted(selectors.roles_of(person, now))) or "no role"
            self.stdout.write(f"{person.username}: {state if person.is_active else 'deactivated'}")

    def _first_administrator(self, options: dict[str, Any]) -> None:
        path: Path = options["password_file"]
        made = services.create_first_administrator(username=options["name"], password_file=path, now=timezone.now())
        if made is None:
            self.stdout.write("People exist already; nothing to do.")
            return
        self.stdout.write(f"First administrator {made.person.username}: one-time password {made.one_time_password}")
        self.stdout.write(f"It is kept in {path} (0600), and must be changed at the first sign-in.")


def _person(name: str) -> Person:
    found = selectors.person_by_name(name)
    if found is None:
        raise CommandError(f"There is no person {name!r}.")
    return found
