"""Every write of approvals: ask, propose, review, certify, suspend, revoke."""

from approvals.services.certifying import finalise
from approvals.services.ending import lift_suspension, revoke, suspend, withdraw_proposal
from approvals.services.proposals import propose, refresh_packet, refresh_packets_of
from approvals.services.requests import answer_request, ask_request, join_request, withdraw_request
from approvals.services.reviews import reject, review_packet

__all__ = [
    "answer_request",
    "ask_request",
    "finalise",
    "join_request",
    "lift_suspension",
    "propose",
    "refresh_packet",
    "refresh_packets_of",
    "reject",
    "review_packet",
    "revoke",
    "suspend",
    "withdraw_proposal",
    "withdraw_request",
]
