"""Whether an image is renewed as often as it should be: *last renewed*, computed from times when it is read.

Nothing sets this state, so nothing has to run for it to turn red: with a dead scheduler the clock alone does it.

1. nothing renews it (no source, no watched tag)                  -> none
2. its last attempt failed, or was stopped                        -> red
3. the last good attempt is longer ago than interval and slack    -> red
4. it was never renewed, and has been there longer than that      -> red
5. paused; a cause is held; due and not begun; its last look got
   no answer; a candidate waits longer than the slack             -> amber
6. otherwise                                                      -> green

A good attempt is a build that ended as a candidate or as *no change*, or a look at the upstream tag that got an answer.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

MIN_SLACK = timedelta(hours=2)


class Light(StrEnum):
    """Green, amber, red; none where nothing renews it."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class RenewalFacts:
    """What it follows from. ``interval`` is how often it should be renewed; None where nothing renews it."""

    interval: timedelta | None = None
    since: datetime | None = None  # when the source or the watch was added
    last_good_at: datetime | None = None
    last_failure_at: datetime | None = None  # of an attempt that ended after the last good one
    last_failure: str = ""
    is_running: bool = False
    is_paused: bool = False
    is_stopped: bool = False  # by the breaker
    held_since: datetime | None = None  # a cause that the breaker or a pause holds back
    unanswered: str = ""  # of a watch: why the registry did not answer at the last look
    candidate_since: datetime | None = None  # the oldest candidate that waits for its decision
    is_built: bool = True  # False: adopted, by a watched tag


@dataclass(frozen=True, slots=True)
class Renewal:
    """The light, one sentence, one next action, and when it was last renewed."""

    light: Light
    sentence: str
    next_action: str
    last_good_at: datetime | None = None


def slack_of(interval: timedelta) -> timedelta:
    """How late a renewal may be: a quarter of the interval, so that jitter and one long build do not turn it red."""
    return max(MIN_SLACK, interval / 4)


def renewal_state(facts: RenewalFacts, at: datetime) -> Renewal:
    """The state of ``facts`` at ``at``. Raises ValueError for a naive time."""
    if at.tzinfo is None:
        raise ValueError("a naive time cannot be judged")
    if facts.interval is None or facts.since is None:
        return Renewal(Light.NONE, "Nothing renews it.", "Give it a source, or follow its upstream tag.")
    return (
        _stopped(facts)
        or _failed(facts)
        or _overdue(facts, facts.interval, facts.since, at)
        or _amber(facts, facts.interval, at)
        or _green(facts)
    )


def _stopped(facts: RenewalFacts) -> Renewal | None:
    if not facts.is_stopped:
        return None
    sentence = "Its upstream tag moved too often within a day and is no longer followed."
    return Renewal(Light.RED, sentence, "Find out who pushes it, then let it go on.", facts.last_good_at)


def _failed(facts: RenewalFacts) -> Renewal | None:
    if facts.last_failure_at is None:
        return None
    sentence = f"The last renewal failed on {_minute(facts.last_failure_at)}: {_short(facts.last_failure)}"
    action = "Read its log at the failing line; what is certified stays as it is."
    return Renewal(Light.RED, sentence, action, facts.last_good_at)


def _overdue(facts: RenewalFacts, interval: timedelta, since: datetime, at: datetime) -> Renewal | None:
    last = facts.last_good_at or since
    if at < last + interval + slack_of(interval):
        return None
    never = "It was never renewed" if facts.last_good_at is None else f"Last renewed on {_minute(last)}"
    sentence = f"{never}; it should be every {_words(interval)}."
    if facts.is_paused:
        action = "It is paused: let it go on."
    elif facts.is_running:
        action = "A renewal runs; wait for it."
    elif facts.unanswered:
        action = f"Its registry does not answer: {_short(facts.unanswered)}"
    else:
        action = "See whether the scheduler and the workers run, then start it by hand."
    return Renewal(Light.RED, sentence, action, facts.last_good_at)


def _amber(facts: RenewalFacts, interval: timedelta, at: datetime) -> Renewal | None:
    told = _why_amber(facts, interval, at)
    return Renewal(Light.AMBER, told[0], told[1], facts.last_good_at) if told else None


def _why_amber(facts: RenewalFacts, interval: timedelta, at: datetime) -> tuple[str, str] | None:
    renewed = _renewed(facts)
    if facts.is_paused:
        return f"{renewed} It is paused.", "Let it go on before it is overdue."
    if facts.unanswered:
        return f"{renewed} The last look got no answer: {_short(facts.unanswered)}", "Test its registry."
    if facts.held_since is not None:
        return (
            f"{renewed} A reason to rebuild of {_minute(facts.held_since)} is held back.",
            "Look at the builds before it; start one by hand.",
        )
    if facts.candidate_since is not None and at >= facts.candidate_since + slack_of(interval):
        return f"{renewed} A candidate waits since {_minute(facts.candidate_since)}.", "Review it."
    if facts.last_good_at is None:
        word = "is being renewed for the first time" if facts.is_running else "was not renewed yet"
        return f"It {word}.", "Wait for it, or start it by hand." if not facts.is_running else "Wait for it."
    # Jitter may move it by a tenth: until then it is not late.
    if at >= facts.last_good_at + interval * 1.1:
        word = "runs" if facts.is_running else "is due"
        return f"{renewed} The next renewal {word}.", "Wait for it." if facts.is_running else "It starts by itself."
    return None


def _green(facts: RenewalFacts) -> Renewal:
    return Renewal(Light.GREEN, _renewed(facts), "Nothing needs to be done.", facts.last_good_at)


def _renewed(facts: RenewalFacts) -> str:
    if facts.last_good_at is None:
        return "It was not renewed yet."
    word = "Last renewed" if facts.is_built else "Its upstream tag was last looked at"
    return f"{word} on {_minute(facts.last_good_at)}."


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _words(interval: timedelta) -> str:
    if interval >= timedelta(days=1):
        days = interval.days
        return "day" if days == 1 else f"{days} days"
    hours = interval / timedelta(hours=1)
    return "hour" if hours == 1 else f"{hours:g} hours"


def _short(text: str) -> str:
    one_line = " ".join(text.split())
    return one_line if len(one_line) <= 200 else one_line[:199] + "…"
