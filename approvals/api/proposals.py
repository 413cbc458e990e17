"""Proposals, packets and reviews over REST."""

from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.selectors import person_by_name
from approvals import selectors, services
from approvals.api import serializers
from approvals.models import Proposal
from audit.api.caller import actor_of
from catalog.api.caller import person_of
from catalog.api.etag import tagged
from catalog.selectors import subversion_by_id
from policies.selectors import active_policy
from portal.paging import PAGE_PARAMETERS, choice, identifier, page, paged, refuse_unknown_parameters


def _detail(proposal_id: UUID) -> dict[str, object]:
    proposal = selectors.proposal_by_id(proposal_id)
    now = timezone.now()
    shown = dict(serializers.ProposalOutput(proposal).data)
    reviews = list(selectors.reviews_of(proposal).select_related("proposal__proposed_by", "proposal__source_author"))
    shown["reviewers_needed"] = selectors.reviewers_needed(active_policy(now))
    shown["verdict"] = serializers.LineOutput(list(selectors.proposal_verdict(proposal, now)), many=True).data
    shown["reviews"] = serializers.ReviewOutput(reviews, many=True).data
    return shown


class ProposalsView(APIView):
    @extend_schema(
        operation_id="proposals_list",
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("state", str, enum=list(Proposal.State.values)),
            OpenApiParameter("subversion", str),
        ],
        responses=paged(serializers.ProposalOutput),
    )
    def get(self, request: Request) -> Response:
        """Proposals, newest first."""
        return page(
            request,
            selectors.proposals(),
            order=("-opened_at", "-id"),
            serializer=serializers.ProposalOutput,
            filters={"state": choice("state", Proposal.State), "subversion": identifier("subversion_id")},
        )

    @extend_schema(
        operation_id="proposals_open",
        request=serializers.ProposalInput,
        responses={201: serializers.ProposalDetailOutput},
    )
    def post(self, request: Request) -> Response:
        """Put a candidate before its reviewers."""
        given = serializers.ProposalInput(data=request.data)
        given.is_valid(raise_exception=True)
        author_name = given.validated_data["source_author"]
        author = person_by_name(author_name) if author_name else None
        if author_name and author is None:
            raise ValidationError({"source_author": ["There is nobody of that name."]}, code="unknown_person")
        proposal = services.propose(
            subversion=subversion_by_id(given.validated_data["subversion"]),
            proposed_by=person_of(request),
            source_author=author,
            note=given.validated_data["note"],
            actor=actor_of(request),
            now=timezone.now(),
        )
        return Response(_detail(proposal.pk), status=201, headers={"Location": f"{request.path}/{proposal.pk}"})


class ProposalView(APIView):
    @extend_schema(operation_id="proposals_read", responses=serializers.ProposalDetailOutput)
    def get(self, request: Request, proposal_id: UUID) -> Response:
        """One proposal: what the policy says about it now, line by line, and who judged it."""
        refuse_unknown_parameters(request)
        return tagged(request, Response(_detail(proposal_id)))


class ProposalWithdrawView(APIView):
    @extend_schema(
        operation_id="proposals_withdraw", request=serializers.ReasonInput, responses=serializers.ProposalDetailOutput
    )
    def post(self, request: Request, proposal_id: UUID) -> Response:
        """Take one's own proposal back."""
        given = serializers.ReasonInput(data=request.data)
        given.is_valid(raise_exception=True)
        services.withdraw_proposal(
            proposal_id=proposal_id,
            person=person_of(request),
            reason=given.validated_data["reason"],
            now=timezone.now(),
        )
        return Response(_detail(proposal_id))


class ReviewsView(APIView):
    @extend_schema(operation_id="reviews_list", parameters=PAGE_PARAMETERS, responses=paged(serializers.ReviewOutput))
    def get(self, request: Request, proposal_id: UUID) -> Response:
        """Every review of a proposal, oldest first."""
        found = selectors.reviews_of(selectors.proposal_by_id(proposal_id))
        found = found.select_related("reviewer", "proposal__proposed_by", "proposal__source_author")
        return page(request, found, order=("decided_at", "id"), serializer=serializers.ReviewOutput)

    @extend_schema(
        operation_id="reviews_write", request=serializers.ReviewInput, responses={201: serializers.ReviewOutput}
    )
    def post(self, request: Request, proposal_id: UUID) -> Response:
        """Judge the packet that was read. People alone do this: no service token may."""
        given = serializers.ReviewInput(data=request.data)
        given.is_valid(raise_exception=True)
        review = services.review_packet(
            proposal_id=proposal_id, reviewer=person_of(request), now=timezone.now(), **given.validated_data
        )
        return Response(serializers.ReviewOutput(review).data, status=201)


class PacketView(APIView):
    @extend_schema(operation_id="packets_read", responses=serializers.PacketOutput)
    def get(self, request: Request, packet_id: UUID) -> Response:
        """The evidence as it was frozen, byte for byte."""
        refuse_unknown_parameters(request)
        return tagged(request, Response(serializers.PacketOutput(selectors.packet_by_id(packet_id)).data))
