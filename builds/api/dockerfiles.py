"""Dockerfiles over REST: what the rules say of a text, and the rules themselves."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from builds.domain.bases import BaseKind, Use
from builds.domain.dockerfile import MAX_BYTES
from builds.domain.rules import RULES, Severity
from builds.services.checks import check_text
from portal.paging import refuse_unknown_parameters
from portal.serializers import StrictSerializer

MAX_ARGUMENTS = 200
MAX_ARGUMENT_LENGTH = 4096  # characters
MAX_PLATFORMS = 10
_PLATFORM = r"^[a-z0-9]+/[a-z0-9_]+(/[a-z0-9]+)?$"


class CheckInput(StrictSerializer):
    """A Dockerfile, and what a build of it would be given."""

    dockerfile = serializers.CharField(
        max_length=MAX_BYTES, trim_whitespace=False, help_text=f"The text, at most {MAX_BYTES} bytes."
    )
    arguments = serializers.DictField(
        child=serializers.CharField(max_length=MAX_ARGUMENT_LENGTH, allow_blank=True, trim_whitespace=False),
        default=dict,
        help_text="Build arguments: name to text.",
    )
    target = serializers.CharField(max_length=100, default="", allow_blank=True, help_text="The stage to be built.")
    platforms = serializers.ListField(
        child=serializers.RegexField(_PLATFORM, max_length=100), max_length=MAX_PLATFORMS, default=list
    )

    def validate_arguments(self, value: dict[str, str]) -> dict[str, str]:
        """Names as Dockerfiles have them, and not too many."""
        if len(value) > MAX_ARGUMENTS:
            raise serializers.ValidationError(f"There are more than {MAX_ARGUMENTS}.", code="too_many")
        wrong = next((name for name in value if not _is_name(name)), None)
        if wrong is not None:
            raise serializers.ValidationError(f"{wrong[:40]!r} is no name of an argument.", code="invalid")
        return value


class ResultOutput(serializers.Serializer[Any]):
    """One result of one rule."""

    rule = serializers.CharField(help_text="GG1… is ours; DL… and SC… are hadolint's and ShellCheck's.")
    severity = serializers.ChoiceField(choices=[(str(one), str(one)) for one in Severity])
    line = serializers.IntegerField(allow_null=True)
    path = serializers.CharField(allow_blank=True, help_text="A build argument, or a file of the context.")
    message = serializers.CharField()
    remedy = serializers.CharField(allow_blank=True)


class DockerfileBaseOutput(serializers.Serializer[Any]):
    """What one FROM, COPY --from or mount stands for now."""

    use = serializers.ChoiceField(choices=[(str(one), str(one)) for one in Use])
    asked = serializers.CharField(allow_blank=True)
    written = serializers.CharField(help_text="As it stands in the text, before arguments are filled in.")
    stage = serializers.IntegerField()
    line = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=[(str(one), str(one)) for one in BaseKind])
    reference = serializers.CharField(allow_blank=True)
    digest = serializers.CharField(allow_blank=True)
    title = serializers.CharField(allow_blank=True)
    reason = serializers.CharField(allow_blank=True)
    warning = serializers.CharField(allow_blank=True)
    suggestion = serializers.CharField(allow_blank=True, help_text="A ready line with the nearest certified image.")
    fix = serializers.CharField(
        allow_blank=True, help_text="What to write instead: the same image and version, certified and pinned."
    )


class DockerfileRuleOutput(serializers.Serializer[Any]):
    """One rule."""

    id = serializers.CharField()
    title = serializers.CharField()
    severity = serializers.ChoiceField(choices=[(str(one), str(one)) for one in Severity])
    why = serializers.CharField()
    cure = serializers.CharField()


class DockerfileCheckOutput(serializers.Serializer[Any]):
    """What came of a text. ``fixed`` is it with every reference pinned that could be."""

    outcome = serializers.ChoiceField(choices=[(word, word) for word in ("pass", "warn", "fail")])
    results = ResultOutput(many=True)
    bases = DockerfileBaseOutput(many=True)
    rules = DockerfileRuleOutput(many=True, help_text="Those of ours that have a result.")
    fixed = serializers.CharField()


class DockerfileChecksView(APIView):
    @extend_schema(operation_id="dockerfile_checks_make", request=CheckInput, responses=DockerfileCheckOutput)
    def post(self, request: Request) -> Response:
        """Hold a Dockerfile to the rules: which bases it stands on now, and what is wrong with it. Keeps nothing."""
        refuse_unknown_parameters(request)
        asked = CheckInput(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        checked = check_text(
            given["dockerfile"],
            arguments=given["arguments"],
            now=timezone.now(),
            target=given["target"],
            platforms=given["platforms"],
        )
        named = sorted({one.rule for one in checked.results} & RULES.keys())
        shown = {
            "outcome": checked.outcome,
            "results": checked.results,
            "bases": checked.bases,
            "rules": [RULES[name] for name in named],
            "fixed": checked.fixed,
        }
        return Response(DockerfileCheckOutput(shown).data)


class DockerfileRulesView(APIView):
    @extend_schema(operation_id="dockerfile_rules_list", responses=DockerfileRuleOutput(many=True))
    def get(self, request: Request) -> Response:
        """Every rule that Dockerfiles are held to: why, and what cures it."""
        refuse_unknown_parameters(request)
        return Response(DockerfileRuleOutput(list(RULES.values()), many=True).data)


def _is_name(name: str) -> bool:
    return len(name) <= 200 and name.isascii() and name.replace("_", "a").isalnum() and not name[:1].isdigit()
