"""A person's own service tokens."""

from uuid import UUID

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import selectors, services
from accounts.api import serializers
from accounts.api.caller import person_of
from portal.paging import PAGE_PARAMETERS, page, paged


class TokensView(APIView):
    @extend_schema(operation_id="tokens_list", parameters=PAGE_PARAMETERS, responses=paged(serializers.TokenOutput))
    def get(self, request: Request) -> Response:
        """My tokens, live and ended, newest first."""
        return page(
            request,
            selectors.tokens_of(person_of(request)),
            order=("-created_at", "-id"),
            serializer=serializers.TokenOutput,
        )

    @extend_schema(
        operation_id="tokens_create", request=serializers.TokenInput, responses={201: serializers.NewTokenOutput}
    )
    def post(self, request: Request) -> Response:
        """Make a token of mine. Its secret is in this answer alone. No token can make another one."""
        given = serializers.TokenInput(data=request.data)
        given.is_valid(raise_exception=True)
        made = services.create_token(owner=person_of(request), now=timezone.now(), **given.validated_data)
        return Response(serializers.NewTokenOutput(made).data, status=201)


class TokenView(APIView):
    @extend_schema(operation_id="tokens_end", responses={204: None})
    def delete(self, request: Request, token_id: UUID) -> Response:
        """End a token at once: one of mine, or any as a platform administrator."""
        now = timezone.now()
        token = get_object_or_404(selectors.tokens_to_end(person_of(request), now), pk=token_id)
        services.end_token(token=token, by=person_of(request), now=now)
        return Response(status=204)
