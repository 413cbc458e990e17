"""What the API says of who built an image."""

from rest_framework import serializers

from builds.models import Build
from signing.models import Publication


class ProvenanceRecipeOutput(serializers.Serializer):  # type: ignore[type-arg]
    """The recipe that was built, and who approved it before the build began."""

    id = serializers.UUIDField()
    number = serializers.IntegerField()
    sha256 = serializers.CharField()


class ProvenancePipelineOutput(serializers.Serializer):  # type: ignore[type-arg]
    """The pipeline that submitted it, as its token said and Goldgate verified."""

    kind = serializers.CharField(source="pipeline.kind")
    issuer = serializers.CharField(source="pipeline.issuer")
    subject = serializers.CharField(source="pipeline.subject")
    at = serializers.DateTimeField()


class ProvenancePlaceOutput(serializers.ModelSerializer[Publication]):
    """Where the attestation stands."""

    repository = serializers.CharField(source="target_repository.name")

    class Meta:
        model = Publication
        fields = ["repository", "begun_at", "signed_at", "sent_at", "withdrawal_begun_at"]


class ReproductionOutput(serializers.ModelSerializer[Build]):
    """A second build of the same recipe, and how it compared."""

    build = serializers.UUIDField(source="id")
    comparison = serializers.DictField()

    class Meta:
        model = Build
        fields = ["build", "number", "finished_at", "comparison"]


class ProvenanceOutput(serializers.Serializer):  # type: ignore[type-arg]
    """Who built it, from which commit, by which recipe approved by whom; and the predicate as it is signed."""

    digest = serializers.CharField()
    build = serializers.UUIDField(source="build.id")
    number = serializers.IntegerField(source="build.number")
    source = serializers.UUIDField(source="build.source_id")  # type: ignore[assignment]
    source_name = serializers.CharField(source="build.source.name")
    version = serializers.CharField(source="build.source.version", help_text="Of the catalog, as image/version.")
    built_by = serializers.CharField(source="build.builder_id", help_text="SLSA's builder.id.")
    started_at = serializers.DateTimeField(source="build.started_at", allow_null=True)
    finished_at = serializers.DateTimeField(source="build.finished_at")
    source_uri = serializers.CharField()
    ref = serializers.CharField()
    commit = serializers.CharField()
    recipe = ProvenanceRecipeOutput(source="build.recipe", allow_null=True)
    is_recipe_approved = serializers.BooleanField(
        source="build.is_reviewed", help_text="Whether people had approved the recipe when the build began."
    )
    approved_by = serializers.ListField(child=serializers.CharField())
    submitted_by = ProvenancePipelineOutput(source="submission", allow_null=True)
    predicate_type = serializers.CharField()
    predicate = serializers.DictField(help_text="SLSA provenance v1, as it is signed.")
    places = ProvenancePlaceOutput(source="publications", many=True)
    reproductions = ReproductionOutput(many=True)
