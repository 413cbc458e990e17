"""The policy's line for certifying, line by line, each with its reason and its remedy.

- ``scanned``: there is a complete scan. Any other state is unknown or a refusal, never "clean".
- ``scan_age``, ``feed_age``: the scan is fresh, and so are the advisories it was held against, by the
  snapshot time that their publisher states. A frozen feed is judged as the policy says.
- ``known_exploited``: nothing in it is known to be used in attacks.
- ``findings``: no fix is older than its severity's grace. A fix of unknown age counts as old.
  A pair of version and advisory that cannot be compared is unknown.
- ``unfixed``: what has no fix is counted and accepted by the reviewers' signatures.
- ``end_of_life``: the release is supported; extended support is told.
- ``root``: whether it runs as root unless the application sets USER: stated.
- ``hardening``: no rule on its files, or on the recipe it was built from, is broken without a waiver.
- ``recipe``, ``provenance``, for what was built here: people approved exactly that recipe, and who built it is signed.
- ``known_exploited_feed``, ``end_of_life_feed``: how old that knowledge is: warns.

What was not compared has no findings that anybody knows: that is unknown, never clean. Where there is no inventory at
all and a waiver of GG3001 holds, the lines that ask for one warn instead, in its words (``inventory_line``).

An index is as good as its worst runnable child, and the line names that child.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from approvals.domain.evidence import SEVERITIES, ArtifactEvidence, Evidence, Finding, in_words
from approvals.domain.inventory_line import holding, not_compared, waived
from approvals.domain.line import BADNESS, Line, Outcome
from approvals.domain.supply_line import hardening_line, supply_lines
from policies.domain.document import Action, PolicyDocument

MAX_ITEMS = 10  # findings named on a line; the packet has all of them


@dataclass(frozen=True, slots=True)
class _Judge:
    policy: PolicyDocument
    now: datetime


def certify_line(evidence: Evidence, *, policy: PolicyDocument, now: datetime) -> tuple[Line, ...]:
    """Judge ``evidence`` at ``now``. The order of the lines is the order in which people read them."""
    judge = _Judge(policy, now)
    checks = (_scanned, _scan_age, _feed_age, _known_exploited, _findings, _unfixed, _end_of_life, _root)
    lines = [_worst(check, judge, evidence) for check in checks]
    if evidence.artifacts:
        lines.append(hardening_line(evidence.artifacts, evidence.build))
    lines += supply_lines(evidence.build)
    lines.append(_knowledge_age(judge, evidence.known_exploited_at, kind="known_exploited_feed"))
    lines.append(_knowledge_age(judge, evidence.end_of_life_at, kind="end_of_life_feed"))
    return tuple(lines)


def blocking(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """The lines that keep it from being certified."""
    return tuple(line for line in lines if line.is_blocking)


def certificate_end(evidence: Evidence, *, starts_at: datetime, days: int) -> datetime:
    """When a certificate of ``days`` that starts at ``starts_at`` ends: no later than a waiver that it stands on."""
    waivers = [one.inventory_waiver.ends_at for one in evidence.artifacts if one.inventory_waiver]
    return min([starts_at + timedelta(days=days), *waivers])


def _worst(check: Callable[[_Judge, ArtifactEvidence], Line], judge: _Judge, evidence: Evidence) -> Line:
    if not evidence.artifacts:
        code = check.__name__.removeprefix("_")
        return Line(code, Outcome.UNKNOWN, "Nothing in it could run.", "Propose an image, or an index of images.")
    lines = [check(judge, artifact) for artifact in evidence.artifacts]
    worst = max(lines, key=lambda line: BADNESS[line.outcome])
    if len(lines) == 1:
        return worst
    artifact = evidence.artifacts[lines.index(worst)]
    reason = f"{artifact.platform or artifact.digest}: {worst.reason}"
    return Line(worst.code, worst.outcome, reason, worst.remedy, artifact.digest, worst.items)


def _scanned(judge: _Judge, artifact: ArtifactEvidence) -> Line:
    match artifact.scan_state:
        case "complete":
            return Line("scanned", Outcome.PASS, artifact.scan_sentence or "Scanned completely.")
        case "none":
            return Line("scanned", Outcome.UNKNOWN, "Not scanned yet.", "Wait for its scan, or start one.")
        case "failed" | "unsupported":
            if (waiver := holding(artifact, judge.now)) is not None:
                return waived("scanned", "There is no inventory of it", waiver)
            sentence = artifact.scan_sentence or f"The scan is {artifact.scan_state}."
            return Line("scanned", Outcome.FAIL, sentence, artifact.scan_cure or "Scan it again.")
        case "stale":
            # Its advisories are old: feed_age says how old, and whether that is accepted.
            return Line("scanned", Outcome.PASS, artifact.scan_sentence or "Scanned, with old advisories.")
        case state:
            return Line("scanned", Outcome.UNKNOWN, f"The scan is {state!r}.", "Scan it again.")


def _scan_age(judge: _Judge, artifact: ArtifactEvidence) -> Line:
    days = judge.policy.certify.scan_max_age_days
    if artifact.scanned_at is None:
        return Line("scan_age", Outcome.UNKNOWN, "There is no scan whose age could be told.", "Scan it.")
    age = judge.now - artifact.scanned_at
    reason = f"Scanned on {_minute(artifact.scanned_at)}, {_age(age)} ago; {days} days are allowed."
    if age > timedelta(days=days):
        return Line("scan_age", Outcome.FAIL, reason, "Scan it again.")
    return Line("scan_age", Outcome.PASS, reason)


def _feed_age(judge: _Judge, artifact: ArtifactEvidence) -> Line:
    hours = judge.policy.certify.feed_max_age_hours
    if artifact.feed_snapshot_at is None:
        if (waiver := holding(artifact, judge.now)) is not None:
            return waived("feed_age", "No advisories could be about it: nothing was compared", waiver)
        reason = f"No advisories cover {artifact.release or 'this release'}: nothing was compared."
        return Line("feed_age", Outcome.UNKNOWN, reason, "Add a feed that covers it, and sync it.")
    age = judge.now - artifact.feed_snapshot_at
    told = f"The advisories ({artifact.feed_name}) are of {_minute(artifact.feed_snapshot_at)}"
    if artifact.is_feed_frozen and judge.policy.certify.frozen_feed is Action.ACCEPT:
        reason = f"{told}, frozen at that date; this policy accepts that for demonstrations alone."
        return Line("feed_age", Outcome.WARN, reason, "Certify nothing that matters under this policy.")
    reason = f"{told}, {_age(age)} old; {hours} hours are allowed."
    if age > timedelta(hours=hours):
        return Line("feed_age", Outcome.FAIL, reason, "Sync the feed.")
    return Line("feed_age", Outcome.PASS, reason)


def _known_exploited(judge: _Judge, artifact: ArtifactEvidence) -> Line:
    found = [finding for finding in artifact.findings if finding.is_known_exploited]
    if not found:
        return not_compared("known_exploited", artifact, judge.now) or Line(
            "known_exploited", Outcome.PASS, "Nothing in it is known to be exploited."
        )
    outcome = Outcome.FAIL if judge.policy.certify.findings.known_exploited is Action.REFUSE else Outcome.WARN
    reason = f"{in_words(found)} known to be used in attacks."
    return Line("known_exploited", outcome, reason, _take_the_fixes(found), items=_items(found))


def _findings(judge: _Judge, artifact: ArtifactEvidence) -> Line:
    unseen = not_compared("findings", artifact, judge.now)
    fixable = [finding for finding in artifact.findings if finding.fixed_version]
    overdue = [finding for finding in fixable if _is_overdue(judge, finding)]
    if overdue:
        reason = f"{in_words(overdue)} have a fix that must be taken before certifying."
        return Line("findings", Outcome.FAIL, reason, _take_the_fixes(overdue), items=_items(overdue))
    incomparable = [finding for finding in artifact.findings if not finding.is_comparable]
    if incomparable:
        reason = f"{in_words(incomparable)} cannot be compared with what is installed: cannot tell."
        return Line(
            "findings", Outcome.UNKNOWN, reason, "Correct the version or the advisory.", items=_items(incomparable)
        )
    if fixable and not (unseen and unseen.is_blocking):
        reason = f"{in_words(fixable)} have a fix that is still in its grace."
        reason += f" {unseen.reason}" if unseen else ""
        return Line("findings", Outcome.WARN, reason, _take_the_fixes(fixable), items=_items(fixable))
    return unseen or Line("findings", Outcome.PASS, "Nothing in it has a fix that was not taken.")


def _is_overdue(judge: _Judge, finding: Finding) -> bool:
    grace = timedelta(days=judge.policy.certify.findings.fixable_grace_days.of(finding.severity))
    return finding.fix_since is None or judge.now - finding.fix_since >= grace


def _unfixed(judge: _Judge, artifact: ArtifactEvidence) -> Line:
    found = [finding for finding in artifact.findings if finding.is_comparable and not finding.fixed_version]
    if not found:
        return not_compared("unfixed", artifact, judge.now) or Line(
            "unfixed", Outcome.PASS, "Nothing in it is without a fix."
        )
    match judge.policy.certify.findings.unfixed:
        case Action.REFUSE:
            return Line("unfixed", Outcome.FAIL, f"{in_words(found)} have no fix.", "Remove the packages.")
        case Action.ACCEPT | Action.WARN:
            reason = f"{in_words(found)} have no fix; whoever approves accepts them by signature."
            return Line("unfixed", Outcome.WARN, reason, "Read them before approving.", items=_items(found))


def _end_of_life(judge: _Judge, artifact: ArtifactEvidence) -> Line:
    release = artifact.release or "the release"
    until = f" until {artifact.support_ends_on}" if artifact.support_ends_on else ""
    match artifact.support:
        case "supported":
            return Line("end_of_life", Outcome.PASS, f"Support of {release} lasts{until or ' on'}.")
        case "extended":
            reason = f"{release} is in extended support{until}."
            outcome = {
                Action.REFUSE: Outcome.FAIL,
                Action.WARN: Outcome.WARN,
                Action.ACCEPT: Outcome.PASS,
            }[judge.policy.certify.extended_support]
            return Line("end_of_life", outcome, reason, "Plan the move to the next release.")
        case "ended":
            on = f" on {artifact.support_ends_on}" if artifact.support_ends_on else ""
            outcome = Outcome.FAIL if judge.policy.certify.end_of_life is Action.REFUSE else Outcome.WARN
            return Line("end_of_life", outcome, f"Support of {release} ended{on}.", "Move to a supported release.")
        case _:
            if (waiver := holding(artifact, judge.now)) is not None:
                return waived("end_of_life", "It names no release whose support could end", waiver)
            reason = f"Until when {release} is supported is not known."
            return Line("end_of_life", Outcome.UNKNOWN, reason, "Import end-of-life data that names it.")


def _root(judge: _Judge, artifact: ArtifactEvidence) -> Line:
    name = artifact.user.partition(":")[0]
    if name.isdigit() and int(name) != 0:
        return Line("root", Outcome.PASS, f"Runs as user {name}.")
    if name in ("", "root") or name.isdigit():
        reason = "Runs as root unless the application sets USER."
    else:
        reason = f"Runs as {name!r}: a name proves no number, so a cluster asks for runAsUser."
    outcome = {
        Action.REFUSE: Outcome.FAIL,
        Action.WARN: Outcome.WARN,
        Action.ACCEPT: Outcome.PASS,
    }[judge.policy.certify.root]
    return Line("root", outcome, reason, "Set a numeric USER, such as USER 65532.")


def _knowledge_age(judge: _Judge, snapshot_at: datetime | None, *, kind: str) -> Line:
    certify = judge.policy.certify
    is_kev = kind == "known_exploited_feed"
    days = certify.known_exploited_feed_max_age_days if is_kev else certify.end_of_life_feed_max_age_days
    what = "Known exploited vulnerabilities" if is_kev else "End-of-life dates"
    if snapshot_at is None:
        return Line(kind, Outcome.WARN, f"{what}: no feed was read.", "Add that feed, and sync it.")
    age = judge.now - snapshot_at
    reason = f"{what} are of {_minute(snapshot_at)}, {_age(age)} old; {days} days are allowed."
    return (
        Line(kind, Outcome.WARN, reason, "Sync the feed.")
        if age > timedelta(days=days)
        else Line(kind, Outcome.PASS, reason)
    )


def _items(found: list[Finding]) -> tuple[str, ...]:
    ranked = sorted(found, key=lambda one: (_rank(one.severity), one.vulnerability_id, one.package))
    return tuple(
        f"{one.vulnerability_id} ({one.severity}) in {one.package} {one.installed}"
        + (f", fixed in {one.fixed_version}" if one.fixed_version else ", no fix")
        for one in ranked[:MAX_ITEMS]
    )


def _rank(severity: str) -> int:
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)


def _take_the_fixes(found: list[Finding]) -> str:
    packages = sorted({finding.package for finding in found if finding.fixed_version})
    if not packages:
        return "There is no fix yet: remove the packages, or wait."
    named = ", ".join(packages[:5]) + (f" and {len(packages) - 5} more" if len(packages) > 5 else "")
    return f"Rebuild with updated packages: {named}."


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _age(age: timedelta) -> str:
    hours = max(age, timedelta()) / timedelta(hours=1)
    if hours < 1:
        return "less than an hour"
    if hours < 1.5:
        return "1 hour"
    return f"{hours:.0f} hours" if hours < 96 else f"{hours / 24:.0f} days"
