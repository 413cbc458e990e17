"""Every write of approvals: ask, propose, review, certify, suspend, revoke."""

from approvals.services.candidates import propose_candidate, refresh_recipe
from approvals.services.certifying import finalise
from approvals.services.ending import lift_suspension, revoke, suspend, withdraw_proposal
from approvals.services.proposals import propose, refresh_packet, refresh_packets_of, refresh_packets_under
from approvals.services.requests import answer_request, ask_request, join_request, withdraw_request
from approvals.services.reviews import reject, review_packet
from approvals.services.waivers import ask_waiver, end_waiver, give_waiver, refuse_waiver

__all__ = [
    "answer_request",
    "ask_request",
    "ask_waiver",
    "end_waiver",
    "finalise",
    "give_waiver",
    "join_request",
    "lift_suspension",
    "propose",
    "propose_candidate",
    "refresh_packet",
    "refresh_packets_of",
    "refresh_packets_under",
    "refresh_recipe",
    "refuse_waiver",
    "reject",
    "review_packet",
    "revoke",
    "suspend",
    "withdraw_proposal",
    "withdraw_request",
]
