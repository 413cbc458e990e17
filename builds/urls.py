"""The builds' part of ``/api/v1``."""

from django.urls import path

from builds.api import differences, dockerfiles, inspections, profiles, recipes, sources

urlpatterns = [
    path("sources", sources.SourcesView.as_view(), name="sources"),
    path("sources/<uuid:source_id>", sources.SourceView.as_view(), name="source"),
    path("sources/<uuid:source_id>/fetch", sources.SourceFetchView.as_view(), name="source-fetch"),
    path("sources/<uuid:source_id>/recipes", recipes.SourceRecipesView.as_view(), name="source-recipes"),
    path("recipes/<uuid:recipe_id>", recipes.RecipeView.as_view(), name="recipe"),
    path("recipes/<uuid:recipe_id>/difference", recipes.RecipeDifferenceView.as_view(), name="recipe-difference"),
    path("artifacts/<str:digest>/inspection", inspections.ArtifactInspectionView.as_view(), name="artifact-inspection"),
    path("artifacts/<str:digest>/checks", inspections.ArtifactChecksView.as_view(), name="artifact-checks"),
    path("dockerfile-checks", dockerfiles.DockerfileChecksView.as_view(), name="dockerfile-checks"),
    path("dockerfile-rules", dockerfiles.DockerfileRulesView.as_view(), name="dockerfile-rules"),
    path("image-rules", inspections.ImageRulesView.as_view(), name="image-rules"),
    path(
        "subversions/<uuid:subversion_id>/profile", profiles.SubversionProfileView.as_view(), name="subversion-profile"
    ),
    path("differences", differences.DifferencesView.as_view(), name="differences"),
]
