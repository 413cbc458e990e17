"""Recipes before their reviewers: reviews, and what enough of them became."""

import pgtrigger
import uuid6
from django.conf import settings
from django.db import models
from django.db.models import Q

from approvals.models import triggers


class RecipeReview(models.Model):
    """One person's judgement of one recipe, with what they saw it beside. Never changed; other bytes ask again."""

    class Outcome(models.TextChoices):
        APPROVE = "approve", "approve"
        REQUEST_CHANGES = "request_changes", "request changes"
        REJECT = "reject", "reject"

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    recipe = models.ForeignKey("builds.Recipe", on_delete=models.PROTECT, related_name="reviews")
    recipe_sha256 = models.CharField(max_length=64)
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reviewer_identity = models.CharField(max_length=500)
    outcome = models.CharField(max_length=20, choices=Outcome.choices)
    reason = models.TextField(blank=True, max_length=4000)
    # By who wrote it or answers for its source: possible only in a house of one person.
    is_own = models.BooleanField(default=False)
    # The earlier recipe whose difference was shown; None for the first one, which was read whole.
    compared_with = models.ForeignKey(
        "builds.Recipe", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    checks = models.JSONField(default=dict)  # severity to how many results stood beside it
    decided_at = models.DateTimeField()

    class Meta:
        ordering = ["decided_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["recipe", "reviewer"], name="recipe_review_once_an_account"),
            models.UniqueConstraint(fields=["recipe", "reviewer_identity"], name="recipe_review_once_an_identity"),
            models.CheckConstraint(condition=~Q(reviewer_identity=""), name="recipe_review_by_somebody"),
            models.CheckConstraint(
                condition=Q(outcome="approve") | Q(outcome__in=["request_changes", "reject"]) & ~Q(reason=""),
                name="recipe_review_refuses_with_reason",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="recipe_review_never_changed", operation=pgtrigger.Update | pgtrigger.Delete),
            pgtrigger.Trigger(
                name="recipe_review_is_legal",
                operation=pgtrigger.Insert,
                when=pgtrigger.Before,
                declare=[("recipe", "builds_recipe%ROWTYPE"), ("own", "boolean")],
                func=triggers.RECIPE_REVIEW_IS_LEGAL,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.outcome} by {self.reviewer_id}"


class RecipeApproval(models.Model):
    """Who approved exactly this recipe, under which policy; and who took it back, for good."""

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, editable=False)
    recipe = models.OneToOneField("builds.Recipe", on_delete=models.PROTECT, related_name="approval")
    policy = models.ForeignKey("policies.Policy", on_delete=models.PROTECT, related_name="+")
    reviewers_needed = models.PositiveIntegerField()
    is_one_person = models.BooleanField(default=False)  # one pair of eyes, by a setting
    approved_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    withdrawn_reason = models.TextField(blank=True, max_length=4000)

    class Meta:
        ordering = ["-approved_at", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(reviewers_needed__gte=1), name="recipe_approval_needs_someone"),
            models.CheckConstraint(
                condition=Q(withdrawn_at=None, withdrawn_by=None, withdrawn_reason="")
                | Q(withdrawn_at__isnull=False, withdrawn_by__isnull=False) & ~Q(withdrawn_reason=""),
                name="recipe_approval_withdrawn_by_somebody",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="recipe_approval_kept", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="recipe_approval_fixed",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange("recipe", "policy", "reviewers_needed", "is_one_person", "approved_at"),
            ),
            pgtrigger.Protect(
                name="recipe_approval_end_stays",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition("OLD.withdrawn_at IS NOT NULL"),
            ),
            pgtrigger.Trigger(
                name="recipe_approval_is_backed",
                operation=pgtrigger.Insert,
                when=pgtrigger.After,
                timing=pgtrigger.Deferred,
                declare=[("needed", "integer"), ("approvals", "integer"), ("illegal", "integer")],
                func=triggers.RECIPE_APPROVAL_IS_BACKED,
            ),
        ]

    def __str__(self) -> str:
        return f"approval of {self.recipe_id}"


class RecipeApprovalReview(models.Model):
    """One review that an approval consumed. Consumed once, and for good."""

    approval = models.ForeignKey(RecipeApproval, on_delete=models.PROTECT, related_name="consumed")
    review = models.OneToOneField(RecipeReview, on_delete=models.PROTECT, related_name="consumed_by")

    class Meta:
        ordering = ["pk"]
        triggers = [
            pgtrigger.Protect(name="recipe_consumption_never_changed", operation=pgtrigger.Update | pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.review_id} for {self.approval_id}"
