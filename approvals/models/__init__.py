"""Requests, proposals with their packets and reviews, certifications and what ends them."""

from approvals.models.certifications import Certification, CertificationReview, Revocation, Suspension
from approvals.models.proposals import Packet, Proposal, Review
from approvals.models.recipes import RecipeApproval, RecipeApprovalReview, RecipeReview
from approvals.models.requests import Request, RequestJoin

__all__ = [
    "Certification",
    "CertificationReview",
    "Packet",
    "Proposal",
    "RecipeApproval",
    "RecipeApprovalReview",
    "RecipeReview",
    "Request",
    "RequestJoin",
    "Review",
    "Revocation",
    "Suspension",
]
