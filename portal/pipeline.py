"""What happens when: from a verb of the record to the jobs that follow from it.

A service writes its record; the rows named here are written in that same transaction. There is no
other way to start work, apart from the schedule.
"""

from dataclasses import dataclass

from audit.verbs import Verb


@dataclass(frozen=True, slots=True)
class JobRule:
    """One job that follows from a verb. Its subject is the record's subject."""

    kind: str


PIPELINE: dict[Verb, list[JobRule]] = {
    # signing
    Verb.PUBLICATION_BEGUN: [JobRule("signing.copy")],
    Verb.PUBLICATION_COPIED: [JobRule("signing.sign")],
    Verb.PUBLICATION_SIGNED: [JobRule("signing.send")],
    Verb.PUBLICATION_WITHDRAWAL_BEGUN: [JobRule("signing.withdraw")],
}


def connect() -> None:
    """Register every rule with the record. Raises RuntimeError for a job kind without a handler."""
