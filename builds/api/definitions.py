"""The starter set over REST, and adopting from it one version at a time."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit.api.caller import actor_of
from builds.api.build_serializers import WatchOutput
from builds.selectors.adopting import StarterEntry, starter_set
from builds.services.adopting import Adoption, adopt_definition
from catalog.api.caller import person_of
from catalog.definitions import InventoryMethod, Kind, definition, parse_definition
from catalog.definitions.loading import MAX_BYTES
from portal.paging import refuse_unknown_parameters
from portal.serializers import StrictSerializer
from scans.domain.support import Support


class DefinedReplacementOutput(serializers.Serializer[Any]):
    definition = serializers.CharField()
    version = serializers.CharField()
    why = serializers.CharField()


class DefinedVersionOutput(serializers.Serializer[Any]):
    """One version of a definition, and what became of it here."""

    name = serializers.CharField(source="defined.name")
    reference = serializers.CharField(source="defined.reference", help_text="The upstream tag; empty of a host system.")
    platforms = serializers.ListField(source="defined.platforms", child=serializers.CharField())
    support = serializers.ChoiceField(choices=[(one.value, one.value) for one in Support])
    eol = serializers.DateField(source="dates.eol", default=None, allow_null=True)
    eoes = serializers.DateField(
        source="dates.eoes", default=None, allow_null=True, help_text="End of extended support, where there is one."
    )
    replacement = DefinedReplacementOutput(source="defined.replacement", allow_null=True)
    is_host_trusted = serializers.BooleanField(help_text="Its registry is listed on the source side, and trusted.")
    version = serializers.UUIDField(source="version.pk", default=None, allow_null=True)
    watch = serializers.UUIDField(source="watch.pk", default=None, allow_null=True)
    releases = serializers.SerializerMethodField(help_text="Of a host system: those that were recorded, newest first.")

    def get_releases(self, row: Any) -> list[str]:
        return [str(one) for one in row.releases]


class DefinedInventoryOutput(serializers.Serializer[Any]):
    method = serializers.ChoiceField(choices=[(one.value, one.value) for one in InventoryMethod])
    rule = serializers.CharField()
    waiver_days = serializers.IntegerField()


class DefinedMinimalityOutput(serializers.Serializer[Any]):
    has_shell = serializers.BooleanField()
    has_package_manager = serializers.BooleanField()
    notes = serializers.CharField()


class DefinitionOutput(serializers.Serializer[StarterEntry]):
    """One entry of the starter set."""

    name = serializers.CharField(source="definition.name")
    title = serializers.CharField(source="definition.title")
    kind = serializers.ChoiceField(source="definition.kind", choices=[(one.value, one.value) for one in Kind])
    purpose = serializers.CharField(source="definition.purpose")
    summary = serializers.CharField(source="definition.summary")
    licence = serializers.CharField(source="definition.licence")
    links = serializers.ListField(source="definition.links", child=serializers.CharField())
    registry = serializers.CharField(source="definition.registry", help_text="A preset; empty where there is none.")
    recommended = serializers.CharField(source="definition.recommended")
    inventory = DefinedInventoryOutput(source="definition.inventory")
    minimality = DefinedMinimalityOutput(source="definition.minimality")
    is_adopted = serializers.BooleanField()
    versions = DefinedVersionOutput(many=True)


class DefinitionInput(StrictSerializer):
    """A definition of one's own, as TOML, and which version of it to adopt."""

    text = serializers.CharField(max_length=MAX_BYTES, trim_whitespace=False)
    version = serializers.CharField(max_length=128, required=False, allow_blank=True, default="")


class AdoptInput(StrictSerializer):
    version = serializers.CharField(
        max_length=128, required=False, allow_blank=True, default="", help_text="Without: the recommended one."
    )


class AdoptionOutput(serializers.Serializer[Adoption]):
    """The version of the catalog, and the upstream tag that is followed for it from now on."""

    version = serializers.CharField(source="version.__str__")
    version_id = serializers.UUIDField(source="version.pk")
    is_new = serializers.BooleanField(help_text="False: it was followed already; nothing was changed.")
    watch = WatchOutput()


def _adopted(done: Adoption) -> Response:
    headers = {"Location": f"/api/v1/watches/{done.watch.pk}"} if done.is_new else None
    return Response(AdoptionOutput(done).data, status=201 if done.is_new else 200, headers=headers)


class DefinitionsView(APIView):
    @extend_schema(
        operation_id="definitions_list",
        responses=inline_serializer("Definitions", {"results": DefinitionOutput(many=True)}),
    )
    def get(self, request: Request) -> Response:
        """The starter set, by name, with what is adopted of it here. It has one page."""
        refuse_unknown_parameters(request)
        rows: Any = starter_set(timezone.now())
        return Response({"results": DefinitionOutput(rows, many=True).data})

    @extend_schema(
        operation_id="definitions_adopt_own",
        request=DefinitionInput,
        responses={200: AdoptionOutput, 201: AdoptionOutput},
    )
    def post(self, request: Request) -> Response:
        """Adopt a version of a definition of one's own."""
        given = DefinitionInput(data=request.data)
        given.is_valid(raise_exception=True)
        found = parse_definition(given.validated_data["text"], file="the definition")
        return _adopted(
            adopt_definition(
                definition=found,
                version_name=given.validated_data["version"] or found.recommended,
                adopted_by=person_of(request),
                actor=actor_of(request),
                now=timezone.now(),
            )
        )


class DefinitionView(APIView):
    @extend_schema(operation_id="definitions_read", responses=DefinitionOutput)
    def get(self, request: Request, name: str) -> Response:
        """One definition."""
        refuse_unknown_parameters(request)
        (entry,) = starter_set(timezone.now(), only=[definition(name)])
        return Response(DefinitionOutput(entry).data)


class DefinitionAdoptView(APIView):
    @extend_schema(
        operation_id="definitions_adopt", request=AdoptInput, responses={200: AdoptionOutput, 201: AdoptionOutput}
    )
    def post(self, request: Request, name: str) -> Response:
        """Adopt a version: it is imported, becomes a candidate, and its upstream tag is followed."""
        given = AdoptInput(data=request.data)
        given.is_valid(raise_exception=True)
        found = definition(name)
        return _adopted(
            adopt_definition(
                definition=found,
                version_name=given.validated_data["version"] or found.recommended,
                adopted_by=person_of(request),
                actor=actor_of(request),
                now=timezone.now(),
            )
        )
