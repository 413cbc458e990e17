"""Registries, repositories, artifacts, imports."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit.api.caller import actor_of
from jobs import selectors as jobs_selectors
from oci.digest import Digest
from portal.paging import PAGE_PARAMETERS, boolean, choice, exact, identifier, page, paged, refuse_unknown_parameters
from registry import selectors, services
from registry.api import serializers
from registry.api.parsers import ArchiveBody, ArchiveParser
from registry.domain.presets import PRESETS
from registry.models import Artifact, Import, Registry
from registry.services.registries import RegistryFields

IMPORT_JOB = "registry.import"
TEST_JOB = "registry.test"
POLL_SECONDS = 1


class RegistriesView(APIView):
    @extend_schema(
        operation_id="registries_list",
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("side", str, enum=Registry.Side.values, description="Only this side."),
            OpenApiParameter("trusted", bool, description="Only trusted, or only other, registries."),
        ],
        responses=paged(serializers.RegistryOutput),
    )
    def get(self, request: Request) -> Response:
        """Registries by name."""
        return page(
            request,
            selectors.registries(),
            order=("name", "id"),
            serializer=serializers.RegistryOutput,
            filters={"side": choice("side", Registry.Side), "trusted": boolean("is_trusted")},
        )

    @extend_schema(
        operation_id="registries_create",
        request=serializers.RegistryInput,
        responses={201: serializers.RegistryOutput},
    )
    def post(self, request: Request) -> Response:
        """List a registry: images come only from listed ones."""
        given = serializers.RegistryInput(data=request.data)
        given.is_valid(raise_exception=True)
        wanted = RegistryFields(**given.validated_data)
        made = services.add_registry(wanted=wanted, actor=actor_of(request), now=timezone.now())
        headers = {"Location": f"{request.path}/{made.pk}"}
        return Response(serializers.RegistryOutput(made).data, status=201, headers=headers)


class RegistryView(APIView):
    @extend_schema(operation_id="registries_read", responses=serializers.RegistryOutput)
    def get(self, request: Request, registry_id: UUID) -> Response:
        """One registry."""
        refuse_unknown_parameters(request)
        return Response(serializers.RegistryOutput(selectors.registry_by_id(registry_id)).data)

    @extend_schema(
        operation_id="registries_change", request=serializers.RegistryChange, responses=serializers.RegistryOutput
    )
    def patch(self, request: Request, registry_id: UUID) -> Response:
        """Change a registry. A stored password is dropped when its address or user name changes."""
        registry = selectors.registry_by_id(registry_id)
        given = serializers.RegistryChange(data=request.data)
        given.is_valid(raise_exception=True)
        stored = {name: getattr(registry, name) for name in RegistryFields(name="").columns()}
        wanted = RegistryFields(**{**stored, **given.validated_data})
        changed = services.change_registry(
            registry=registry, wanted=wanted, actor=actor_of(request), now=timezone.now()
        )
        return Response(serializers.RegistryOutput(changed).data)


class RegistryTestView(APIView):
    @extend_schema(operation_id="registries_test", request=None, responses={202: serializers.RegistryOutput})
    def post(self, request: Request, registry_id: UUID) -> Response:
        """Have a job find out which of DNS, TLS, login, pull, referrers fails; read ``last_test`` when it ended."""
        registry = selectors.registry_by_id(registry_id)
        services.ask_test(registry=registry, actor=actor_of(request), now=timezone.now())
        job = jobs_selectors.jobs(kind=TEST_JOB, subject_id=str(registry.pk)).first()
        headers = {"Location": f"/api/v1/jobs/{job.pk}", "Retry-After": str(POLL_SECONDS)} if job else None
        return Response(serializers.RegistryOutput(registry).data, status=202, headers=headers)


class PresetsView(APIView):
    @extend_schema(operation_id="registries_presets", responses=serializers.PresetOutput(many=True))
    def get(self, request: Request) -> Response:
        """Well-known registries to begin with."""
        refuse_unknown_parameters(request)
        return Response(serializers.PresetOutput([asdict(one) for one in PRESETS], many=True).data)


class RepositoriesView(APIView):
    @extend_schema(
        operation_id="repositories_list",
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("registry", OpenApiTypes.UUID, description="Only those of this registry."),
            OpenApiParameter("path", str, description="Only the one with this path."),
        ],
        responses=paged(serializers.RepositoryOutput),
    )
    def get(self, request: Request) -> Response:
        """Repositories that something was imported from or copied to, by path."""
        return page(
            request,
            selectors.repositories(),
            order=("path", "id"),
            serializer=serializers.RepositoryOutput,
            filters={"registry": identifier("registry_id"), "path": exact("path")},
        )


class ArtifactsView(APIView):
    @extend_schema(
        operation_id="artifacts_list",
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("kind", str, enum=Artifact.Kind.values, description="Only this kind."),
            OpenApiParameter("repository", OpenApiTypes.UUID, description="Only those seen in this repository."),
        ],
        responses=paged(serializers.ArtifactOutput),
    )
    def get(self, request: Request) -> Response:
        """Artifacts that we know, newest first."""
        return page(
            request,
            selectors.artifacts(),
            order=("-created_at", "-id"),
            serializer=serializers.ArtifactOutput,
            filters={
                "kind": choice("kind", Artifact.Kind),
                "repository": identifier("repository_links__repository_id"),
            },
        )


class ArtifactView(APIView):
    @extend_schema(operation_id="artifacts_read", responses=serializers.ArtifactDetail)
    def get(self, request: Request, digest: str) -> Response:
        """One artifact by its digest, with its children, layers and lineage."""
        refuse_unknown_parameters(request)
        return Response(serializers.ArtifactDetail(selectors.artifact_by_digest(Digest.parse(digest))).data)


class ImportsView(APIView):
    parser_classes = [*APIView.parser_classes, ArchiveParser]

    @extend_schema(
        operation_id="imports_list",
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("state", str, enum=Import.State.values, description="Only in this state."),
        ],
        responses=paged(serializers.ImportOutput),
    )
    def get(self, request: Request) -> Response:
        """Imports, newest first."""
        return page(
            request,
            selectors.imports(),
            order=("-created_at", "-id"),
            serializer=serializers.ImportOutput,
            filters={"state": choice("state", Import.State)},
        )

    @extend_schema(
        operation_id="imports_create",
        parameters=[
            OpenApiParameter("name", str, description="Of an archive with several images: which one."),
            OpenApiParameter("platforms", str, description="Of an archive: platforms to take, with commas between."),
        ],
        request={"application/json": serializers.ImportInput, "application/x-tar": OpenApiTypes.BINARY},
        responses={202: serializers.ImportsAsked},
    )
    def post(self, request: Request) -> Response:
        """Import by reference, by a list of references, or from an OCI archive in the body."""
        if isinstance(request.data, ArchiveBody):
            return _asked(request, [self._archive(request, request.data)])
        refuse_unknown_parameters(request)
        given = serializers.ImportInput(data=request.data)
        given.is_valid(raise_exception=True)
        who: dict[str, Any] = {"requested_by": request.user, "actor": actor_of(request), "now": timezone.now()}
        if "text" in given.validated_data:
            return _asked(request, services.import_list(text=given.validated_data["text"], **who))
        return _asked(request, [services.import_reference(**given.validated_data, **who)])

    def _archive(self, request: Request, body: ArchiveBody) -> Import:
        refuse_unknown_parameters(request, {"name", "platforms"})
        return services.import_archive(
            chunks=body,
            name=request.query_params.get("name", "")[:255],
            platforms=[one for one in request.query_params.get("platforms", "").split(",") if one],
            requested_by=request.user,  # type: ignore[arg-type]
            actor=actor_of(request),
            now=timezone.now(),
        )


class ImportView(APIView):
    @extend_schema(operation_id="imports_read", responses=serializers.ImportOutput)
    def get(self, request: Request, import_id: UUID) -> Response:
        """One import. Its job says how far it is."""
        refuse_unknown_parameters(request)
        found = selectors.import_by_id(import_id)
        return Response(serializers.ImportOutput(found, context=_job_ids([found])).data)


def _asked(request: Request, asked: list[Import]) -> Response:
    context = _job_ids(asked)
    found = {one.pk: one for one in selectors.imports().filter(pk__in=[one.pk for one in asked])}
    body = serializers.ImportsAsked({"imports": [found[one.pk] for one in asked]}, context=context).data
    job_id = context["job_ids"].get(str(asked[0].pk))
    headers = {"Location": f"/api/v1/jobs/{job_id}", "Retry-After": str(POLL_SECONDS)} if job_id else None
    return Response(body, status=202, headers=headers)


def _job_ids(asked: list[Import]) -> dict[str, dict[str, str]]:
    rows = jobs_selectors.jobs(kind=IMPORT_JOB).filter(subject_id__in=[str(one.pk) for one in asked])
    return {"job_ids": {job.subject_id: str(job.pk) for job in reversed(rows)}}
