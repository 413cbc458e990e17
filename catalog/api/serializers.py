"""What the API takes and gives of images, versions and subversions."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from catalog import selectors
from catalog.domain.state import Cause, State
from catalog.models import Image
from catalog.selectors import Entry
from portal.serializers import StrictSerializer

STATE_CHOICES = [(one.value, one.value) for one in State]
CAUSE_CHOICES = [(one.value, one.value or "none") for one in Cause]


class VersionBrief(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()


class ImageOutput(serializers.Serializer[Image]):
    """An image and the versions of it."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    purpose = serializers.ChoiceField(choices=Image.Purpose.choices)
    owner = serializers.CharField(source="owner.name", default=None, allow_null=True)
    description = serializers.CharField()
    created_at = serializers.DateTimeField()
    versions = VersionBrief(many=True)


class ImageInput(StrictSerializer):
    name = serializers.CharField(max_length=100)
    purpose = serializers.ChoiceField(choices=Image.Purpose.choices, default=Image.Purpose.RUNTIME)
    owner = serializers.UUIDField(required=False, allow_null=True, default=None, help_text="The team's id.")
    description = serializers.CharField(required=False, allow_blank=True, default="", max_length=2000)


class VersionOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    image = serializers.CharField(source="image.name")
    name = serializers.CharField()
    created_at = serializers.DateTimeField()


class VersionInput(StrictSerializer):
    name = serializers.CharField(max_length=128)


class SubversionInput(StrictSerializer):
    digest = serializers.CharField(max_length=135, help_text="Of an artifact that was imported.")
    name = serializers.CharField(required=False, allow_blank=True, default="", max_length=128)


class _EntryList(serializers.ListSerializer[Any]):
    """Subversions with their states, the successors of all of them in one query."""

    def to_representation(self, data: Any) -> list[Any]:
        rows = list(data)
        if rows and not isinstance(rows[0], Entry):
            rows = selectors.entries(rows, timezone.now())
        return super().to_representation(rows)


class SubversionOutput(serializers.Serializer[Entry]):
    """One subversion: its digest, its state with a sentence and a next action, and what may be written after FROM."""

    id = serializers.UUIDField(source="subversion.pk")
    image = serializers.CharField(source="subversion.version.image.name")
    version = serializers.CharField(source="subversion.version.name")
    name = serializers.CharField(source="subversion.name")
    digest = serializers.CharField(source="subversion.artifact.digest")
    purpose = serializers.CharField(source="subversion.version.image.purpose")
    state = serializers.ChoiceField(choices=STATE_CHOICES, source="view.state")
    cause = serializers.ChoiceField(choices=CAUSE_CHOICES, source="view.cause")
    sentence = serializers.CharField(source="view.sentence")
    next_action = serializers.CharField(source="view.next_action")
    until = serializers.DateTimeField(source="view.until", allow_null=True)
    repository = serializers.CharField(source="subversion.certified_repository", help_text="Where it is certified.")
    from_line = serializers.SerializerMethodField(help_text='Ready for a Dockerfile; "" while it may not be used.')
    certified_from = serializers.DateTimeField(source="subversion.certified_from", allow_null=True)
    certified_until = serializers.DateTimeField(source="subversion.certified_until", allow_null=True)
    created_at = serializers.DateTimeField(source="subversion.created_at")

    class Meta:
        list_serializer_class = _EntryList

    @extend_schema_field(serializers.CharField())
    def get_from_line(self, entry: Entry) -> str:
        one = entry.subversion
        return f"FROM {one.certified_repository}@{one.certified_digest}" if entry.view.is_usable else ""


class VersionHistoryOutput(serializers.Serializer[Any]):
    """The certified subversion to use now, and every subversion there ever was."""

    image = serializers.CharField()
    version = serializers.CharField()
    current = SubversionOutput(allow_null=True)
    history = SubversionOutput(many=True)
