"""What the API gives of images' files: inspections, checks, profiles, differences."""

from typing import Any

from rest_framework import serializers

from builds.domain.image_rules import RULES
from builds.models import Check, Inspection


class InspectedImageOutput(serializers.Serializer[Any]):
    """One image's files. `unknown`: nobody has looked; `failed`: they could not be read. Neither is clean."""

    digest = serializers.CharField()
    platform = serializers.CharField(allow_blank=True)
    state = serializers.ChoiceField(choices=["unknown", *Inspection.State.values])
    failure = serializers.CharField(allow_blank=True)
    rules_version = serializers.IntegerField(allow_null=True)
    inspected_at = serializers.DateTimeField(allow_null=True)
    file_count = serializers.IntegerField(allow_null=True)
    unpacked_bytes = serializers.IntegerField(allow_null=True)
    checks = serializers.DictField(
        child=serializers.IntegerField(), allow_null=True, help_text="How many results of each severity."
    )
    profile = serializers.DictField(allow_null=True)


class InspectionOutput(serializers.Serializer[Any]):
    """What is known of the files of an artifact, image by image."""

    digest = serializers.CharField()
    images = InspectedImageOutput(many=True)


class ImageCheckOutput(serializers.ModelSerializer[Check]):
    """One result of one rule on an image's files or configuration."""

    image = serializers.CharField(source="inspection.artifact.digest")
    title = serializers.SerializerMethodField()

    class Meta:
        model = Check
        fields = ["id", "image", "rule", "title", "severity", "message", "remedy", "path"]

    def get_title(self, check: Check) -> str:
        """The rule's name; empty for a rule that is no more."""
        rule = RULES.get(check.rule)
        return rule.title if rule else ""


class ImageRuleOutput(serializers.Serializer[Any]):
    """One rule that images are held against."""

    id = serializers.CharField()
    title = serializers.CharField()
    why = serializers.CharField()
    cure = serializers.CharField()


class ProfileOutput(serializers.Serializer[Any]):
    """What one image is made of. `packages` is null where nobody has counted them."""

    platform = serializers.CharField(allow_blank=True)
    packages = serializers.IntegerField(allow_null=True)
    packed_bytes = serializers.IntegerField(help_text="To pull.")
    unpacked_bytes = serializers.IntegerField()
    files = serializers.IntegerField()
    shells = serializers.ListField(child=serializers.CharField())
    package_managers = serializers.ListField(child=serializers.CharField())
    interpreters = serializers.ListField(child=serializers.CharField())
    build_tools = serializers.ListField(child=serializers.CharField())
    setuid_count = serializers.IntegerField()
    world_writable_count = serializers.IntegerField()
    user = serializers.CharField(allow_blank=True)


class NeighbourOutput(serializers.Serializer[Any]):
    """Another certified image for the same purpose; `profile` is null where nobody has looked into its files."""

    name = serializers.CharField()
    subversion_id = serializers.UUIDField()
    digest = serializers.CharField()
    profile = ProfileOutput(allow_null=True)


class SubversionProfileOutput(serializers.Serializer[Any]):
    """What a subversion is made of, beside its neighbours. `smaller` has less of everything, the smallest first."""

    subversion = serializers.CharField()
    profiles = ProfileOutput(many=True)
    unknown = serializers.DictField(child=serializers.CharField(), help_text="Platform to the reason.")
    neighbours = NeighbourOutput(many=True)
    smaller = NeighbourOutput(many=True)


class SideOutput(serializers.Serializer[Any]):
    """One of the two that are compared."""

    digest = serializers.CharField()
    name = serializers.CharField(allow_blank=True)
    platform = serializers.CharField(allow_blank=True)


class ImageDifferenceOutput(serializers.Serializer[Any]):
    """Between two images of one platform. A part that cannot be told is null, and `unknown` says why."""

    older = SideOutput()
    newer = SideOutput()
    summary = serializers.JSONField()
    unknown = serializers.DictField(child=serializers.CharField())
    packages = serializers.JSONField(allow_null=True)
    findings = serializers.JSONField(allow_null=True)
    files = serializers.JSONField(allow_null=True)
    configuration = serializers.JSONField()
    layers = serializers.JSONField(allow_null=True)


class DifferenceOutput(serializers.Serializer[Any]):
    """Schema `goldgate.difference/v1`: docs/reference/inspection.md."""

    schema = serializers.CharField()
    older = SideOutput()
    newer = SideOutput()
    is_same = serializers.BooleanField()
    summary = serializers.JSONField()
    only_older_platforms = serializers.ListField(child=serializers.CharField())
    only_newer_platforms = serializers.ListField(child=serializers.CharField())
    images = ImageDifferenceOutput(many=True)
