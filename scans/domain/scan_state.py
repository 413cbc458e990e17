"""The state of a scan: a judgement of facts at a moment, never a count (threat T9).

``complete`` needs all of: a report about this digest, a distribution whose release is known and whose version order we
can compute, its package database or a verified attestation in its place, components, support that has not ended, and
advisories for that release no older than asked. Anything else is ``failed``, ``unsupported`` or ``stale``, with its
cause: zero findings from it are never "clean". The order of the checks is the order of their causes: what makes the
others meaningless comes first.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from scans.domain.basis import Basis
from scans.domain.ecosystems import is_preview, package_database_of
from scans.domain.support import Support, SupportDates, support_on


class ScanState(StrEnum):
    """Four values; only the first can ever be clean."""

    COMPLETE = "complete"
    FAILED = "failed"
    UNSUPPORTED = "unsupported"
    STALE = "stale"


class Cause(StrEnum):
    """Stable codes of why a scan is not complete."""

    NONE = ""
    NOT_INVENTORIED = "not_inventoried"
    SCANNER_UNAVAILABLE = "scanner_unavailable"
    SCANNER_TIMED_OUT = "scanner_timed_out"
    SCANNER_FAILED = "scanner_failed"
    REPORT_MISSING = "report_missing"
    REPORT_TOO_LARGE = "report_too_large"
    REPORT_MALFORMED = "report_malformed"
    REPORT_OF_OTHER_IMAGE = "report_of_other_image"
    NO_RUNNABLE_CHILDREN = "no_runnable_children"
    PACKAGE_DATABASE_REMOVED = "package_database_removed"
    NO_COMPONENTS = "no_components"
    UNKNOWN_DISTRIBUTION = "unknown_distribution"
    UNKNOWN_RELEASE = "unknown_release"
    UNSUPPORTED_DISTRIBUTION = "unsupported_distribution"
    PAST_END_OF_SUPPORT = "past_end_of_support"
    SUPPORT_UNKNOWN = "support_unknown"
    NO_FEED = "no_feed"
    STALE_FEED = "stale_feed"


# The larger the worse.
BADNESS = {ScanState.FAILED: 3, ScanState.UNSUPPORTED: 2, ScanState.STALE: 1, ScanState.COMPLETE: 0}


@dataclass(frozen=True, slots=True)
class Attested:
    """What somebody attested of the image."""

    by: str
    component_count: int
    comparable_count: int  # of these, in ecosystems whose versions have an order here
    remark: str = ""  # why it does not stand in for a package database


@dataclass(frozen=True, slots=True)
class EndedAttestation:
    """An attestation that counted, and why it counts no longer."""

    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class ScanFacts:
    """What a judgement is made from; nothing in it depends on when it is made."""

    failure: Cause = Cause.NONE  # the scanner, or its report
    failure_detail: str = ""
    os_id: str = ""
    os_version: str = ""
    component_count: int = 0
    has_package_database: bool | None = None
    is_database_empty: bool = False  # it is there, and names nothing
    is_order_known: bool = False  # whether versions of this release can be compared
    support: SupportDates | None = None
    feed_snapshot_at: datetime | None = None  # the oldest of the feeds that cover this release
    feed_name: str = ""
    is_feed_frozen: bool = False
    basis: Basis = Basis.NONE
    attested: Attested | None = None
    ended: EndedAttestation | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """A state, its cause, one sentence for people, and what to do about it."""

    state: ScanState
    cause: Cause
    sentence: str
    cure: str = ""
    support: Support = Support.UNKNOWN
    support_ends_on: date | None = None

    @property
    def badness(self) -> int:
        """How bad the state is: the state of an index is its worst child's."""
        return BADNESS[self.state]

    @property
    def is_complete(self) -> bool:
        """Whether findings, and their absence, mean anything."""
        return self.state is ScanState.COMPLETE


def judge(facts: ScanFacts, *, at: datetime, max_feed_age: timedelta | None) -> Judgement:
    """The state of a scan with ``facts`` at ``at``, where advisories may be ``max_feed_age`` old (None: any age)."""
    support = Support.UNKNOWN if facts.support is None else support_on(facts.support, at)
    ends_on = facts.support.ends_on if facts.support else None
    found = _unreadable(facts) or _unknown_system(facts) or _unsupported(facts, support)
    found = found or _stale(facts, at, max_feed_age)
    state, cause, sentence, cure = found or (ScanState.COMPLETE, Cause.NONE, _complete_sentence(facts, support), "")
    if facts.ended is not None and state is not ScanState.COMPLETE:
        sentence += f" What {facts.ended.by} attested counts no longer: {facts.ended.reason}"
    return Judgement(state, cause, sentence, cure, support, ends_on)


_Found = tuple[ScanState, Cause, str, str] | None
_COMPARED = "Use a release of Debian, Ubuntu, Alpine, Red Hat's UBI or AlmaLinux, or Wolfi."
_AGAIN = "Scan it again; the job's log has the scanner's own words."


def _unreadable(facts: ScanFacts) -> _Found:
    if facts.failure is Cause.NONE:
        return None
    return ScanState.FAILED, facts.failure, facts.failure_detail or _FAILURES.get(facts.failure, ""), _AGAIN


_FAILURES = {
    Cause.NOT_INVENTORIED: "This image has not been looked into yet.",
    Cause.SCANNER_UNAVAILABLE: "The scanner could not be started.",
    Cause.SCANNER_TIMED_OUT: "The scanner did not finish in its time.",
    Cause.SCANNER_FAILED: "The scanner ended with an error.",
    Cause.REPORT_MISSING: "The scanner left no report.",
    Cause.REPORT_TOO_LARGE: "The scanner's report is larger than is read.",
    Cause.REPORT_MALFORMED: "The scanner's report cannot be read.",
    Cause.REPORT_OF_OTHER_IMAGE: "The scanner's report is about another image.",
    Cause.NO_RUNNABLE_CHILDREN: "This index lists nothing that could run.",
}


def _unknown_system(facts: ScanFacts) -> _Found:
    release = f"{facts.os_id} {facts.os_version}".strip()
    if not facts.os_id:
        return _without_distribution(facts)
    if not facts.os_version or is_preview(facts.os_id, facts.os_version):
        sentence = f"The os-release of {facts.os_id} names no release."
        if facts.os_version:
            sentence = f"{release} is a state between two releases: no advisories are written for it."
        return ScanState.UNSUPPORTED, Cause.UNKNOWN_RELEASE, sentence, "Use a stable release, which names itself."
    if not facts.is_order_known:
        sentence = f"Versions of {release} cannot be compared with advisories here."
        return ScanState.UNSUPPORTED, Cause.UNSUPPORTED_DISTRIBUTION, sentence, _COMPARED
    if facts.has_package_database is False and not _stands_in(facts):
        if facts.attested is not None and facts.basis is Basis.ATTESTED:
            sentence = f"The package database of {release} was removed. {_what_is_attested(facts.attested)}."
            return ScanState.FAILED, Cause.PACKAGE_DATABASE_REMOVED, sentence, _ATTEST
        sentence = f"The package database of {release} was removed: what is installed cannot be told."
        cure = f"Keep {package_database_of(facts.os_id)} in the image."
        return ScanState.FAILED, Cause.PACKAGE_DATABASE_REMOVED, sentence, cure
    if facts.component_count and facts.is_database_empty:
        sentence = f"The package database of {release} is there, and not one package can be read from it."
        cure = f"Keep {package_database_of(facts.os_id)} as the package manager wrote it."
        return ScanState.FAILED, Cause.NO_COMPONENTS, sentence, cure
    if facts.component_count == 0:
        sentence = f"No component was found in this {release} image."
        return ScanState.FAILED, Cause.NO_COMPONENTS, sentence, "Keep the package database in the image."
    return None


_ATTEST = "Attest an inventory of this image that names the release of its packages."


def _stands_in(facts: ScanFacts) -> bool:
    """Whether what was attested stands in for a package database."""
    return facts.basis is Basis.ATTESTED and facts.attested is not None and not facts.attested.remark


def _without_distribution(facts: ScanFacts) -> _Found:
    if facts.attested is not None:
        sentence = f"No known distribution. {_what_is_attested(facts.attested)}."
        return ScanState.UNSUPPORTED, Cause.UNKNOWN_DISTRIBUTION, sentence, f"{_ATTEST} {_ELSE_WAIVED}"
    sentence = f"No known distribution: {_components(facts)} without an os-release that names one."
    if facts.basis is Basis.PACKAGE_DATABASE:
        return ScanState.UNSUPPORTED, Cause.UNKNOWN_DISTRIBUTION, sentence, "Base the image on a supported release."
    cure = f"Base the image on a supported release, or attest its inventory. {_ELSE_WAIVED}"
    return ScanState.UNSUPPORTED, Cause.UNKNOWN_DISTRIBUTION, sentence, cure


_ELSE_WAIVED = "Where that cannot be: a waiver of GG3001."


def _what_is_attested(attested: Attested) -> str:
    compared = "none" if attested.comparable_count == 0 else str(attested.comparable_count)
    noun = "component" if attested.component_count == 1 else "components"
    text = f"Attested by {attested.by}: {attested.component_count} {noun}, {compared} of which can be compared"
    return f"{text}; {attested.remark}" if attested.remark else text


def _unsupported(facts: ScanFacts, support: Support) -> _Found:
    release = f"{facts.os_id} {facts.os_version}"
    match support:
        case Support.ENDED:
            day = f" on {facts.support.ends_on}" if facts.support and facts.support.ends_on else ""
            sentence = f"Support of {release} ended{day}: no advisory is written for it any more."
            return ScanState.UNSUPPORTED, Cause.PAST_END_OF_SUPPORT, sentence, "Move to a supported release."
        case Support.UNKNOWN:
            sentence = f"Until when {release} is supported is not known."
            return ScanState.UNSUPPORTED, Cause.SUPPORT_UNKNOWN, sentence, "Import end-of-life data that names it."
        case _:
            return None


def _stale(facts: ScanFacts, at: datetime, max_feed_age: timedelta | None) -> _Found:
    release = f"{facts.os_id} {facts.os_version}"
    if facts.feed_snapshot_at is None:
        sentence = f"No advisories cover {release}: nothing was compared."
        return ScanState.STALE, Cause.NO_FEED, sentence, "Add a feed that covers this release, and sync it."
    age = at - facts.feed_snapshot_at
    if max_feed_age is not None and age > max_feed_age:
        frozen = ", and the feed is frozen at that date" if facts.is_feed_frozen else ""
        sentence = (
            f"The advisories for {release} ({facts.feed_name}) are of {facts.feed_snapshot_at:%Y-%m-%d %H:%M} UTC, "
            f"{_hours(age)} old where {_hours(max_feed_age)} are allowed{frozen}."
        )
        return ScanState.STALE, Cause.STALE_FEED, sentence, "Sync the feed."
    return None


def _components(facts: ScanFacts) -> str:
    return f"{facts.component_count} component{'' if facts.component_count == 1 else 's'}"


def _hours(length: timedelta) -> str:
    hours = length / timedelta(hours=1)
    return f"{hours:.0f} hours" if hours < 96 else f"{hours / 24:.0f} days"


def _complete_sentence(facts: ScanFacts, support: Support) -> str:
    text = f"{_components(facts)} of {facts.os_id} {facts.os_version}"
    if facts.attested is not None:
        by = facts.attested.by
        text += f", as attested by {by}, not seen in the image," if _stands_in(facts) else f", some attested by {by},"
    text += " compared with advisories"
    if facts.feed_snapshot_at is not None:
        text += f" of {facts.feed_snapshot_at:%Y-%m-%d %H:%M} UTC"
    if support is Support.EXTENDED and facts.support is not None:
        text += f"; the release is in extended support until {facts.support.ends_on}"
    return f"{text}."
