"""Every read of approvals."""

from approvals.selectors.certificates import (
    certificates_told,
    certification_by_id,
    certification_of_publication,
    certifications_of,
    live_certification,
    moved_certified,
    moved_since_packet,
)
from approvals.selectors.evidence import evidence_of
from approvals.selectors.inventories import without_inventory_under
from approvals.selectors.proposals import (
    latest_proposal,
    latest_proposals,
    open_proposals,
    open_proposals_about,
    packet_by_id,
    proposal_by_id,
    proposal_verdict,
    proposals,
    review_warnings,
    reviewers_needed,
    reviews_due,
    reviews_of,
    subversion_verdict,
)
from approvals.selectors.requests import open_request_for, request_by_id, request_subject, requests, requests_of

__all__ = [
    "certificates_told",
    "certification_by_id",
    "certification_of_publication",
    "certifications_of",
    "evidence_of",
    "latest_proposal",
    "latest_proposals",
    "live_certification",
    "moved_certified",
    "moved_since_packet",
    "open_proposals",
    "open_proposals_about",
    "open_request_for",
    "packet_by_id",
    "proposal_by_id",
    "proposal_verdict",
    "proposals",
    "request_by_id",
    "request_subject",
    "requests",
    "requests_of",
    "review_warnings",
    "reviewers_needed",
    "reviews_due",
    "reviews_of",
    "subversion_verdict",
    "without_inventory_under",
]
