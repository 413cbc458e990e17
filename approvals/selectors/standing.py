"""How the reviews of candidates stand: what ``builds/`` shows in its waves and cannot know by itself."""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Q

from approvals.models import Review
from approvals.selectors.proposals import latest_proposals, reviewers_needed
from builds.domain.wave import Reviews
from policies.selectors import active_policy, document_of

SUPERSEDED = "Superseded by"
"""How the reason begins where a newer candidate took a proposal's place."""


def reviews_standing(subversion_ids: Collection[UUID], at: datetime) -> Mapping[UUID, Reviews]:
    """Subversion id to how its newest proposal stands; what was never proposed is not in it. Three queries."""
    if not subversion_ids:
        return {}
    proposals = latest_proposals(subversion_ids)
    policy = active_policy(at)
    roles = tuple(document_of(policy).certify.reviewer_roles)
    packets = [one.current_packet_id for one in proposals.values() if one.current_packet_id]
    approvals = Count("reviewer_identity", filter=Q(outcome=Review.Outcome.APPROVE), distinct=True)
    rows = Review.objects.filter(packet_id__in=packets).order_by().values("packet_id").annotate(given=approvals)
    given = {row["packet_id"]: row["given"] for row in rows}
    return {
        subversion_id: Reviews(
            state=str(one.state),
            reason=one.closed_reason,
            is_superseded=one.closed_reason.startswith(SUPERSEDED),
            needed=reviewers_needed(policy),
            given=given.get(one.current_packet_id, 0) if one.current_packet_id else 0,
            roles=tuple(str(role) for role in roles),
        )
        for subversion_id, one in proposals.items()
    }
