"""Recipes over REST."""

from uuid import UUID

from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from builds.api.recipe_serializers import RecipeDetailOutput, RecipeDifferenceOutput, RecipeOutput
from builds.models import Recipe
from builds.selectors.recipes import compared_with, recipe_by_id, recipe_difference, recipes_of
from builds.selectors.sources import source_by_id
from catalog.api.etag import tagged
from portal.paging import (
    CSV_PARAMETER,
    PAGE_PARAMETERS,
    AnyAccept,
    page_or_csv,
    paged_or_csv,
    refuse_unknown_parameters,
)


class SourceRecipesView(APIView):
    content_negotiation_class = AnyAccept

    @extend_schema(
        operation_id="recipes_list", parameters=[*PAGE_PARAMETERS, CSV_PARAMETER], responses=paged_or_csv(RecipeOutput)
    )
    def get(self, request: Request, source_id: UUID) -> HttpResponseBase:
        """The recipes of a source, newest first."""
        found = recipes_of(source_by_id(source_id))
        return page_or_csv(request, found, order=("-number",), serializer=RecipeOutput, name="recipes.csv")


class RecipeView(APIView):
    @extend_schema(operation_id="recipes_read", responses=RecipeDetailOutput)
    def get(self, request: Request, recipe_id: UUID) -> Response:
        """One recipe, with its Dockerfile, files and bases."""
        refuse_unknown_parameters(request)
        return tagged(request, Response(RecipeDetailOutput(recipe_by_id(recipe_id)).data))


class RecipeDifferenceView(APIView):
    @extend_schema(
        operation_id="recipes_difference",
        parameters=[
            OpenApiParameter(
                "to",
                OpenApiTypes.UUID,
                description="The recipe to hold it against; the last approved before it if left out.",
            )
        ],
        responses=RecipeDifferenceOutput,
    )
    def get(self, request: Request, recipe_id: UUID) -> Response:
        """What a recipe says otherwise than an earlier one, line by line and file by file."""
        refuse_unknown_parameters(request, {"to"})
        newer = recipe_by_id(recipe_id)
        older = _named(request.query_params["to"], newer) if "to" in request.query_params else compared_with(newer)
        shown = recipe_difference(older, newer).as_json() | {"older": older.pk if older else None, "newer": newer.pk}
        return tagged(request, Response(RecipeDifferenceOutput(shown).data))


def _named(text: str, newer: Recipe) -> Recipe:
    try:
        found = recipe_by_id(UUID(text))
    except ValueError:
        raise ValidationError({"to": ["It must be the id of a recipe."]}, code="invalid") from None
    if found.source_id != newer.source_id:
        raise ValidationError({"to": ["It is a recipe of another source."]}, code="other_source")
    return found
