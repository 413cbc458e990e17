"""The builds' part of ``/api/v1``."""

from django.urls import path

from builds.api import (
    builds,
    definitions,
    differences,
    dockerfiles,
    inspections,
    logs,
    pipelines,
    profiles,
    promotion,
    provenance,
    recipes,
    sources,
    submissions,
    watches,
    waves,
)

urlpatterns = [
    path("sources", sources.SourcesView.as_view(), name="sources"),
    path("sources/<uuid:source_id>", sources.SourceView.as_view(), name="source"),
    path("sources/<uuid:source_id>/fetch", sources.SourceFetchView.as_view(), name="source-fetch"),
    path("sources/<uuid:source_id>/recipes", recipes.SourceRecipesView.as_view(), name="source-recipes"),
    path("sources/<uuid:source_id>/pipelines", pipelines.SourcePipelinesView.as_view(), name="source-pipelines"),
    path("pipelines/<uuid:pipeline_id>", pipelines.PipelineView.as_view(), name="pipeline"),
    path(
        "sources/<uuid:source_id>/submissions", submissions.SourceSubmissionsView.as_view(), name="source-submissions"
    ),
    path("recipes/<uuid:recipe_id>", recipes.RecipeView.as_view(), name="recipe"),
    path("recipes/<uuid:recipe_id>/difference", recipes.RecipeDifferenceView.as_view(), name="recipe-difference"),
    path("builds/<uuid:build_id>/log", logs.BuildLogView.as_view(), name="build-log"),
    path("artifacts/<str:digest>/inspection", inspections.ArtifactInspectionView.as_view(), name="artifact-inspection"),
    path("artifacts/<str:digest>/checks", inspections.ArtifactChecksView.as_view(), name="artifact-checks"),
    path("artifacts/<str:digest>/provenance", provenance.ArtifactProvenanceView.as_view(), name="artifact-provenance"),
    path("dockerfile-checks", dockerfiles.DockerfileChecksView.as_view(), name="dockerfile-checks"),
    path("dockerfile-rules", dockerfiles.DockerfileRulesView.as_view(), name="dockerfile-rules"),
    path("image-rules", inspections.ImageRulesView.as_view(), name="image-rules"),
    path(
        "subversions/<uuid:subversion_id>/profile", profiles.SubversionProfileView.as_view(), name="subversion-profile"
    ),
    path("differences", differences.DifferencesView.as_view(), name="differences"),
    path("builds", builds.BuildsView.as_view(), name="builds"),
    path("builds/<uuid:build_id>", builds.BuildView.as_view(), name="build"),
    path("builds/<uuid:build_id>/reproductions", builds.ReproductionsView.as_view(), name="build-reproductions"),
    path("sources/<uuid:source_id>/builds", builds.SourceBuildsView.as_view(), name="source-builds"),
    path("sources/<uuid:source_id>/causes", builds.SourceCausesView.as_view(), name="source-causes"),
    path("renewals", builds.RenewalsView.as_view(), name="renewals"),
    path("watches", watches.WatchesView.as_view(), name="watches"),
    path("watches/<uuid:watch_id>", watches.WatchView.as_view(), name="watch"),
    path("watches/<uuid:watch_id>/look", watches.WatchLookView.as_view(), name="watch-look"),
    path("watches/<uuid:watch_id>/resume", watches.WatchResumeView.as_view(), name="watch-resume"),
    path("waves", waves.WavesView.as_view(), name="waves"),
    path("waves/<uuid:wave_id>", waves.WaveView.as_view(), name="wave"),
    path("drift-alarms", promotion.DriftAlarmsView.as_view(), name="drift-alarms"),
    path("drift-alarms/<uuid:alarm_id>/close", promotion.DriftAlarmCloseView.as_view(), name="drift-alarm-close"),
    path("pull-probes", promotion.PullProbesView.as_view(), name="pull-probes"),
    path("definitions", definitions.DefinitionsView.as_view(), name="definitions"),
    path("definitions/<str:name>", definitions.DefinitionView.as_view(), name="definition"),
    path("definitions/<str:name>/adopt", definitions.DefinitionAdoptView.as_view(), name="definition-adopt"),
]
