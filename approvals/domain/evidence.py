"""What is known about a candidate when it is judged: plain values, read once."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

SEVERITIES = ("critical", "high", "medium", "low", "none", "unknown")  # worst first; unknown is its own value


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One component × one vulnerability."""

    vulnerability_id: str
    package: str
    installed: str
    fixed_version: str  # "" = no fix
    severity: str
    is_known_exploited: bool = False
    fix_since: datetime | None = None  # published, or first seen by us if that is earlier
    is_comparable: bool = True  # False: whether it is affected cannot be told


@dataclass(frozen=True, slots=True, order=True)
class BrokenRule:
    """A hardening rule of severity *error* that does not hold, and the waiver that lets it pass."""

    rule: str
    message: str
    remedy: str = ""
    where: str = ""
    waived_until: datetime | None = None
    waived_by: str = ""
    waiver_reason: str = ""


@dataclass(frozen=True, slots=True)
class FilesEvidence:
    """What was seen in the files of one image; ``state`` is "none" where nobody looked yet."""

    state: str = "none"
    failure: str = ""
    errors: tuple[BrokenRule, ...] = ()
    warnings: int = 0
    notes: int = 0
    profile: dict[str, Any] | None = None
    files_digest: str = ""


@dataclass(frozen=True, slots=True)
class BuildEvidence:
    """How it came to be, where it was built from a source of ours, or submitted by a pipeline we trust."""

    source: str
    number: int
    builder: str
    builder_id: str
    commit: str
    isolation: str = ""
    recipe_sha256: str = ""  # "" for what a pipeline elsewhere built
    recipe_number: int = 0
    is_recipe_checked: bool = True  # False: no rule was held against it yet
    is_recipe_approved: bool = False
    recipe_approved_by: tuple[str, ...] = ()
    submitted_by: str = ""  # the pipeline's subject
    errors: tuple[BrokenRule, ...] = ()  # of the recipe
    warnings: int = 0
    provenance_sha256: str = ""  # "" where there is none yet
    is_reproduced: bool | None = None  # None: nobody built it twice
    # Their rows, for links; in no packet.
    key: str = ""
    source_key: str = ""
    recipe_key: str = ""


@dataclass(frozen=True, slots=True)
class InventoryWaiver:
    """A waiver of GG3001 in force: why it may pass that there is no inventory of an image, by whom, until when."""

    ends_at: datetime
    given_by: str
    reason: str
    scope_kind: str
    scope: str
    is_one_person: bool = False  # given by who asked, by a setting
    key: str = ""  # its row, for links; in no packet


@dataclass(frozen=True, slots=True)
class ArtifactEvidence:
    """What is known about one runnable image."""

    digest: str
    platform: str
    user: str  # as its configuration has it; "" runs as root
    scan_state: str  # "none" where nobody looked yet
    scan_sentence: str = ""
    scan_cure: str = ""
    scan_id: str = ""
    scanned_at: datetime | None = None
    feed_name: str = ""
    feed_snapshot_at: datetime | None = None
    is_feed_frozen: bool = False
    support: str = "unknown"  # supported, extended, ended, unknown
    support_ends_on: date | None = None
    release: str = ""  # "debian 12"
    inventory_id: str = ""
    inventory_digest: str = ""
    component_count: int = 0
    basis: str = ""  # what the list of components rests on: package_database, attested, none
    attested_by: str = ""  # "" where nobody attested any of it
    tool: str = ""
    coverage: dict[str, Any] | None = None
    config: dict[str, Any] | None = None
    findings: tuple[Finding, ...] = ()
    files: FilesEvidence = FilesEvidence()
    # Nobody can tell what is in it: scratch, a static binary (``approvals.selectors.inventories``).
    is_without_inventory: bool = False
    inventory_waiver: InventoryWaiver | None = None  # only of one without an inventory

    @property
    def was_compared(self) -> bool:
        """Whether it was held against advisories: only then does an empty list of findings say anything."""
        return self.scan_state in ("complete", "stale") and self.feed_snapshot_at is not None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that the certify line reads: each runnable image, how it was built, and two feeds of knowledge."""

    artifacts: tuple[ArtifactEvidence, ...]
    known_exploited_at: datetime | None = None  # snapshot time of that feed; None: there is none
    end_of_life_at: datetime | None = None
    build: BuildEvidence | None = None  # None: it was adopted, not built


def counts(findings: "tuple[Finding, ...] | list[Finding]") -> dict[str, int]:
    """How many distinct vulnerabilities of each severity, worst first, zeros left out.

    A vulnerability in ten packages is one; its severity is the worst that any of them is given.
    """
    worst: dict[str, str] = {}
    for finding in findings:
        severity = finding.severity if finding.severity in SEVERITIES else "unknown"
        held = worst.get(finding.vulnerability_id)
        if held is None or SEVERITIES.index(severity) < SEVERITIES.index(held):
            worst[finding.vulnerability_id] = severity
    counted = Counter(worst.values())
    return {severity: counted[severity] for severity in SEVERITIES if counted[severity]}


def in_words(found: "tuple[Finding, ...] | list[Finding]") -> str:
    """ "79 findings (27 vulnerabilities: 5 critical, 10 high, …)"."""
    by_severity = counts(found)
    parts = ", ".join(f"{count} {severity}" for severity, count in by_severity.items())
    total = sum(by_severity.values())
    noun = "finding" if len(found) == 1 else "findings"
    vulnerabilities = "vulnerability" if total == 1 else "vulnerabilities"
    return f"{len(found)} {noun} ({total} {vulnerabilities}: {parts})"
