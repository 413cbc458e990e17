"""One build and everything known about it, gathered for a page: what it is, what is missing, who can give it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from approvals import selectors as approvals
from approvals.domain.certify_line import blocking
from approvals.domain.delta import delta, findings_of
from approvals.domain.evidence import Evidence
from approvals.domain.line import Line
from approvals.domain.packet import Delta
from approvals.models import Certification, Proposal, Review
from catalog import selectors as catalog
from catalog.domain.state import Cause, State, StateView, state_at
from catalog.models import Subversion
from policies import selectors as policies
from policies.models import Policy
from signing.models import Publication
from web import differing
from web.differing import Point


@dataclass(frozen=True, slots=True)
class Missing:
    """One thing that stands between a candidate and its certificate, and who can give it."""

    text: str
    who: str
    url: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a proposal stands: its packet, who judged it, how many more are needed."""

    proposal: Proposal
    reviews: tuple[Review, ...]  # of the current packet
    earlier: tuple[Review, ...]  # of packets that moved: void
    needed: int

    @property
    def approvals(self) -> int:
        """Distinct persons who approved the current packet."""
        return len({one.reviewer_identity for one in self.reviews if one.outcome == Review.Outcome.APPROVE})

    @property
    def more(self) -> int:
        """How many further approvals are needed."""
        return max(self.needed - self.approvals, 0)

    @property
    def objections(self) -> tuple[Review, ...]:
        """Reviews of the current packet that ask for changes."""
        return tuple(one for one in self.reviews if one.outcome == Review.Outcome.REQUEST_CHANGES)


def standing_of(proposal: Proposal, policy: Policy) -> Standing:
    """How ``proposal`` stands. One query."""
    every = list(approvals.reviews_of(proposal))
    current = tuple(one for one in every if one.packet_id == proposal.current_packet_id)
    earlier = tuple(one for one in every if one.packet_id != proposal.current_packet_id)
    return Standing(proposal, current, earlier, approvals.reviewers_needed(policy))


def state_of(subversion: Subversion, at: datetime) -> tuple[StateView, Subversion | None]:
    """Its state, and what to move to, looked for only where the state names it. One query at most."""
    view = state_at(catalog.facts_of(subversion), at)
    if view.state in (State.CANDIDATE, State.CERTIFIED):
        return view, None
    successor = catalog.successor_of(subversion, at)
    return state_at(catalog.facts_of(subversion, successor=successor), at), successor


def moved_since(certifications: Sequence[Certification], evidence: Evidence) -> Delta | None:
    """What came and went since the packet of the certificate in force; None without one."""
    live = next((one for one in certifications if one.finalised_at and not one.ended_at), None)
    if live is None:
        return None
    now = [finding for artifact in evidence.artifacts for finding in artifact.findings]
    return delta(findings_of(live.packet.document), now)


def difference_points(before: Certification | None, subversion: Subversion, evidence: Evidence) -> list[Point] | None:
    """What differs to the one that ``subversion`` replaces, in sentences; None where there is none to compare with."""
    if before is None:
        return None
    # What may still move is what scans and inspections of the newer one say; of the older one, little does.
    made_from = [f"{one.scan_id}:{one.files.files_digest}" for one in evidence.artifacts]
    found = differing.remembered_or_none(before.subversion.artifact, subversion.artifact, made_from=made_from)
    return differing.points(found) if found else None


def policy_at(at: datetime) -> Policy:
    """The policy in force. One query."""
    return policies.active_policy(at)


def missing_for(
    subversion: Subversion,
    view: StateView,
    *,
    standing: Standing | None,
    lines: Sequence[Line],
    publication: Publication | None,
) -> list[Missing]:
    """What a candidate still lacks, in the order in which it must come. Empty for every other state."""
    if view.state is not State.CANDIDATE:
        return []
    if view.cause is Cause.CERTIFYING:
        return list(_publication_steps(publication))
    found = [Missing(line.reason, line.remedy) for line in blocking(tuple(lines))]
    if standing is None or standing.proposal.state != Proposal.State.OPEN:
        found.append(Missing("It is not before its reviewers.", "A requester or platform admin proposes it."))
        return found
    url = reverse("web:review", args=[standing.proposal.pk])
    for objection in standing.objections:
        found.append(Missing(f"{objection.reviewer} asked for changes: {objection.reason}", "Its proposer.", url))
    if standing.more:
        noun = "approval" if standing.more == 1 else "approvals"
        text = f"{standing.more} more {noun} of {standing.needed}, each by another person."
        found.append(Missing(text, "Reviewers who neither proposed it nor wrote its source.", url, "Review it"))
    return found


def _publication_steps(publication: Publication | None) -> Iterable[Missing]:
    if publication is None or publication.copied_at is None:
        yield Missing("The copy into the certified repository.", "A worker; nobody needs to act.")
    if publication is None or publication.signed_at is None:
        yield Missing("The signature.", "The signer; nobody needs to act.")
    if publication is None or publication.sent_at is None:
        yield Missing("The signature beside the copy, where clusters look.", "A worker; nobody needs to act.")


def certificate_words(certification: Certification) -> str:
    """Who certified it, on what, in one sentence."""
    people = ", ".join(certification.reviewer_names)  # type: ignore[attr-defined]
    alone = " — one pair of eyes, by a setting" if certification.is_one_person else ""
    return f"Certified by {people or 'its reviewers'}{alone}, under {certification.policy}."
