"""What is said of an image without an inventory, where nothing could be compared.

A waiver of GG3001 turns "cannot tell" into a warning that names its reason, its giver and its end; a finding that is
there all the same counts as ever. The moment it ends, the lines refuse again.
"""

from datetime import datetime
from textwrap import shorten

from approvals.domain.evidence import ArtifactEvidence, InventoryWaiver
from approvals.domain.line import Line, Outcome

MAX_REASON = 300  # characters of a waiver's reason on a line; the packet has all of it
BEFORE_ITS_END = "Have a signed inventory of it (SBOM) attested before the waiver ends; a certificate ends with it."


def holding(artifact: ArtifactEvidence, now: datetime) -> InventoryWaiver | None:
    """The waiver that lets it pass at ``now`` that there is no inventory of ``artifact``."""
    waiver = artifact.inventory_waiver
    return waiver if artifact.is_without_inventory and waiver is not None and now < waiver.ends_at else None


def waived(code: str, what: str, waiver: InventoryWaiver) -> Line:
    """The line that warns of ``what``, in the words of ``waiver``."""
    by = f"{waiver.given_by}, one pair of eyes by a setting" if waiver.is_one_person else waiver.given_by
    told = shorten(waiver.reason, MAX_REASON, placeholder=" …")
    reason = f"{what}; waived until {waiver.ends_at:%Y-%m-%d %H:%M} UTC by {by}: “{told}”"
    return Line(code, Outcome.WARN, reason, BEFORE_ITS_END)


def not_compared(code: str, artifact: ArtifactEvidence, now: datetime) -> Line | None:
    """Why an empty list of findings of ``artifact`` says nothing; None where it was compared."""
    if artifact.was_compared:
        return None
    if artifact.scan_state == "none":
        return Line(code, Outcome.UNKNOWN, "Nothing was compared yet.", "Wait for its scan.")
    if (waiver := holding(artifact, now)) is not None:
        return waived(code, "Nothing was compared: there is no inventory of it", waiver)
    because = artifact.scan_sentence or f"The scan is {artifact.scan_state}."
    return Line(
        code,
        Outcome.UNKNOWN,
        f"Nothing was compared that would count: {because}",
        artifact.scan_cure or "Scan it again.",
    )
