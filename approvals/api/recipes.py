"""Reviews of recipes over REST."""

from typing import Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from approvals.api.serializers import ReasonInput
from approvals.models import RecipeApproval, RecipeReview
from approvals.selectors.recipes import recipe_reviews
from approvals.services.recipes import review_recipe, withdraw_recipe
from builds.selectors.recipes import recipe_by_id
from catalog.api.caller import person_of
from portal.paging import PAGE_PARAMETERS, page, paged
from portal.serializers import StrictSerializer


class RecipeReviewOutput(serializers.Serializer[Any]):
    """One person's judgement of one recipe, named by its hash."""

    id = serializers.UUIDField()
    recipe = serializers.UUIDField(source="recipe_id")
    recipe_sha256 = serializers.CharField()
    reviewer = serializers.CharField(source="reviewer.username")
    outcome = serializers.ChoiceField(choices=RecipeReview.Outcome.choices)
    reason = serializers.CharField()
    is_own = serializers.BooleanField(help_text="By who wrote it: one pair of eyes, by a setting.")
    compared_with = serializers.UUIDField(
        source="compared_with_id", allow_null=True, help_text="The earlier recipe that it was shown beside."
    )
    checks = serializers.DictField(
        child=serializers.IntegerField(), help_text="Severity to how many results stood beside it."
    )
    decided_at = serializers.DateTimeField()


class RecipeReviewInput(StrictSerializer):
    outcome = serializers.ChoiceField(choices=RecipeReview.Outcome.choices)
    recipe_sha256 = serializers.RegexField(r"\A[0-9a-f]{64}\Z", help_text="Of the recipe that was read.")
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=4000)


class RecipeApprovalOutput(serializers.Serializer[RecipeApproval]):
    """Who approved exactly these bytes, and when it was taken back."""

    recipe = serializers.UUIDField(source="recipe_id")
    reviewers_needed = serializers.IntegerField()
    is_one_person = serializers.BooleanField()
    approved_at = serializers.DateTimeField()
    withdrawn_at = serializers.DateTimeField(allow_null=True)
    withdrawn_by = serializers.CharField(source="withdrawn_by.username", default=None, allow_null=True)
    withdrawn_reason = serializers.CharField()


class RecipeReviewsView(APIView):
    @extend_schema(operation_id="recipe_reviews_list", parameters=PAGE_PARAMETERS, responses=paged(RecipeReviewOutput))
    def get(self, request: Request, recipe_id: UUID) -> Response:
        """Every review of a recipe, oldest first."""
        found = recipe_reviews(recipe_by_id(recipe_id))
        return page(request, found, order=("decided_at", "id"), serializer=RecipeReviewOutput)

    @extend_schema(operation_id="recipe_reviews_write", request=RecipeReviewInput, responses={201: RecipeReviewOutput})
    def post(self, request: Request, recipe_id: UUID) -> Response:
        """Judge the recipe that was read. People alone do this: no service token may."""
        given = RecipeReviewInput(data=request.data)
        given.is_valid(raise_exception=True)
        review = review_recipe(
            recipe_id=recipe_id, reviewer=person_of(request), now=timezone.now(), **given.validated_data
        )
        return Response(RecipeReviewOutput(review).data, status=201)


class RecipeWithdrawView(APIView):
    @extend_schema(operation_id="recipes_withdraw", request=ReasonInput, responses=RecipeApprovalOutput)
    def post(self, request: Request, recipe_id: UUID) -> Response:
        """Take a recipe's approval back, for good."""
        given = ReasonInput(data=request.data)
        given.is_valid(raise_exception=True)
        withdrawn = withdraw_recipe(
            recipe_id=recipe_id, person=person_of(request), now=timezone.now(), **given.validated_data
        )
        return Response(RecipeApprovalOutput(withdrawn).data)
