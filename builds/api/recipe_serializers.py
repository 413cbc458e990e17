"""What the API gives of recipes."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from builds.models import Check, Recipe
from builds.selectors.checks import recipe_checks


class SignatureOutput(serializers.Serializer[Any]):
    """Of the commit: verified means by somebody the source lists."""

    state = serializers.ChoiceField(
        choices=[(word, word) for word in ("none", "verified", "unverified")], default="none"
    )
    kind = serializers.CharField(default="")
    by = serializers.CharField(default="")
    detail = serializers.CharField(default="")


class FileOutput(serializers.Serializer[Any]):
    """One file or link of the context."""

    path = serializers.CharField()
    mode = serializers.CharField(help_text="As git writes it: 100644, 100755, 120000.")
    size = serializers.IntegerField()
    sha256 = serializers.CharField()


class BaseOutput(serializers.Serializer[Any]):
    """What one FROM stands for."""

    asked = serializers.CharField()
    stage = serializers.CharField(allow_blank=True, allow_null=True)
    line = serializers.IntegerField(allow_null=True)
    kind = serializers.CharField()
    reference = serializers.CharField(allow_blank=True)
    digest = serializers.CharField(allow_blank=True, allow_null=True)
    reason = serializers.CharField(allow_blank=True)


class RecipeCheckOutput(serializers.ModelSerializer[Check]):
    """One result of one rule on the recipe."""

    class Meta:
        model = Check
        fields = ["rule", "severity", "line", "path", "message", "remedy"]


class RecipeOutput(serializers.ModelSerializer[Recipe]):
    """One recipe: ``sha256`` names everything that decides a build's result."""

    source = serializers.UUIDField(source="source_id")  # type: ignore[assignment]
    source_name = serializers.CharField(source="source.name")
    author = serializers.CharField(source="author.username", default=None, allow_null=True)
    signature = SignatureOutput()
    is_approved = serializers.BooleanField()

    class Meta:
        model = Recipe
        fields = [
            "id",
            "source",
            "source_name",
            "number",
            "sha256",
            "commit",
            "ref",
            "committed_at",
            "author_name",
            "author_email",
            "author",
            "signature",
            "context_digest",
            "context_bytes",
            "created_at",
            "is_approved",
            "approved_at",
            "withdrawn_at",
            "withdrawn_reason",
        ]


class RecipeDetailOutput(RecipeOutput):
    """With the Dockerfile, the files and what every FROM stands for."""

    files = serializers.SerializerMethodField()
    bases = serializers.SerializerMethodField()
    arguments = serializers.DictField(child=serializers.CharField())
    platforms = serializers.ListField(child=serializers.CharField())
    allowed_hosts = serializers.ListField(child=serializers.CharField(), help_text="None: no network at all.")
    checks = serializers.SerializerMethodField(help_text="Null where nobody has looked yet.")

    class Meta(RecipeOutput.Meta):
        details = ["dockerfile", "arguments", "target", "platforms", "allowed_hosts", "files", "bases", "checks"]
        fields = [*RecipeOutput.Meta.fields, *details]

    @extend_schema_field(RecipeCheckOutput(many=True, allow_null=True))
    def get_checks(self, recipe: Recipe) -> list[dict[str, Any]] | None:
        if recipe.checked_at is None:
            return None
        return list(RecipeCheckOutput(recipe_checks(recipe), many=True).data)

    @extend_schema_field(FileOutput(many=True))
    def get_files(self, recipe: Recipe) -> list[dict[str, Any]]:
        names = ("path", "mode", "size", "sha256")
        return [dict(zip(names, row, strict=True)) for row in recipe.files]

    @extend_schema_field(BaseOutput(many=True))
    def get_bases(self, recipe: Recipe) -> list[dict[str, Any]]:
        return [
            {
                "asked": base.get("asked", ""),
                "stage": str(base["stage"]) if base.get("stage") is not None else None,
                "line": base.get("line"),
                "kind": base.get("kind", ""),
                "reference": base.get("reference") or "",
                "digest": base.get("digest"),
                "reason": base.get("reason") or "",
            }
            for base in recipe.bases
        ]


class RecipeLineOutput(serializers.Serializer[Any]):
    """One line of a unified difference; a side that lacks the line has number 0."""

    sign = serializers.ChoiceField(choices=[(sign, sign) for sign in "+- @"])
    text = serializers.CharField(allow_blank=True, trim_whitespace=False)
    old_line = serializers.IntegerField()
    new_line = serializers.IntegerField()


class ChangeOutput(serializers.Serializer[Any]):
    """One name whose value is another now."""

    name = serializers.CharField()
    old = serializers.CharField(allow_blank=True)
    new = serializers.CharField(allow_blank=True)


class RecipeDifferenceOutput(serializers.Serializer[Any]):
    """What a recipe says otherwise than the one it is held against."""

    older = serializers.UUIDField(allow_null=True, help_text="Null: there is none before it, so all of it is new.")
    newer = serializers.UUIDField()
    lines = RecipeLineOutput(many=True)
    is_cut = serializers.BooleanField(help_text="There are more lines than are shown.")
    files_added = serializers.ListField(child=serializers.CharField())
    files_removed = serializers.ListField(child=serializers.CharField())
    files_changed = serializers.ListField(child=serializers.CharField())
    arguments = ChangeOutput(many=True)
    bases = ChangeOutput(many=True)
    settings = ChangeOutput(many=True)
