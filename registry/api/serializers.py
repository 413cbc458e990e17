"""What the API takes and gives of registries, artifacts and imports."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.serializers import PersonBrief
from portal.serializers import StrictSerializer
from registry import selectors
from registry.models import Artifact, Import, Registry, Repository


class StepOutput(serializers.Serializer[Any]):
    """One step of a registry's test."""

    name = serializers.CharField()
    outcome = serializers.ChoiceField(choices=[("ok", "ok"), ("failed", "failed"), ("skipped", "skipped")])
    text = serializers.CharField()


class RegistryOutput(serializers.ModelSerializer[Registry]):
    """One registry. Its password never leaves; ``has_secret`` says whether there is one."""

    has_secret = serializers.BooleanField()
    last_test = StepOutput(many=True)

    class Meta:
        model = Registry
        fields = [
            "id",
            "name",
            "kind",
            "side",
            "host",
            "base_url",
            "path_prefix",
            "layout_path",
            "public_name",
            "is_trusted",
            "allow_private",
            "listed_hosts",
            "ca_pem",
            "proxy_url",
            "username",
            "has_secret",
            "last_tested_at",
            "last_test",
            "reachable_since",
            "last_failure",
            "created_at",
        ]


class RegistryInput(StrictSerializer):
    """A registry to add. ``host`` is as in image references; ``base_url`` is made from it when left out."""

    name = serializers.CharField(max_length=100)
    kind = serializers.ChoiceField(choices=Registry.Kind.choices, default=Registry.Kind.REMOTE)
    side = serializers.ChoiceField(choices=Registry.Side.choices, default=Registry.Side.SOURCE)
    host = serializers.CharField(max_length=255, required=False, allow_blank=True)
    base_url = serializers.CharField(max_length=500, required=False, allow_blank=True)
    path_prefix = serializers.CharField(max_length=200, required=False, allow_blank=True)
    layout_path = serializers.CharField(max_length=1000, required=False, allow_blank=True)
    public_name = serializers.CharField(max_length=455, required=False, allow_blank=True)
    is_trusted = serializers.BooleanField(required=False)
    allow_private = serializers.BooleanField(required=False)
    listed_hosts = serializers.ListField(child=serializers.CharField(max_length=255), max_length=50, required=False)
    ca_pem = serializers.CharField(max_length=256 * 1024, required=False, allow_blank=True)
    proxy_url = serializers.CharField(max_length=500, required=False, allow_blank=True)
    username = serializers.CharField(max_length=255, required=False, allow_blank=True)
    secret = serializers.CharField(
        max_length=16 * 1024, required=False, allow_blank=True, write_only=True, trim_whitespace=False
    )


class RegistryChange(RegistryInput):
    """What to change; what is left out stays. An empty ``secret`` removes the stored one."""

    name = serializers.CharField(max_length=100, required=False)
    kind = serializers.ChoiceField(choices=Registry.Kind.choices, required=False)  # type: ignore[assignment]
    side = serializers.ChoiceField(choices=Registry.Side.choices, required=False)  # type: ignore[assignment]


class PresetOutput(serializers.Serializer[Any]):
    """A well-known registry to begin with."""

    key = serializers.CharField()
    title = serializers.CharField()
    host = serializers.CharField()
    base_url = serializers.CharField()
    listed_hosts = serializers.ListField(child=serializers.CharField())
    hint = serializers.CharField()


class RepositoryOutput(serializers.ModelSerializer[Repository]):
    """One repository; ``name`` is ``host/path``."""

    name = serializers.CharField()
    registry_id = serializers.UUIDField()

    class Meta:
        model = Repository
        fields = ["id", "name", "path", "registry_id", "created_at"]


class ArtifactBrief(serializers.ModelSerializer[Artifact]):
    """An artifact where another thing names it."""

    platform = serializers.CharField()

    class Meta:
        model = Artifact
        fields = ["id", "digest", "kind", "platform"]


class ArtifactOutput(serializers.ModelSerializer[Artifact]):
    """One artifact. ``user`` is as the image states it, "" where it states none (then it is root)."""

    platform = serializers.CharField()
    repositories = serializers.SerializerMethodField()

    class Meta:
        model = Artifact
        fields = [
            "id",
            "digest",
            "kind",
            "media_type",
            "artifact_type",
            "manifest_bytes",
            "size_bytes",
            "platform",
            "user",
            "layer_count",
            "image_created",
            "subject_digest",
            "repositories",
            "created_at",
        ]

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_repositories(self, artifact: Artifact) -> list[str]:
        return [link.repository.name for link in artifact.repository_links.all()]


class ChildOutput(serializers.Serializer[Any]):
    """One entry of an index."""

    digest = serializers.CharField(source="child.digest")
    platform = serializers.CharField()
    kind = serializers.CharField()


class LineageOutput(serializers.Serializer[Any]):
    """On which images one stands: by verified layers, never by labels."""

    certainty = serializers.ChoiceField(
        choices=[(value, value) for value in ("exact", "ambiguous", "cannot_tell")],
    )
    nearest = ArtifactBrief(many=True)
    all_ancestors = ArtifactBrief(many=True)


class LayerOutput(serializers.Serializer[Any]):
    """One layer of an image, lowest first."""

    digest = serializers.CharField(source="layer.digest")
    diff_id = serializers.CharField(source="layer.diff_id")
    size_bytes = serializers.IntegerField(source="layer.size_bytes")
    chain_id = serializers.CharField()


class ArtifactDetail(ArtifactOutput):
    """One artifact with its parts."""

    children = serializers.SerializerMethodField()
    layers = serializers.SerializerMethodField()
    lineage = serializers.SerializerMethodField()

    class Meta(ArtifactOutput.Meta):
        fields = [*ArtifactOutput.Meta.fields, "labels", "annotations", "children", "layers", "lineage"]

    @extend_schema_field(ChildOutput(many=True))
    def get_children(self, artifact: Artifact) -> list[Any]:
        return list(ChildOutput(selectors.children_of(artifact), many=True).data)

    @extend_schema_field(LayerOutput(many=True))
    def get_layers(self, artifact: Artifact) -> list[Any]:
        return list(LayerOutput(selectors.layers_of(artifact), many=True).data)

    @extend_schema_field(LineageOutput)
    def get_lineage(self, artifact: Artifact) -> dict[str, Any]:
        return dict(LineageOutput(selectors.lineage_of(artifact)).data)


class ImportInput(StrictSerializer):
    """One ``reference`` written in full, or ``text``: a reference a line, its platforms after it."""

    reference = serializers.CharField(max_length=600, required=False)
    text = serializers.CharField(max_length=200_000, required=False)
    platforms = serializers.ListField(child=serializers.CharField(max_length=200), max_length=50, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("reference" in attrs) == ("text" in attrs):
            raise serializers.ValidationError({"reference": ["Give a reference, or a text with a list of them."]})
        if "text" in attrs and "platforms" in attrs:
            raise serializers.ValidationError({"platforms": ["In a list, platforms stand after each reference."]})
        return attrs


class ImportOutput(serializers.ModelSerializer[Import]):
    """One import. ``resolved_digest`` is what the tag named when it was asked, once."""

    artifact = ArtifactBrief(allow_null=True)
    repository = serializers.CharField(source="repository.name", allow_null=True, default=None)
    requested_by = PersonBrief()
    job_id = serializers.SerializerMethodField()

    class Meta:
        model = Import
        fields = [
            "id",
            "kind",
            "state",
            "asked_reference",
            "repository",
            "platforms",
            "resolved_digest",
            "upstream_index_digest",
            "artifact",
            "warnings",
            "failure",
            "requested_by",
            "created_at",
            "finished_at",
            "job_id",
        ]

    @extend_schema_field(serializers.UUIDField(allow_null=True))
    def get_job_id(self, asked: Import) -> str | None:
        known: dict[str, str] = self.context.get("job_ids", {})
        return known.get(str(asked.pk))


class ImportsAsked(serializers.Serializer[Any]):
    """What was asked; follow each by its job."""

    imports = ImportOutput(many=True)
