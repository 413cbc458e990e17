"""What a subversion is at a moment, computed from facts and stored nowhere.

The rules, the first that holds decides:

1. revoked                          -> withdrawn (revoked), for good
2. rejected                         -> rejected, for good
3. certified, suspension in force   -> withdrawn (suspended), until the suspension ends
4. certified, window over           -> withdrawn (expired)
5. certified, retiring time over    -> withdrawn (expired): its successor took over
6. certified, retiring in force     -> retiring
7. certified, window in force       -> certified
8. otherwise                        -> candidate (certifying, while copy or signature is outstanding)

Windows are half-open: at its end a certificate no longer holds.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.validity import is_in_force


class State(StrEnum):
    """The five states; the same words in code, API and pages."""

    CANDIDATE = "candidate"
    CERTIFIED = "certified"
    RETIRING = "retiring"
    WITHDRAWN = "withdrawn"
    REJECTED = "rejected"


class Cause(StrEnum):
    """Why it is withdrawn, or which step a candidate is at; empty where the state says all."""

    NONE = ""
    CERTIFYING = "certifying"
    REVOKED = "revoked"
    SUSPENDED = "suspended"
    EXPIRED = "expired"


USABLE = frozenset({State.CERTIFIED, State.RETIRING})


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open interval; without a beginning it never began."""

    starts_at: datetime | None
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything a state follows from. ``successor`` is the name of what to move to, if there is one."""

    certifying_since: datetime | None = None
    certified_from: datetime | None = None
    certified_until: datetime | None = None
    retiring_from: datetime | None = None
    retiring_until: datetime | None = None
    suspended_from: datetime | None = None
    suspended_until: datetime | None = None
    revoked_at: datetime | None = None
    rejected_at: datetime | None = None
    reason: str = ""
    successor: str = ""


@dataclass(frozen=True, slots=True)
class StateView:
    """A state with one sentence, one next action, and the end of what it says (None: until further notice)."""

    state: State
    cause: Cause
    sentence: str
    next_action: str
    until: datetime | None

    @property
    def is_usable(self) -> bool:
        """Whether teams may build on it at that moment."""
        return self.state in USABLE


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _because(reason: str) -> str:
    return f": {reason}" if reason else "."


def _instead(successor: str, *, otherwise: str) -> str:
    return f"Move to {successor}." if successor else otherwise


def state_at(facts: Facts, at: datetime) -> StateView:
    """The state of ``facts`` at ``at``. Raises ValueError for a naive time."""
    if at.tzinfo is None:
        raise ValueError("a naive time cannot be judged")
    if facts.revoked_at is not None and facts.revoked_at <= at:
        return _revoked(facts)
    if facts.rejected_at is not None and facts.rejected_at <= at:
        return StateView(
            State.REJECTED,
            Cause.NONE,
            f"Never allowed, rejected on {_day(facts.rejected_at)}{_because(facts.reason)}",
            _instead(facts.successor, otherwise="Build another subversion that answers the reason, and propose it."),
            None,
        )
    if facts.certified_from is None or at < facts.certified_from or facts.certified_until is None:
        return _candidate(facts, at)
    if is_in_force(Window(facts.suspended_from, facts.suspended_until), at):
        return _suspended(facts)
    return _certified(facts, at, facts.certified_until)


def _revoked(facts: Facts) -> StateView:
    on = f" on {_day(facts.revoked_at)}" if facts.revoked_at else ""
    sentence = f"Must not be used, revoked{on}{_because(facts.reason)}"
    action = _instead(facts.successor, otherwise="Stop what runs on it, and ask for a certified one.")
    return StateView(State.WITHDRAWN, Cause.REVOKED, sentence, action, None)


def _suspended(facts: Facts) -> StateView:
    until = facts.suspended_until
    words = f" until {_minute(until)}" if until else ""
    return StateView(
        State.WITHDRAWN,
        Cause.SUSPENDED,
        f"Must not be used, suspended{words}{_because(facts.reason)}",
        "A security reviewer lifts the suspension or revokes before it ends.",
        until,
    )


def _candidate(facts: Facts, at: datetime) -> StateView:
    if facts.certifying_since is not None and facts.certifying_since <= at:
        return StateView(
            State.CANDIDATE,
            Cause.CERTIFYING,
            "Being certified: the reviews are complete, its copy and signature are outstanding.",
            "Wait for the signature; nobody needs to act.",
            None,
        )
    return StateView(
        State.CANDIDATE,
        Cause.NONE,
        "Being examined; not allowed yet.",
        "Propose it for certification, or review the proposal that waits.",
        None,
    )


def _certified(facts: Facts, at: datetime, until: datetime) -> StateView:
    ends = min(until, facts.retiring_until) if facts.retiring_until is not None else until
    if not is_in_force(Window(facts.certified_from, ends), at):
        return StateView(
            State.WITHDRAWN,
            Cause.EXPIRED,
            f"Must not be used, its time ended on {_day(ends)}.",
            _instead(facts.successor, otherwise="Propose it again with fresh evidence, or certify a newer one."),
            None,
        )
    if is_in_force(Window(facts.retiring_from, facts.retiring_until), at):
        move = f"; move to {facts.successor}" if facts.successor else ""
        return StateView(
            State.RETIRING,
            Cause.NONE,
            f"May be used until {_day(ends)}{move}.",
            _instead(facts.successor, otherwise="Move to the newest certified subversion."),
            ends,
        )
    return StateView(
        State.CERTIFIED,
        Cause.NONE,
        f"May be used until {_day(ends)}.",
        "Build on it; certify a newer one before that date.",
        ends,
    )
