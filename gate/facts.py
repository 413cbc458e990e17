"""What the gate knows about one digest: facts only, no verdict.

Rules:

- Facts do not depend on the policy, the cluster or the moment: the engine joins those. The same record
  therefore serves every cluster, and a verdict can be made again from it.
- Times are Unix seconds, UTC; 0 means "never" or "none". Intervals are half-open: ``[from, until)``.
- Unknown is written out: a digest nobody scanned has ``ScanState.NONE``, never zero findings.
"""

from enum import StrEnum

import msgspec


class ArtifactKind(StrEnum):
    """What bytes a digest names."""

    IMAGE = "image"  # one runnable platform
    INDEX = "index"
    ATTESTATION = "attestation"  # known, and never run
    OTHER = "other"


class Lineage(StrEnum):
    """How surely ``DigestFacts.bases`` names what the image was built on."""

    EXACT = "exact"
    AMBIGUOUS = "ambiguous"  # several ancestors fit: the worst of them decides
    UNKNOWN = "unknown"  # cannot tell: nobody we know is a prefix of it


class ScanState(StrEnum):
    """The newest report's state. Only ``COMPLETE`` says anything about findings."""

    NONE = "none"
    RUNNING = "running"  # no complete report yet, one is being made: ask again in seconds
    COMPLETE = "complete"
    FAILED = "failed"
    UNSUPPORTED = "unsupported"
    STALE = "stale"


class Fixable(msgspec.Struct, frozen=True, array_like=True):
    """The findings of one severity that have a fix, known exploited ones left out."""

    severity: str  # critical, high, medium, low, unknown
    count: int
    fix_since: int  # of the one whose fix has been out longest
    example: str  # that one: "CVE-2026-8376 in openssl 3.0.11-1 (fixed in 3.0.17-1)"


class DigestFacts(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Everything the engine knows about ``digest`` (``sha256:<64 hex>``).

    An index carries no scan, user or base of its own: its ``members`` (runnable children) do, and the
    worst of them decides. Whoever fills this gives members and bases records of their own.
    """

    digest: str
    kind: ArtifactKind = ArtifactKind.IMAGE
    repositories: tuple[str, ...] = ()  # "host[:port]/path" under which it is recorded
    members: tuple[str, ...] = ()  # of an index: digests of its runnable children
    member_of: tuple[str, ...] = ()  # digests of the indexes that list it
    user: str = ""  # the image configuration's User as written; empty is root

    lineage: Lineage = Lineage.UNKNOWN
    bases: tuple[str, ...] = ()  # nearest known ancestors; the engine climbs further where they are no subversions

    scan: ScanState = ScanState.NONE
    scan_cause: str = ""  # why it is not complete, in words
    scanned_at: int = 0
    feed_at: int = 0  # oldest snapshot time that the covering feeds state
    is_feed_frozen: bool = False
    # Of an image without an inventory: until when people let that pass, also when it is over. 0: they never did, or
    # the scan is not complete for another cause.
    inventory_waived_until: int = 0

    known_exploited: int = 0  # findings in the KEV catalogue, with or without a fix
    known_exploited_due_at: int = 0  # the earliest due date among them
    known_exploited_example: str = ""
    fixable: tuple[Fixable, ...] = ()
    unfixed: int = 0
    unfixed_example: str = ""

    subversion: str = ""  # "debian/12 12.15-20261124.1" where the catalog has it: judged by itself, not by its base
    certified_from: int = 0
    certified_until: int = 0  # last moment of use: the end of certification, or of retiring when later
    retiring_from: int = 0
    suspended_from: int = 0
    suspended_until: int = 0  # 0 while suspended_from is set: until lifted
    revoked_at: int = 0
    rejected_at: int = 0
    reason: str = ""  # why it is withdrawn or rejected, in the words of who did it
    signed_repositories: tuple[str, ...] = ()  # "host/path" for which our verified signature over this digest exists

    use_instead: str = ""  # full reference "host/path@sha256:<64 hex>" of the certified successor
    use_instead_name: str = ""  # its name, "3.12.8-20261121.1"
