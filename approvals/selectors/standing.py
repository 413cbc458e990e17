"""How the reviews of candidates stand: what ``builds/`` shows in its waves and cannot know by itself."""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from django.db.models import Count, OuterRef, Subquery

from approvals.models import Review
from approvals.selectors.proposals import proposals, reviewers_needed
from builds.domain.wave import Reviews
from policies.selectors import active_policy, document_of

SUPERSEDED = "Superseded by"
"""How the reason begins where a newer candidate took a proposal's place."""


def reviews_standing(subversion_ids: Collection[UUID], at: datetime) -> Mapping[UUID, Reviews]:
    """Subversion id to how its newest proposal stands; what was never proposed is not in it. Two queries."""
    if not subversion_ids:
        return {}
    policy = active_policy(at)
    needed, roles = reviewers_needed(policy), tuple(map(str, document_of(policy).certify.reviewer_roles))
    approving = Review.objects.filter(packet=OuterRef("current_packet_id"), outcome=Review.Outcome.APPROVE)
    persons = approving.order_by().values("packet").annotate(count=Count("reviewer_identity", distinct=True))
    found: dict[UUID, Reviews] = {}
    for one in proposals().filter(subversion_id__in=subversion_ids).annotate(given=Subquery(persons.values("count"))):
        reviews = Reviews(
            state=str(one.state),
            reason=one.closed_reason,
            is_superseded=one.closed_reason.startswith(SUPERSEDED),
            needed=needed,
            given=one.given or 0,
            roles=roles,
        )
        found.setdefault(one.subversion_id, reviews)
    return found
