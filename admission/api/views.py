"""Clusters, gates and decisions over HTTP."""

from typing import cast

from django.conf import settings
from django.db.models import Q
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import Person
from accounts.selectors import acting
from admission import selectors, services
from admission.api.parsers import DecisionBatchParser
from admission.api.serializers import (
    ClusterInput,
    ClusterOutput,
    DecisionBatchInput,
    DecisionBatchOutput,
    DecisionOutput,
    EnrolmentInput,
    EnrolmentOutput,
    EnrolmentTokenOutput,
    GateOutput,
    HeartbeatInput,
    QuestionInput,
    SnapshotOutput,
)
from admission.authentication import GateAuthentication, GateCredential
from admission.manifests import documents_of, namespace_in, uses_in, uses_of
from admission.models import Gate, SnapshotChange
from admission.webhook import webhook_yaml
from audit.actor import Actor
from portal.paging import (
    PAGE_PARAMETERS,
    before,
    boolean,
    exact,
    identifier,
    page,
    paged,
    refuse_unknown_parameters,
    since,
)


def _actor(request: Request) -> Actor:
    return acting(cast(Person, request.user), request.auth)


def _gate(request: Request) -> Gate:
    return cast(GateCredential, request.auth).gate


class ClustersView(APIView):
    """Clusters."""

    @extend_schema(operation_id="clusters_list", responses=paged(ClusterOutput), parameters=PAGE_PARAMETERS)
    def get(self, request: Request) -> Response:
        """Every cluster by name."""
        return page(request, selectors.clusters(), order=("name",), serializer=ClusterOutput)

    @extend_schema(operation_id="clusters_add", request=ClusterInput, responses={201: ClusterOutput})
    def post(self, request: Request) -> Response:
        """Add a cluster."""
        asked = ClusterInput(data=request.data)
        asked.is_valid(raise_exception=True)
        cluster = services.add_cluster(**asked.validated_data, actor=_actor(request), now=timezone.now())
        return Response(ClusterOutput(cluster).data, status=201)


class ClusterEnrolmentTokensView(APIView):
    """One-time tokens with which gates join a cluster."""

    @extend_schema(operation_id="enrolment_tokens_create", request=None, responses={201: EnrolmentTokenOutput})
    def post(self, request: Request, name: str) -> Response:
        """Make a token for one gate, good for a day."""
        cluster = selectors.cluster_by_name(name)
        token, secret = services.create_enrolment_token(cluster=cluster, actor=_actor(request), now=timezone.now())
        shown = {"token": token, "secret": secret, "root_sha256": selectors.root_fingerprint()}
        return Response(EnrolmentTokenOutput(shown).data, status=201)


class ClusterWebhookView(APIView):
    """What the cluster's administrator applies."""

    @extend_schema(
        operation_id="cluster_webhook",
        parameters=[OpenApiParameter("url", str, description="Where the API server reaches the gate, https://…")],
        responses={(200, "application/yaml"): OpenApiTypes.STR},
    )
    def get(self, request: Request, name: str) -> HttpResponse:
        """The ValidatingWebhookConfiguration for the cluster's gates."""
        refuse_unknown_parameters(request, {"url"})
        text = webhook_yaml(selectors.cluster_by_name(name), url=request.query_params.get("url", ""))
        return HttpResponse(text, content_type="application/yaml; charset=utf-8")


class GatesView(APIView):
    """Gates. A gate joins with a one-time token and no other credential."""

    @extend_schema(
        operation_id="gates_list",
        responses=paged(GateOutput),
        parameters=[*PAGE_PARAMETERS, OpenApiParameter("cluster", str, description="Its name.")],
    )
    def get(self, request: Request) -> Response:
        """Every gate, newest first."""
        return page(
            request,
            selectors.gates(),
            order=("-enrolled_at", "-id"),
            serializer=GateOutput,
            filters={"cluster": exact("cluster__name")},
        )

    @extend_schema(operation_id="gates_enrol", request=EnrolmentInput, responses={201: EnrolmentOutput})
    def post(self, request: Request) -> Response:
        """Join a cluster; the token is used up."""
        asked = EnrolmentInput(data=request.data)
        asked.is_valid(raise_exception=True)
        gate, secret = services.enrol_gate(
            secret=asked.validated_data["enrolment_token"], name=asked.validated_data["name"], now=timezone.now()
        )
        shown = {
            "gate": gate,
            "secret": secret,
            "metadata_url": f"{settings.GOLDGATE_URL}/tuf/metadata",
            "targets_url": f"{settings.GOLDGATE_URL}/tuf/targets",
            "root_sha256": selectors.root_fingerprint(),
        }
        return Response(EnrolmentOutput(shown).data, status=201)


class GateView(APIView):
    """One gate."""

    @extend_schema(operation_id="gate_show", responses=GateOutput)
    def get(self, request: Request, gate_id: str) -> Response:
        """The gate and what it last said of itself."""
        refuse_unknown_parameters(request)
        return Response(GateOutput(selectors.gate_by_id(gate_id)).data)

    @extend_schema(operation_id="gate_retire", responses={204: None})
    def delete(self, request: Request, gate_id: str) -> Response:
        """End the gate's credential at once. It goes on answering until its snapshot expires."""
        gate = selectors.gate_by_id(gate_id)
        services.retire_gate(gate_id=gate.pk, actor=_actor(request), now=timezone.now())
        return Response(status=204)


class GateHeartbeatView(APIView):
    """A gate says how it is."""

    authentication_classes = [GateAuthentication]

    @extend_schema(operation_id="gate_heartbeat", request=HeartbeatInput, responses={204: None})
    def post(self, request: Request) -> Response:
        """Keep it."""
        said = HeartbeatInput(data=request.data)
        said.is_valid(raise_exception=True)
        services.note_heartbeat(gate=_gate(request), said=said.validated_data, now=timezone.now())
        return Response(status=204)


class GateDecisionsView(APIView):
    """A gate ships its decisions."""

    authentication_classes = [GateAuthentication]
    parser_classes = [DecisionBatchParser]

    @extend_schema(operation_id="gate_decisions", request=DecisionBatchInput, responses=DecisionBatchOutput)
    def post(self, request: Request) -> Response:
        """Keep them, each once by its id."""
        batch = DecisionBatchInput(data=request.data)
        batch.is_valid(raise_exception=True)
        kept = services.record_decisions(
            gate=_gate(request), rows=batch.validated_data["decisions"], now=timezone.now()
        )
        return Response(DecisionBatchOutput({"accepted": kept}).data)


def _code(text: str) -> Q:
    return Q(failed_codes__contains=[text])


def _digest(text: str) -> Q:
    return Q(digests__contains=[text])


_FILTERS = [
    OpenApiParameter("allowed", bool),
    OpenApiParameter("cluster", str, description="Its name."),
    OpenApiParameter("namespace", str, description="Of the object."),
    OpenApiParameter("kind", str, description="Of the object: Pod, Deployment, …"),
    OpenApiParameter("code", str, description="A check that refused."),
    OpenApiParameter("digest", str, description="Of one of its images."),
    OpenApiParameter("gate", OpenApiTypes.UUID),
    OpenApiParameter("since", OpenApiTypes.DATETIME),
    OpenApiParameter("before", OpenApiTypes.DATETIME),
]


class DecisionsView(APIView):
    """Decisions: what was answered, and the portal's own answer."""

    @extend_schema(
        operation_id="decisions_list", responses=paged(DecisionOutput), parameters=[*PAGE_PARAMETERS, *_FILTERS]
    )
    def get(self, request: Request) -> Response:
        """Every decision, newest first."""
        return page(
            request,
            selectors.decisions(),
            order=("-at", "-id"),
            serializer=DecisionOutput,
            filters={
                "allowed": boolean("allowed"),
                "cluster": exact("cluster__name"),
                "namespace": exact("object_namespace"),
                "kind": exact("object_kind"),
                "code": _code,
                "digest": _digest,
                "gate": identifier("gate_id"),
                "since": since("at"),
                "before": before("at"),
            },
        )

    @extend_schema(operation_id="decisions_ask", request=QuestionInput, responses=DecisionOutput)
    def post(self, request: Request) -> Response:
        """Would it run? The gate's engine on the published snapshot; the answer is kept and names the snapshot."""
        question = QuestionInput(data=request.data)
        question.is_valid(raise_exception=True)
        asked = question.validated_data
        documents = documents_of(asked["manifest"]) if "manifest" in asked else []
        decision = services.decide_here(
            uses=uses_in(documents) if documents else uses_of(asked["images"]),
            cluster=selectors.cluster_by_name(asked["cluster"]) if asked["cluster"] else None,
            namespace=asked["namespace"] or namespace_in(documents),
            user=_actor(request).name,
            now=timezone.now(),
        )
        return Response(DecisionOutput(decision).data)


class DecisionView(APIView):
    """One decision, by its id or the short one that a cluster showed."""

    @extend_schema(operation_id="decision_show", responses=DecisionOutput)
    def get(self, request: Request, decision_id: str) -> Response:
        """The whole answer: every check of every image."""
        refuse_unknown_parameters(request)
        return Response(DecisionOutput(selectors.decision_by_id(decision_id)).data)


class SnapshotView(APIView):
    """The published snapshot."""

    @extend_schema(operation_id="snapshot_show", responses=SnapshotOutput)
    def get(self, request: Request) -> Response:
        """Which version is in force, what waits, and what is wrong."""
        refuse_unknown_parameters(request)
        newest, status = selectors.newest_publication(), selectors.publisher_status()
        return Response(
            SnapshotOutput(
                {
                    "version": newest.version if newest else None,
                    "base_version": newest.base_version if newest else None,
                    "published_at": newest.published_at if newest else None,
                    "waiting": SnapshotChange.objects.filter(publication__isnull=True).count(),
                    "root_sha256": selectors.root_fingerprint(),
                    "root_expires_at": selectors.root_expires_at(),
                    "timestamp_expires_at": status.get("timestamp_expires_at", ""),
                    "message": status.get("message", ""),
                }
            ).data
        )
