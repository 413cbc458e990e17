"""The lines about where a candidate comes from: its files, its recipe, its provenance.

What cannot be told of something built here refuses, like everywhere. An image that was adopted says nothing about how
it was built: that is stated by the absence of these lines; its files are looked at like any other's.
"""

from collections.abc import Sequence

from approvals.domain.evidence import ArtifactEvidence, BrokenRule, BuildEvidence
from approvals.domain.line import Line, Outcome

MAX_ITEMS = 10  # rules named on a line; the packet has all of them


def hardening_line(artifacts: Sequence[ArtifactEvidence], build: BuildEvidence | None) -> Line:
    """Whether any rule of severity *error* is broken without a waiver, in any runnable image or in the recipe."""
    broken = [rule for artifact in artifacts for rule in artifact.files.errors]
    broken += build.errors if build else []
    standing = [rule for rule in broken if rule.waived_until is None]
    if standing:
        reason = (
            f"{_count(len(standing), 'hardening rule')} not kept: {standing[0].rule}, {_lowered(standing[0].message)}"
        )
        remedy = standing[0].remedy or "Mend it and build again, or ask for a waiver with a reason and an end."
        return Line("hardening", Outcome.FAIL, reason, remedy, items=_items(standing))
    if build is not None and not build.is_recipe_checked:
        return Line("hardening", Outcome.UNKNOWN, "No rule was held against its recipe yet.", "Fetch the source again.")
    failed = next((artifact for artifact in artifacts if artifact.files.state == "failed"), None)
    if failed is not None:
        reason = f"Its files could not be inspected: {failed.files.failure}"
        return Line("hardening", Outcome.UNKNOWN, reason, "Inspect it again.", failed.digest)
    if any(artifact.files.state == "none" for artifact in artifacts):
        outcome = Outcome.UNKNOWN if build else Outcome.WARN
        return Line("hardening", outcome, "Its files were not inspected yet.", "Wait for its inspection, or start one.")
    if broken:
        reason = f"{_count(len(broken), 'hardening rule')} not kept, each under a waiver."
        return Line("hardening", Outcome.WARN, reason, "Read the waivers before approving.", items=_items(broken))
    warnings = sum(artifact.files.warnings for artifact in artifacts) + (build.warnings if build else 0)
    if warnings:
        shown = f"{_count(warnings, 'warning')} shown"
        return Line("hardening", Outcome.PASS, f"No hardening rule that refuses is broken; {shown}.")
    return Line("hardening", Outcome.PASS, "Every hardening rule is kept.")


def supply_lines(build: BuildEvidence | None) -> list[Line]:
    """Recipe and provenance of what was built; none for what was adopted."""
    return [] if build is None else [_recipe(build), _provenance(build)]


def _recipe(build: BuildEvidence) -> Line:
    at = f"commit {build.commit[:12]}" if build.commit else "an unknown commit"
    if not build.recipe_sha256:
        return Line("recipe", Outcome.PASS, f"Built elsewhere by {build.submitted_by or build.builder_id}, from {at}.")
    told = f"Built from recipe {build.recipe_number} of {build.source} ({at})"
    if build.is_recipe_approved:
        people = f", approved by {' and '.join(build.recipe_approved_by)}" if build.recipe_approved_by else ", approved"
        return Line("recipe", Outcome.PASS, f"{told}{people}.")
    return Line("recipe", Outcome.FAIL, f"{told}, which nobody approved.", "Have that recipe reviewed.")


def _provenance(build: BuildEvidence) -> Line:
    if not build.provenance_sha256:
        return Line(
            "provenance",
            Outcome.UNKNOWN,
            "Who built it is not written down and signed yet.",
            "Wait for its provenance.",
        )
    again = {True: " A second build gave the same layers.", False: " A second build gave other layers.", None: ""}
    return Line("provenance", Outcome.PASS, f"Built by {build.builder_id}; signed.{again[build.is_reproduced]}")


def _items(broken: Sequence[BrokenRule]) -> tuple[str, ...]:
    return tuple(
        f"{one.rule}: {one.message}"
        + (f" ({one.where})" if one.where else "")
        + (f"; waived until {one.waived_until:%Y-%m-%d} by {one.waived_by}" if one.waived_until else "")
        for one in broken[:MAX_ITEMS]
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun} is" if number == 1 else f"{number} {noun}s are"


def _lowered(message: str) -> str:
    return message[:1].lower() + message[1:]
