"""What the API takes and gives of sources."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from builds.domain.source_url import MAX_URL_LENGTH
from builds.models import Source
from portal.serializers import StrictSerializer


class SourceOutput(serializers.ModelSerializer[Source]):
    """One source: where recipes come from, and how they are built."""

    version = serializers.SerializerMethodField(help_text="Of the catalog, as image/version.")
    owner = serializers.CharField(source="owner.username", help_text="Proposes what is built, and reviews none of it.")
    created_by = serializers.CharField(source="created_by.username")
    arguments = serializers.DictField(child=serializers.CharField())
    platforms = serializers.ListField(child=serializers.CharField())
    allowed_hosts = serializers.ListField(child=serializers.CharField())
    candidate_repository = serializers.CharField(
        source="candidate_repository.name", default="", help_text="host/path; empty: kept in Goldgate's own store."
    )

    class Meta:
        model = Source
        fields = [
            "id",
            "name",
            "version",
            "owner",
            "url",
            "ref_rule",
            "directory",
            "dockerfile",
            "arguments",
            "target",
            "platforms",
            "builder",
            "network",
            "allowed_hosts",
            "candidate_repository",
            "is_base_recipe",
            "is_signature_required",
            "allowed_signers",
            "gpg_keys",
            "known_hosts",
            "renew_every_days",
            "is_paused",
            "last_commit",
            "last_fetched_at",
            "last_failure",
            "next_due_at",
            "created_at",
            "created_by",
        ]

    @extend_schema_field(serializers.CharField())
    def get_version(self, source: Source) -> str:
        return str(source.version)


class SourceSettings(StrictSerializer):
    """How a source is built; what is left out is as usual, or stays."""

    name = serializers.CharField(max_length=100, required=False)
    owner = serializers.CharField(max_length=200, required=False, help_text="A user name.")
    url = serializers.CharField(
        max_length=MAX_URL_LENGTH,
        required=False,
        help_text="https://, ssh:// or an absolute path below a listed directory.",
    )
    ref_rule = serializers.CharField(
        max_length=200, required=False, help_text="A branch, a tag, a full ref, a commit, or a pattern of tags."
    )
    directory = serializers.CharField(max_length=500, required=False, allow_blank=True)
    dockerfile = serializers.CharField(max_length=500, required=False)
    arguments = serializers.DictField(
        child=serializers.CharField(allow_blank=True, trim_whitespace=False, max_length=4000), required=False
    )
    target = serializers.CharField(max_length=100, required=False, allow_blank=True)
    platforms = serializers.ListField(child=serializers.CharField(max_length=100), max_length=8, required=False)
    builder = serializers.ChoiceField(choices=Source.Builder.choices, required=False)
    network = serializers.ChoiceField(choices=Source.Network.choices, required=False)
    allowed_hosts = serializers.ListField(child=serializers.CharField(max_length=255), max_length=50, required=False)
    candidate_repository = serializers.CharField(
        max_length=512,
        required=False,
        allow_blank=True,
        help_text="Where candidates are pushed: host/path of a listed registry of the source side; empty: nowhere.",
    )
    is_base_recipe = serializers.BooleanField(required=False)
    is_signature_required = serializers.BooleanField(required=False)
    allowed_signers = serializers.CharField(max_length=20_000, required=False, allow_blank=True)
    gpg_keys = serializers.CharField(max_length=100_000, required=False, allow_blank=True)
    known_hosts = serializers.CharField(max_length=20_000, required=False, allow_blank=True)
    renew_every_days = serializers.IntegerField(required=False, min_value=1, max_value=365)
    is_paused = serializers.BooleanField(required=False)


class SourceChange(SourceSettings):
    """What to change; what is left out stays."""

    reason = serializers.CharField(
        max_length=2000, required=False, allow_blank=True, help_text="Why; kept in the record."
    )


class SourceInput(SourceSettings):
    """A source to add. Whoever adds it answers for it, unless ``owner`` names another."""

    name = serializers.CharField(max_length=100)
    version = serializers.CharField(max_length=300, help_text="Of the catalog, as image/version.")
    url = serializers.CharField(
        max_length=MAX_URL_LENGTH, help_text="https://, ssh:// or an absolute path below a listed directory."
    )
    ref_rule = serializers.CharField(
        max_length=200, help_text="A branch, a tag, a full ref, a commit, or a pattern of tags."
    )
