"""``scanned`` and ``findings``: did anyone look, lately enough, and does what they saw block?

A new digest is held to the policy's *deploy* line. One that this namespace ran lately is held to its
*restart* line: there freshness and findings warn, so that a dead feed stops nothing that runs, and only a
known exploited vulnerability past its due date refuses.

An image without an inventory (scratch, a static binary) was never compared with anything. While a waiver of that holds
both checks warn, in its words; from its end on they refuse a new digest.
"""

from gate.checks.subject import Subject, worst
from gate.facts import DigestFacts, ScanState
from gate.policy import Action
from gate.verdict import FAIL, PASS, UNKNOWN, WARN, Check, Line
from gate.words import DAY, HOUR, age, day, successor

_NONE, _RUNNING, _COMPLETE = ScanState.NONE, ScanState.RUNNING, ScanState.COMPLETE
_UNSUPPORTED = ScanState.UNSUPPORTED
_WARNS, _REFUSES = Action.WARN, Action.REFUSE
_RESTART = Line.RESTART
NO_INVENTORY = "Have a signed inventory of it (SBOM) attested, or a new waiver of GG3001 given."
RETRY_SECONDS = 20  # a scan takes seconds: worth asking again, not worth waiting for in an admission


def check_scanned(subject: Subject) -> Check:
    """The newest report is complete and fresh, of every platform that may run."""
    if subject.alone is not None:
        found = _scanned(subject, subject.alone, "")
    else:
        found = worst([_scanned(subject, facts, called) for facts, called in subject.members])
    if found.refuses and subject.line is _RESTART and subject.policy.restart.scanned is _WARNS:
        return Check("scanned", WARN, f"{found.reason}; it ran here before", found.remedy)
    return found


def check_findings(subject: Subject) -> Check:
    """No finding crosses the policy's line, on any platform that may run."""
    if subject.alone is not None:
        return _findings(subject, subject.alone, "")
    return worst([_findings(subject, facts, called) for facts, called in subject.members])


def _was_waived(facts: DigestFacts) -> bool:
    """Whether nothing but a waiver speaks, or spoke, for what is in it."""
    return facts.scan is _UNSUPPORTED and facts.inventory_waived_until > 0


def _without_inventory(code: str, facts: DigestFacts, at: int, called: str) -> Check:
    until = facts.inventory_waived_until
    if until <= at:
        return Check(
            code, FAIL, f"it has no inventory, and the waiver of that ended {day(until)}{called}", NO_INVENTORY
        )
    reason = f"no inventory, waived until {day(until)}{called}: nothing was compared with advisories"
    return Check(code, WARN, reason, NO_INVENTORY, until)


def _scanned(subject: Subject, facts: DigestFacts | None, called: str) -> Check:
    if facts is None or facts.scan is _NONE:
        return Check("scanned", UNKNOWN, f"it was never scanned{called}", "Have it scanned, then ask again.")
    if facts.scan is _RUNNING:
        remedy = f"Try again in {RETRY_SECONDS} s."
        return Check("scanned", UNKNOWN, f"its scan is running{called}", remedy, 0, RETRY_SECONDS)
    if _was_waived(facts):
        # How old the look is does not matter: it saw nothing. Until when that is let pass does.
        return _without_inventory("scanned", facts, subject.at, called)
    if facts.scan is not _COMPLETE:
        cause = f": {facts.scan_cause}" if facts.scan_cause else ""
        outcome = FAIL if facts.scan is ScanState.STALE else UNKNOWN
        return Check("scanned", outcome, f"its scan is {facts.scan}{cause}{called}", "Have it scanned again.")
    return _fresh(subject, facts, called)


def _fresh(subject: Subject, facts: DigestFacts, called: str) -> Check:
    deploy, certify, at = subject.policy.deploy, subject.policy.certify, subject.at
    scan_end = facts.scanned_at + deploy.scan_max_age_days * DAY
    if scan_end <= at:
        reason = f"its scan is {age(at - facts.scanned_at)} old, {deploy.scan_max_age_days} days are allowed{called}"
        return Check("scanned", FAIL, reason, "Have it scanned again.")
    if facts.is_feed_frozen:
        if deploy.frozen_feed is _REFUSES:
            reason = f"its advisories stand still at {day(facts.feed_at)}{called}"
            return Check("scanned", FAIL, reason, "Connect a feed that moves.")
        reason = f"scanned {day(facts.scanned_at)} with advisories frozen at {day(facts.feed_at)}"
        return Check("scanned", PASS, reason, "", scan_end)
    feed_end = facts.feed_at + deploy.feed_max_age_hours * HOUR
    if not facts.feed_at:
        reason = f"nobody knows how old the advisories of its scan are{called}"
        return Check("scanned", UNKNOWN, reason, "Sync the feed, then have it matched again.")
    if feed_end <= at:
        limit = age(deploy.feed_max_age_hours * HOUR)
        reason = f"the advisories of its scan are {age(at - facts.feed_at)} old, {limit} are allowed{called}"
        return Check("scanned", FAIL, reason, "Sync the feed, then have it matched again.")
    end = min(scan_end, feed_end)
    if at - facts.feed_at > certify.feed_max_age_hours * HOUR:
        reason = f"the advisories of its scan are {age(at - facts.feed_at)} old; refused from {day(feed_end)}{called}"
        return Check("scanned", WARN, reason, "Sync the feed.", end)
    if at - facts.scanned_at > certify.scan_max_age_days * DAY:
        reason = f"its scan is {age(at - facts.scanned_at)} old; refused from {day(scan_end)}{called}"
        return Check("scanned", WARN, reason, "Have it scanned again.", end)
    return Check("scanned", PASS, f"scanned completely {day(facts.scanned_at)}", "", end)


def _findings(subject: Subject, facts: DigestFacts | None, called: str) -> Check:
    if facts is None:
        return Check("findings", UNKNOWN, f"without a scan nobody knows its findings{called}")
    if subject.line is _RESTART and subject.policy.restart.findings is _WARNS:
        return _restart_findings(subject, facts, called)
    if facts.known_exploited and subject.policy.deploy.findings.known_exploited is _REFUSES:
        return Check("findings", FAIL, f"{_known_exploited(facts)}{called}", _rebuild(facts))
    if _is_overdue(facts, subject.at):
        return Check("findings", FAIL, f"{_known_exploited(facts)}{called}", _rebuild(facts))
    if _was_waived(facts):
        return _findings_without_inventory(subject, facts, called)
    if facts.scan is not _COMPLETE:
        return Check("findings", UNKNOWN, f"without a complete scan nobody knows its findings{called}")
    return _over_the_line(subject, facts, called)


def _findings_without_inventory(subject: Subject, facts: DigestFacts, called: str) -> Check:
    """What is listed all the same counts as ever; of the rest the waiver speaks."""
    listed = _over_the_line(subject, facts, called)
    found = _without_inventory("findings", facts, subject.at, called)
    if listed.refuses or found.refuses:
        return listed if listed.refuses else found
    end = min(found.until, listed.until or found.until)
    return Check("findings", WARN, found.reason, found.remedy, end)


def _restart_findings(subject: Subject, facts: DigestFacts, called: str) -> Check:
    if _is_overdue(facts, subject.at):
        reason = f"{_known_exploited(facts)}, due {day(facts.known_exploited_due_at)}{called}"
        return Check("findings", FAIL, reason, _rebuild(facts))
    if facts.known_exploited:
        end = facts.known_exploited_due_at
        reason = f"{_known_exploited(facts)}; refused from {day(end)}{called}"
        return Check("findings", WARN, reason, _rebuild(facts), end)
    if facts.scan is not _COMPLETE and not _was_waived(facts):
        reason = f"its findings are not known now; it ran here before{called}"
        return Check("findings", WARN, reason, "Have it scanned again.")
    waived = _was_waived(facts)
    found = (_findings_without_inventory if waived else _over_the_line)(subject, facts, called)
    if found.refuses:
        return Check("findings", WARN, f"{found.reason}; it ran here before", found.remedy)
    return found


def _over_the_line(subject: Subject, facts: DigestFacts, called: str) -> Check:
    """Fixable ones warn through their grace, then refuse; the unfixed do what the policy says."""
    rules, at = subject.policy.deploy.findings, subject.at
    end, warned = 0, ""
    for row in facts.fixable:
        if not row.count:
            continue
        grace_end = row.fix_since + rules.fixable_grace_days.of(row.severity) * DAY
        if grace_end <= at:
            reason = f"{row.example}, {row.severity}: the fix is out since {day(row.fix_since)}{called}"
            return Check("findings", FAIL, reason, _rebuild(facts))
        if not end or grace_end < end:
            end, warned = grace_end, f"{row.example}: refused from {day(grace_end)}{called}"
    if facts.unfixed and rules.unfixed is _REFUSES:
        return Check("findings", FAIL, f"{facts.unfixed_example}: no fix is out{called}", _rebuild(facts))
    if facts.known_exploited:  # the policy lets them pass before their due date
        due = facts.known_exploited_due_at
        end, warned = min(end or due, due), f"{_known_exploited(facts)}{called}"
    if warned:
        return Check("findings", WARN, warned, _rebuild(facts), end)
    if facts.unfixed and rules.unfixed is _WARNS:
        return Check("findings", WARN, f"{facts.unfixed} findings without a fix{called}")
    return Check("findings", PASS, "no finding crosses the line")


def _is_overdue(facts: DigestFacts, at: int) -> bool:
    # Without a due date nobody promised to wait: overdue.
    return bool(facts.known_exploited) and facts.known_exploited_due_at <= at


def _known_exploited(facts: DigestFacts) -> str:
    return f"known exploited: {facts.known_exploited_example or f'{facts.known_exploited} findings'}"


def _rebuild(facts: DigestFacts) -> str:
    instead = successor(facts)
    return f"Use {instead}." if instead else "Rebuild it on a patched base."
