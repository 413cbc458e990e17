"""Grants over REST: one list of everything that is let pass. Asking and giving are the approvals'."""

from uuid import UUID

from django.db.models import Q
from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from policies import selectors
from policies.api.serializers import GrantOutput
from policies.domain.grants import GrantState
from policies.models import Grant
from portal.paging import (
    CSV_PARAMETER,
    PAGE_PARAMETERS,
    AnyAccept,
    choice,
    exact,
    page_or_csv,
    paged_or_csv,
    refuse_unknown_parameters,
)


class GrantsView(APIView):
    content_negotiation_class = AnyAccept

    @extend_schema(
        operation_id="grants_list",
        parameters=[
            *PAGE_PARAMETERS,
            CSV_PARAMETER,
            OpenApiParameter("kind", str, enum=list(Grant.Kind.values)),
            OpenApiParameter("state", str, enum=[one.value for one in GrantState]),
            OpenApiParameter("rule", str),
            OpenApiParameter("scope_kind", str, enum=list(Grant.ScopeKind.values)),
            OpenApiParameter("scope", str, description="A version, a source's name, or a digest."),
        ],
        responses=paged_or_csv(GrantOutput),
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Everything that was asked to be let pass, newest first."""
        return page_or_csv(
            request,
            selectors.grants(),
            order=("-asked_at", "-id"),
            serializer=GrantOutput,
            name="grants.csv",
            filters={
                "kind": choice("kind", Grant.Kind),
                "state": _in_state,
                "rule": exact("rule"),
                "scope_kind": choice("scope_kind", Grant.ScopeKind),
                "scope": exact("scope"),
            },
        )


class GrantView(APIView):
    @extend_schema(operation_id="grants_read", responses=GrantOutput)
    def get(self, request: Request, grant_id: UUID) -> Response:
        """One grant."""
        refuse_unknown_parameters(request)
        return Response(GrantOutput(selectors.grant_by_id(grant_id)).data)


def _in_state(text: str) -> Q:
    known = {state.value: state for state in GrantState}
    if text not in known:
        raise ValueError(f"It must be one of {', '.join(known)}.")
    return selectors.in_state(known[text], timezone.now())
