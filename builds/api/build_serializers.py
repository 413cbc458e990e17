"""What the API takes and gives of builds, watches and waves."""

from collections.abc import Iterable
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from builds.domain.renewal import Light
from builds.domain.wave import Outcome
from builds.models import Build, Cause, Watch, Wave
from builds.selectors.renewals import renewals
from builds.selectors.waves import RowView
from builds.services.watches import MAX_SECONDS, MIN_SECONDS
from catalog.models import Version
from portal.serializers import StrictSerializer


class CauseOutput(serializers.ModelSerializer[Cause]):
    """A reason to rebuild. ``build`` is null where it is held: by a pause, or as there were too many."""

    detail = serializers.DictField()

    class Meta:
        model = Cause
        fields = ["id", "reason", "key", "detail", "at", "build"]


class BuildOutput(serializers.ModelSerializer[Build]):
    """One run of a recipe."""

    source = serializers.UUIDField(source="source_id")  # type: ignore[assignment]
    source_name = serializers.CharField(source="source.name")
    version = serializers.CharField(source="source.version", help_text="Of the catalog, as image/version.")
    recipe = serializers.UUIDField(source="recipe_id", allow_null=True)
    commit = serializers.CharField(source="recipe.commit", default="")
    reproduces = serializers.UUIDField(source="reproduces_id", allow_null=True)
    asked_by = serializers.CharField(source="asked_by.username", default=None, allow_null=True)
    artifact = serializers.CharField(source="artifact.digest", default=None, allow_null=True, help_text="Its digest.")
    subversion = serializers.UUIDField(source="subversion_id", allow_null=True)
    subversion_name = serializers.CharField(source="subversion.name", default=None, allow_null=True)
    causes = CauseOutput(many=True)
    comparison = serializers.DictField()

    class Meta:
        model = Build
        fields = [
            "id", "source", "source_name", "version", "number", "purpose", "reproduces", "state", "recipe", "commit",
            "is_reviewed", "asked_by", "asked_at", "started_at", "finished_at", "builder_id", "builder_version",
            "isolation", "output_digest", "artifact", "subversion", "subversion_name", "comparison", "causes",
            "failure_code", "failure", "failed_line", "log_bytes",
        ]  # fmt: skip


class RenewalList(serializers.ListSerializer[Any]):
    """A page of versions, all judged together."""

    def to_representation(self, data: Any) -> list[Any]:
        rows: Iterable[Version] = list(data)
        found = renewals([one.pk for one in rows], timezone.now())
        return [{"version": str(one), **_renewal(found[one.pk])} for one in rows]


class RenewalOutput(serializers.Serializer[Any]):
    """Whether a version is renewed as often as it should be."""

    version = serializers.CharField()
    light = serializers.ChoiceField(choices=[light.value for light in Light])
    sentence = serializers.CharField()
    next_action = serializers.CharField()
    last_good_at = serializers.DateTimeField(allow_null=True)

    class Meta:
        list_serializer_class = RenewalList


def _renewal(found: Any) -> dict[str, Any]:
    return {
        "light": found.light,
        "sentence": found.sentence,
        "next_action": found.next_action,
        "last_good_at": found.last_good_at,
    }


class WatchOutput(serializers.ModelSerializer[Watch]):
    """An upstream tag that is followed."""

    version = serializers.SerializerMethodField()
    reference = serializers.SerializerMethodField(help_text="host/path:tag")
    owner = serializers.CharField(source="owner.username", help_text="Proposes what a move brings.")
    platforms = serializers.ListField(child=serializers.CharField())
    last_import = serializers.UUIDField(source="last_import_id", allow_null=True)

    class Meta:
        model = Watch
        fields = [
            "id", "version", "reference", "platforms", "owner", "every_seconds", "is_paused", "last_digest",
            "last_checked_at", "last_failure", "moved_at", "stopped_at", "resumed_at", "last_import", "next_due_at",
            "created_at",
        ]  # fmt: skip

    @extend_schema_field(serializers.CharField())
    def get_version(self, watch: Watch) -> str:
        return str(watch.version)

    @extend_schema_field(serializers.CharField())
    def get_reference(self, watch: Watch) -> str:
        return str(watch)


class WatchChange(StrictSerializer):
    """What to change; what is left out stays."""

    platforms = serializers.ListField(child=serializers.CharField(max_length=100), max_length=50, required=False)
    every_seconds = serializers.IntegerField(min_value=MIN_SECONDS, max_value=MAX_SECONDS, required=False)
    is_paused = serializers.BooleanField(required=False)


class WatchInput(StrictSerializer):
    """An upstream tag to follow."""

    version = serializers.CharField(max_length=230, help_text="Of the catalog, as image/version.")
    reference = serializers.CharField(max_length=600, help_text="host/path:tag, in a listed registry.")
    platforms = serializers.ListField(child=serializers.CharField(max_length=100), max_length=50, required=False)
    every_seconds = serializers.IntegerField(min_value=MIN_SECONDS, max_value=MAX_SECONDS, required=False)


class WaveOutput(serializers.ModelSerializer[Wave]):
    """Renewals that follow from one event."""

    detail = serializers.DictField()
    image_count = serializers.IntegerField(source="row_count")
    done_count = serializers.IntegerField()

    class Meta:
        model = Wave
        fields = ["id", "reason", "title", "detail", "opened_at", "closed_at", "image_count", "done_count"]


class WaveRowOutput(serializers.Serializer[RowView]):
    """One image of a wave: what came of it, and who must act."""

    version = serializers.CharField(source="row.version")
    parent = serializers.CharField(source="row.parent.version", default=None, allow_null=True)  # type: ignore[assignment]
    outcome = serializers.ChoiceField(source="outcome.outcome", choices=[one.value for one in Outcome])
    sentence = serializers.CharField(source="outcome.sentence")
    who = serializers.CharField(source="outcome.who", help_text="Who must act.")
    is_ended = serializers.BooleanField(source="outcome.is_ended")
    build = serializers.UUIDField(source="row.build_id", allow_null=True)
    asked_import = serializers.UUIDField(source="row.import_asked_id", allow_null=True)
    subversion = serializers.UUIDField(source="subversion.pk", default=None, allow_null=True)
    subversion_name = serializers.CharField(source="subversion.name", default=None, allow_null=True)
    started_at = serializers.DateTimeField(source="row.started_at", allow_null=True)
    finished_at = serializers.DateTimeField(source="row.finished_at", allow_null=True)


class WholeWaveOutput(WaveOutput):
    """A wave with its images, base images first."""

    rows = WaveRowOutput(many=True, source="views")

    class Meta(WaveOutput.Meta):
        fields = [*WaveOutput.Meta.fields, "rows"]


class WaveInput(StrictSerializer):
    """A wave by hand."""

    version = serializers.CharField(max_length=230, help_text="Where it begins, as image/version.")
