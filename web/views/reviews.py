"""What changed, and can I stand for it? The packet, the policy's line, the findings, the judgement."""

from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import selectors as accounts
from accounts.models import Person
from approvals import selectors as approvals
from approvals import services
from approvals.domain.certify_line import blocking, certify_line
from approvals.domain.delta import delta, findings_of
from approvals.domain.evidence import SEVERITIES, Finding
from approvals.domain.packet import Delta
from approvals.models import Certification, Proposal, Review
from policies import selectors as policies
from web import dossier
from web.csv_rows import csv_of
from web.filters import CSV, Choice, read_filters
from web.forms.approvals import ReviewForm
from web.forms.base import ReasonForm
from web.paging import page_of
from web.refusals import attempt
from web.viewer import Viewer, viewer_of

COLUMNS = {
    "subversion": lambda row: row.subversion,
    "digest": lambda row: row.subversion.artifact.digest,
    "state": lambda row: row.state,
    "proposed_by": lambda row: row.proposed_by,
    "opened_at": lambda row: row.opened_at,
    "closed_at": lambda row: row.closed_at,
    "reason": lambda row: row.closed_reason,
}


@require_GET
def reviews(request: HttpRequest) -> HttpResponseBase:
    """What waits for me, oldest first; then every proposal."""
    viewer = viewer_of(request)
    states = tuple(Proposal.State.values)
    filters = read_filters(request, {"state": Choice(states), "format": CSV})
    found = approvals.proposals()
    if filters.get("state"):
        found = found.filter(state=filters.get("state"))
    if filters.is_csv:
        return csv_of("reviews.csv", COLUMNS, found)
    context = {
        "viewer": viewer,
        "due": approvals.reviews_due(viewer.person, dossier.policy_at(viewer.now), viewer.now)
        if viewer.is_reviewer
        else [],
        "page": page_of(found, request, order=("-opened_at", "-id")),
        "filters": filters,
        "unknown_filters": filters.remarks,
        "states": states,
    }
    return render(request, "web/reviews.html", context, status=filters.status)


@dataclass(frozen=True, slots=True)
class Told:
    """A review and what weakens it."""

    review: Review
    warnings: tuple[str, ...]


@require_http_methods(["GET", "POST"])
def review(request: HttpRequest, proposal_id: UUID) -> HttpResponse:
    """One proposal before its reviewers; posting is a judgement of the packet that was read."""
    viewer = viewer_of(request)
    proposal = approvals.proposal_by_id(proposal_id)
    form = ReviewForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        held = form.cleaned_data
        made = attempt(
            form,
            lambda: services.review_packet(
                proposal_id=proposal.pk,
                reviewer=viewer.person,
                outcome=Review.Outcome(held["outcome"]),
                reason=held["reason"],
                packet_sha256=held["packet_sha256"],
                now=viewer.now,
            ),
        )
        if made is not None:
            _say_what_followed(request, proposal_id)
            return redirect("web:review", proposal_id=proposal.pk)
        proposal = approvals.proposal_by_id(proposal_id)
    return _review_page(request, viewer, proposal, form)


def _say_what_followed(request: HttpRequest, proposal_id: UUID) -> None:
    proposal = approvals.proposal_by_id(proposal_id)
    words = {
        Proposal.State.OPEN: "Your judgement is recorded.",
        Proposal.State.CERTIFYING: "Your judgement is recorded. It was the last one needed: it is being certified.",
        Proposal.State.REJECTED: "It is rejected, with your reason.",
    }
    messages.success(request, words.get(Proposal.State(proposal.state), "Your judgement is recorded."))


def _review_page(request: HttpRequest, viewer: Viewer, proposal: Proposal, form: ReviewForm) -> HttpResponse:
    packet = proposal.current_packet
    policy = dossier.policy_at(viewer.now)
    standing = dossier.standing_of(proposal, policy)
    evidence = approvals.evidence_of(proposal.subversion, viewer.now)
    lines = certify_line(evidence, policy=policies.document_of(policy), now=viewer.now)
    document = packet.document if packet else {}
    before = approvals.certificates_told(proposal.subversion, viewer.now).before
    mine = [one for one in (*standing.reviews, *standing.earlier) if one.reviewer_id == viewer.person.pk]
    if not form.is_bound and packet is not None:
        form = ReviewForm(initial={"packet_sha256": packet.sha256})
    elif packet is not None:
        # What moved while they read must be read: the form now names the new packet.
        form.data = {**form.data.dict(), "packet_sha256": packet.sha256}  # type: ignore[attr-defined]
    context = {
        "viewer": viewer,
        "proposal": proposal,
        "subversion": proposal.subversion,
        "packet": packet,
        "document": document,
        "standing": standing,
        "lines": lines,
        "blockers": blocking(lines),
        "reviews": [_told(proposal, one) for one in standing.reviews],
        "void": standing.earlier,
        "since_certified": _since_certified(before, document),
        "before": before.subversion if before else None,
        "points": dossier.difference_points(before, proposal.subversion, evidence),
        "supply": evidence.build,
        "since_mine": _since_mine(mine, proposal, document),
        "findings": sorted(findings_of(document), key=_worst_first) if document else [],
        "has_judged": any(one.packet_id == proposal.current_packet_id for one in mine),
        "is_own": _is_own(proposal, viewer.person),
        "made_by": _made_by(proposal, viewer.person),
        "form": form,
        "withdraw_form": ReasonForm(auto_id="withdraw_%s"),
    }
    return render(request, "web/review.html", context, status=400 if form.errors else 200)


def _worst_first(finding: Finding) -> tuple[bool, int, str, str]:
    """Known exploited ones, then by severity; what nobody rated stands with the worst."""
    order = ("unknown", *SEVERITIES)
    rank = order.index(finding.severity) if finding.severity in order else 0
    return not finding.is_known_exploited, rank, finding.vulnerability_id, finding.package


def _told(proposal: Proposal, one: Review) -> Told:
    return Told(one, tuple(warning.text for warning in approvals.review_warnings(proposal, one)))


def _is_own(proposal: Proposal, person: Person) -> bool:
    return accounts.is_same_person(proposal.proposed_by, person) and not accounts.is_one_person()


def _made_by(proposal: Proposal, person: Person) -> Person | None:
    """The proposer, when they made this reader's account: said before anybody judges."""
    author = proposal.proposed_by
    return author if author.pk != person.pk and accounts.is_creation_of(person, author) else None


def _since_certified(before: Certification | None, document: dict[str, object]) -> Delta | None:
    """What the candidate brings and takes against what is certified now; None when nothing is."""
    if before is None or not document:
        return None
    return delta(findings_of(before.packet.document), findings_of(document))


def _since_mine(mine: list[Review], proposal: Proposal, document: dict[str, object]) -> Delta | None:
    """What moved since the reader judged an earlier packet; None when they have not."""
    earlier = [one for one in mine if one.packet_id != proposal.current_packet_id]
    if not earlier or not document:
        return None
    return delta(findings_of(earlier[-1].packet.document), findings_of(document))


@require_POST
def proposal_withdraw(request: HttpRequest, proposal_id: UUID) -> HttpResponse:
    """Take a proposal back."""
    viewer = viewer_of(request)
    form = ReasonForm(request.POST)
    if form.is_valid():
        reason = form.cleaned_data["reason"]
        done = attempt(
            form,
            lambda: services.withdraw_proposal(
                proposal_id=proposal_id, person=viewer.person, reason=reason, now=viewer.now
            ),
        )
        if done is not None:
            messages.success(request, "The proposal is withdrawn.")
    for error in form.non_field_errors():
        messages.error(request, str(error))
    return redirect("web:review", proposal_id=proposal_id)
