"""Records for tests, written through the service: there is no other way in."""

import itertools
from datetime import UTC, datetime

from django.db import transaction

from audit.actor import Actor, Subject
from audit.models import Record
from audit.services import record
from audit.verbs import Verb

AT = datetime(2026, 11, 24, 12, 0, 0, 123456, tzinfo=UTC)
_number = itertools.count(1)


def RecordFactory(  # noqa: N802
    verb: Verb = Verb.TEAM_CREATED,
    *,
    actor: Actor | None = None,
    subject: Subject | None = None,
    at: datetime = AT,
    data: dict | None = None,
) -> Record:
    """One committed deed: somebody made a team."""
    number = next(_number)
    with transaction.atomic():
        return record(
            verb,
            actor=actor or Actor("person", f"p-{number}", f"Person {number}"),
            subject=subject or Subject("team", f"t-{number}", f"Team {number}"),
            at=at,
            data=data or {"number": number},
        )
