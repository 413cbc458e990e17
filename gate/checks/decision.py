"""``signed`` and ``approved``: did people decide for it, and can that be shown to others?"""

from gate.checks.subject import Subject
from gate.facts import DigestFacts
from gate.policy import Action, Of
from gate.standing import WITHDRAWN_BY_HAND, Grade, Standing, worst_of
from gate.verdict import FAIL, PASS, UNKNOWN, WARN, Check, Line
from gate.words import day, short_digest, successor

_LIVE, _EXPIRED, _RESTART = Grade.LIVE, Grade.EXPIRED, Line.RESTART
_NOBODY, _IMAGE = Of.NOBODY, Of.IMAGE
NOT_ASKED_SIGNED = Check("signed", PASS, "not asked for in this mode")
NOT_ASKED_APPROVED = Check("approved", PASS, "not asked for in this mode")
SIGNED = Check("signed", PASS, "signed by us")


def check_signed(subject: Subject) -> Check:
    """A verified signature of ours over the digest and the repository it is used from.

    For a base the repository is its certified one: an application does not pull its base.
    """
    if subject.asks.signed is _NOBODY:
        return NOT_ASKED_SIGNED
    for standing in subject.standings:
        if standing.grade is not _LIVE and standing.grade is not _EXPIRED:
            return Check("signed", UNKNOWN, "nothing of it is certified, so nothing is signed")
        signed = standing.subject.signed_repositories
        if not signed:
            return Check("signed", FAIL, f"no signature of ours over {_called(subject, standing)}")
        if subject.asks.signed is _IMAGE and subject.name not in signed:
            return Check(
                "signed",
                FAIL,
                f"our signature is over {min(signed)}, not over {subject.name}",
                f"Use {min(signed)}@{subject.facts.digest}.",
            )
    return SIGNED


def check_approved(subject: Subject) -> Check:
    """A live certification of it, of an index that lists it, or of its base; withdrawn ones refuse in any mode."""
    if subject.asks.approved is _NOBODY:
        return _not_withdrawn(subject)
    worst = worst_of(subject.standings)
    if worst.grade is _LIVE:
        return _live(subject, worst)
    starts_again = subject.line is _RESTART and subject.policy.restart.expired_certificate is Action.WARN
    if worst.grade is _EXPIRED and starts_again:
        reason = f"{_whose(subject, worst)} ended {day(worst.moment)}; it ran here before, so it starts again"
        return Check("approved", WARN, reason, _cure(subject, worst.subject))
    return _refused(subject, worst)


def _live(subject: Subject, standing: Standing) -> Check:
    facts = standing.subject
    if facts.retiring_from and facts.retiring_from <= subject.at:
        reason = f"{_called(subject, standing)} may be used until {day(standing.moment)}"
        return Check("approved", WARN, reason, _cure(subject, facts), standing.moment)
    reason = f"{'' if facts is subject.facts else 'its base or index '}certified until {day(standing.moment)}"
    return Check("approved", PASS, reason, "", standing.moment)


def _refused(subject: Subject, standing: Standing) -> Check:
    who, facts = _called(subject, standing), standing.subject
    because = f": {facts.reason}" if facts.reason else ""
    match standing.grade:
        case Grade.UNTOLD:
            remedy = _cure(subject, facts, "Build it on a certified base, or have it certified.")
            return Check("approved", UNKNOWN, "nobody can tell what it is built on", remedy)
        case Grade.NEVER:
            reason = f"{who} is not certified"
        case Grade.EXPIRED:
            reason = f"{_whose(subject, standing)} ended {day(standing.moment)}"
        case Grade.SUSPENDED:
            reason = f"{who} is suspended since {day(standing.moment)}{because}"
        case Grade.REJECTED:
            reason = f"{who} was rejected {day(standing.moment)}{because}"
        case _:
            reason = f"{who} was revoked {day(standing.moment)}{because}"
    return Check("approved", FAIL, reason, _cure(subject, facts))


def _not_withdrawn(subject: Subject) -> Check:
    """No approval is asked for, but a withdrawal still speaks: of the image, its index or its base."""
    withdrawn = [item for item in subject.standings if item.grade in WITHDRAWN_BY_HAND]
    if withdrawn:
        return _refused(subject, worst_of(withdrawn))
    return NOT_ASKED_APPROVED


def _called(subject: Subject, standing: Standing) -> str:
    facts = standing.subject
    if facts.digest == subject.facts.digest:
        return facts.subversion or "it"
    return facts.subversion or short_digest(facts.digest)


def _whose(subject: Subject, standing: Standing) -> str:
    is_own = standing.subject.digest == subject.facts.digest
    return "certificate" if is_own else f"certificate of {_called(subject, standing)}"


def _cure(subject: Subject, facts: DigestFacts, otherwise: str = "") -> str:
    """Name the successor with its full digest: of the image itself, or of the base to build on."""
    if named := successor(facts):
        is_own = facts.digest == subject.facts.digest or subject.facts.digest in facts.members
        return f"Use {named}." if is_own else f"Rebuild: FROM {named}."
    instead = subject.snapshot.instead_of(subject.name)
    if instead and not instead.endswith(subject.facts.digest):
        return f"Use {instead}."
    return otherwise or "Have it certified, or build on a certified base."
