"""A candidate before its reviewers: proposal, packet, review."""

import json
from typing import Any

import pgtrigger
import uuid6
from django.conf import settings
from django.db import models
from django.db.models import Q

from approvals.models import triggers


class Proposal(models.Model):
    """A subversion that somebody puts up to be certified."""

    class State(models.TextChoices):
        OPEN = "open", "open"  # waits for reviews
        CERTIFYING = "certifying", "certifying"  # reviews consumed; copy or signature outstanding
        CERTIFIED = "certified", "certified"
        REJECTED = "rejected", "rejected"
        WITHDRAWN = "withdrawn", "withdrawn"  # by its proposer
        FAILED = "failed", "failed"  # reviews were complete, and finalising refused

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    subversion = models.ForeignKey("catalog.Subversion", on_delete=models.PROTECT, related_name="proposals")
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="proposals")
    # Who wrote what it was built from, where that is known: the second person who may not review.
    source_author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    # The human beings behind both accounts (``accounts.selectors.identity_of``) when it was opened.
    proposer_identity = models.CharField(max_length=500)
    author_identity = models.CharField(max_length=500, blank=True)
    request = models.ForeignKey(
        "approvals.Request", null=True, blank=True, on_delete=models.PROTECT, related_name="proposals"
    )
    note = models.TextField(blank=True, max_length=4000)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    current_packet = models.ForeignKey(
        "approvals.Packet", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_reason = models.TextField(blank=True)

    class Meta:
        ordering = ["-opened_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["subversion"], condition=Q(state__in=["open", "certifying"]), name="proposal_open_once"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["open", "certifying"], closed_at=None)
                | Q(state="certified", closed_at__isnull=False)
                | Q(state__in=["rejected", "withdrawn", "failed"], closed_at__isnull=False) & ~Q(closed_reason=""),
                name="proposal_state_told",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["open", "rejected", "withdrawn"]) | Q(current_packet__isnull=False),
                name="proposal_certifies_a_packet",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="proposal_kept", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="proposal_persons_fixed",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange(
                    "subversion", "proposed_by", "source_author", "proposer_identity", "author_identity"
                ),
            ),
            # The legal steps: open to anything, certifying to an end, an end to nothing.
            pgtrigger.Protect(
                name="proposal_legal_steps",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "NEW.state <> OLD.state AND NOT (OLD.state = 'open'"
                    " AND NEW.state IN ('certifying', 'rejected', 'withdrawn')"
                    " OR OLD.state = 'certifying' AND NEW.state IN ('certified', 'failed'))"
                ),
            ),
            pgtrigger.Protect(
                name="proposal_packet_frozen",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.state <> 'open' AND NEW.current_packet_id IS DISTINCT FROM OLD.current_packet_id"
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"proposal of {self.subversion}"


class Packet(models.Model):
    """Frozen evidence, as canonical JSON (RFC 8785) under its SHA-256. Never changed."""

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, related_name="packets")
    number = models.PositiveIntegerField()
    canonical = models.TextField()  # the bytes that were hashed; ``document`` is read from them
    sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["proposal", "number"]
        constraints = [
            models.UniqueConstraint(fields=["proposal", "number"], name="packet_number_once"),
            models.CheckConstraint(condition=Q(sha256__regex=r"^[0-9a-f]{64}$"), name="packet_sha256_hex"),
        ]
        triggers = [
            pgtrigger.Protect(name="packet_never_changed", operation=pgtrigger.Update | pgtrigger.Delete),
            pgtrigger.Trigger(
                name="packet_hash_true",
                operation=pgtrigger.Insert,
                when=pgtrigger.Before,
                func="IF NEW.sha256 <> encode(sha256(convert_to(NEW.canonical, 'UTF8')), 'hex') THEN"
                " RAISE EXCEPTION 'the hash of a packet names its bytes' USING ERRCODE = 'check_violation';"
                " END IF; RETURN NEW;",
            ),
        ]

    def __str__(self) -> str:
        return f"packet {self.number} of {self.proposal_id}"

    @property
    def document(self) -> dict[str, Any]:
        """The evidence, read from the bytes that were hashed."""
        return dict(json.loads(self.canonical))


class Review(models.Model):
    """One person's judgement of one packet. Never changed; a new packet asks again."""

    class Outcome(models.TextChoices):
        APPROVE = "approve", "approve"
        REQUEST_CHANGES = "request_changes", "request changes"
        REJECT = "reject", "reject"

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, related_name="reviews")
    packet = models.ForeignKey(Packet, on_delete=models.PROTECT, related_name="reviews")
    packet_sha256 = models.CharField(max_length=64)
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="reviews")
    reviewer_identity = models.CharField(max_length=500)
    outcome = models.CharField(max_length=20, choices=Outcome.choices)
    reason = models.TextField(blank=True, max_length=4000)
    is_own = models.BooleanField(default=False)  # by the proposer: possible only in a house of one person
    decided_at = models.DateTimeField()

    class Meta:
        ordering = ["decided_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["packet", "reviewer"], name="review_once_an_account"),
            models.UniqueConstraint(fields=["packet", "reviewer_identity"], name="review_once_an_identity"),
            models.CheckConstraint(condition=~Q(reviewer_identity=""), name="review_by_somebody"),
            models.CheckConstraint(
                condition=Q(outcome="approve") | Q(outcome__in=["request_changes", "reject"]) & ~Q(reason=""),
                name="review_refuses_with_reason",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="review_never_changed", operation=pgtrigger.Update | pgtrigger.Delete),
            pgtrigger.Trigger(
                name="review_is_legal",
                operation=pgtrigger.Insert,
                when=pgtrigger.Before,
                declare=[("proposal", "approvals_proposal%ROWTYPE"), ("packet", "approvals_packet%ROWTYPE")],
                func=triggers.REVIEW_IS_LEGAL,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.outcome} by {self.reviewer_id}"
