"""Certificates, and what ends them."""

from datetime import timedelta

import pgtrigger
import uuid6
from django.conf import settings
from django.db import models
from django.db.models import F, Q

from approvals.models import triggers

SUSPENSION_HOURS = 72


class Certification(models.Model):
    """Who certified which digest, on which packet, under which policy version, until when.

    Begun when the last needed approval came; in force from ``starts_at`` once finalised; a failed one
    never was, an ended one was revoked or replaced by a later certificate of the same subversion.
    """

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    proposal = models.OneToOneField("approvals.Proposal", on_delete=models.PROTECT, related_name="certification")
    packet = models.ForeignKey("approvals.Packet", on_delete=models.PROTECT, related_name="certifications")
    subversion = models.ForeignKey("catalog.Subversion", on_delete=models.PROTECT, related_name="certifications")
    policy = models.ForeignKey("policies.Policy", on_delete=models.PROTECT, related_name="certifications")
    publication = models.OneToOneField("signing.Publication", on_delete=models.PROTECT, related_name="certification")
    reviewers_needed = models.PositiveIntegerField()
    is_one_person = models.BooleanField(default=False)  # one pair of eyes, by a setting: said wherever it is shown
    unfixed = models.JSONField(default=dict)  # severity -> how many findings without a fix the reviewers accepted
    begun_at = models.DateTimeField()
    finalised_at = models.DateTimeField(null=True, blank=True)
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    failed_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    reason = models.TextField(blank=True)  # why it failed or ended

    class Meta:
        ordering = ["-begun_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["subversion"],
                condition=Q(finalised_at__isnull=False, ended_at=None),
                name="certification_live_once",
            ),
            models.UniqueConstraint(
                fields=["subversion"],
                condition=Q(finalised_at=None, failed_at=None, ended_at=None),
                name="certification_begun_once",
            ),
            models.CheckConstraint(
                condition=Q(finalised_at=None, starts_at=None, ends_at=None)
                | Q(finalised_at__isnull=False, starts_at__isnull=False, ends_at__isnull=False, failed_at=None)
                & Q(ends_at__gt=F("starts_at"), starts_at__gte=F("begun_at")),
                name="certification_window",
            ),
            models.CheckConstraint(
                condition=Q(failed_at=None, ended_at=None) | ~Q(reason=""), name="certification_end_told"
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(finalised_at__isnull=False), name="certification_ended_after_begin"
            ),
            models.CheckConstraint(condition=Q(reviewers_needed__gte=1), name="certification_needs_someone"),
        ]
        triggers = [
            pgtrigger.Protect(name="certification_kept", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="certification_claim_fixed",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange(
                    "proposal",
                    "packet",
                    "subversion",
                    "policy",
                    "publication",
                    "reviewers_needed",
                    "is_one_person",
                    "unfixed",
                    "begun_at",
                ),
            ),
            # A window that was opened is not moved, and an end is not taken back.
            pgtrigger.Protect(
                name="certification_window_fixed",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "((OLD.finalised_at IS NOT NULL AND (NEW.finalised_at, NEW.starts_at, NEW.ends_at)"
                    " IS DISTINCT FROM (OLD.finalised_at, OLD.starts_at, OLD.ends_at))"
                    " OR (OLD.failed_at IS NOT NULL AND NEW.failed_at IS DISTINCT FROM OLD.failed_at)"
                    " OR (OLD.ended_at IS NOT NULL AND NEW.ended_at IS DISTINCT FROM OLD.ended_at))"
                ),
            ),
            pgtrigger.Trigger(
                name="certification_is_backed",
                operation=pgtrigger.Insert | pgtrigger.Update,
                when=pgtrigger.After,
                timing=pgtrigger.Deferred,
                declare=[("needed", "integer"), ("approvals", "integer"), ("illegal", "integer")],
                func=triggers.CERTIFICATION_IS_BACKED,
            ),
            pgtrigger.Trigger(
                name="certification_finalised_legally",
                operation=pgtrigger.Insert | pgtrigger.Update,
                when=pgtrigger.Before,
                condition=pgtrigger.Condition("NEW.finalised_at IS NOT NULL AND NEW.ended_at IS NULL"),
                func=triggers.CERTIFICATION_IS_FINALISED_LEGALLY,
            ),
        ]

    def __str__(self) -> str:
        return f"certification of {self.subversion}"


class CertificationReview(models.Model):
    """One approval that a certification consumed. Consumed once, and for good."""

    certification = models.ForeignKey(Certification, on_delete=models.PROTECT, related_name="consumed")
    review = models.OneToOneField("approvals.Review", on_delete=models.PROTECT, related_name="consumed_by")

    class Meta:
        ordering = ["pk"]
        triggers = [
            pgtrigger.Protect(name="consumption_never_changed", operation=pgtrigger.Update | pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.review_id} for {self.certification_id}"


class Suspension(models.Model):
    """One security reviewer's stop: at once, for at most 72 hours, taken back by anyone of them."""

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    subversion = models.ForeignKey("catalog.Subversion", on_delete=models.PROTECT, related_name="suspensions")
    suspended_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField(max_length=4000)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()  # brought forward when lifted
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    lift_reason = models.TextField(blank=True, max_length=4000)

    class Meta:
        ordering = ["-starts_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gte=F("starts_at"))
                & Q(ends_at__lte=F("starts_at") + timedelta(hours=SUSPENSION_HOURS)),
                name="suspension_at_most_72_hours",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="suspension_reason_given"),
            models.CheckConstraint(
                condition=Q(lifted_at=None, lifted_by=None)
                | Q(lifted_at__isnull=False, lifted_by__isnull=False, ends_at__lte=F("lifted_at")) & ~Q(lift_reason=""),
                name="suspension_lift_told",
            ),
        ]
        triggers = [pgtrigger.Protect(name="suspension_kept", operation=pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"suspension of {self.subversion}"


class Revocation(models.Model):
    """The end of a subversion, with its reason. Never taken back."""

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    subversion = models.OneToOneField("catalog.Subversion", on_delete=models.PROTECT, related_name="revocation")
    revoked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField(max_length=4000)
    revoked_at = models.DateTimeField()

    class Meta:
        ordering = ["-revoked_at", "-id"]
        constraints = [models.CheckConstraint(condition=~Q(reason=""), name="revocation_reason_given")]
        triggers = [
            pgtrigger.Protect(name="revocation_never_changed", operation=pgtrigger.Update | pgtrigger.Delete),
            pgtrigger.Trigger(
                name="revocation_ends",
                operation=pgtrigger.Insert,
                when=pgtrigger.Before,
                func=triggers.REVOCATION_ENDS,
            ),
        ]

    def __str__(self) -> str:
        return f"revocation of {self.subversion}"
