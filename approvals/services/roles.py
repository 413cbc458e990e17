"""Whose judgement counts."""

from accounts.roles import Role
from policies.models import Policy
from policies.selectors import document_of


def reviewer_roles(policy: Policy) -> frozenset[Role]:
    """The roles of which a reviewer needs one under ``policy``."""
    return frozenset(Role(word) for word in document_of(policy).certify.reviewer_roles)
