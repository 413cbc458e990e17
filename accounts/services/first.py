"""The first administrator: the one account that nobody made."""

import os
from datetime import datetime
from pathlib import Path

from django.db import transaction

from accounts import selectors
from accounts.models import Person
from accounts.roles import Role
from accounts.services import shared
from accounts.services.people import NewPerson, create_person
from accounts.services.roles import grant_role


@transaction.atomic
def create_first_administrator(*, username: str, password_file: Path, now: datetime) -> NewPerson | None:
    """Make the first administrator and keep the one-time password in ``password_file`` (0600); None if people exist.

    Where Goldgate is set to one person, this person holds every role: there is nobody else to hold them.
    Raises OSError when the file cannot be written; nobody is made then.
    """
    # Two starts at once must not make two first administrators.
    shared.lock_administrators()
    if Person.objects.exists():
        return None
    made = create_person(username=username, display_name="First administrator", now=now)
    for role in Role if selectors.is_one_person() else (Role.PLATFORM_ADMIN,):
        grant_role(person=made.person, role=role, now=now)
    # Before the commit: a password that nobody was told would lock everybody out. The other way round, a file without
    # its account, is put right by the next start.
    _write_secret(password_file, made.one_time_password)
    return made


def _write_secret(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
