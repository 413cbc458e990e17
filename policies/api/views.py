"""Policies over REST."""

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from policies import selectors
from policies.api.serializers import PolicyOutput
from portal.paging import PAGE_PARAMETERS, page, paged, refuse_unknown_parameters


class PoliciesView(APIView):
    @extend_schema(operation_id="policies_list", parameters=PAGE_PARAMETERS, responses=paged(PolicyOutput))
    def get(self, request: Request) -> Response:
        """Every adopted version, newest first."""
        return page(request, selectors.policy_history(), order=("-version",), serializer=PolicyOutput)


class ActivePolicyView(APIView):
    @extend_schema(operation_id="policies_active", responses=PolicyOutput)
    def get(self, request: Request) -> Response:
        """The policy in force now."""
        refuse_unknown_parameters(request)
        return Response(PolicyOutput(selectors.active_policy(timezone.now())).data)


class PolicyView(APIView):
    @extend_schema(operation_id="policies_read", responses=PolicyOutput)
    def get(self, request: Request, version: int) -> Response:
        """One adopted version."""
        refuse_unknown_parameters(request)
        return Response(PolicyOutput(get_object_or_404(selectors.policy_history(), version=version)).data)
